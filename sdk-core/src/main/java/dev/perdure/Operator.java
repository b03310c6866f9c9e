package dev.perdure;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Looks after sessions from outside: answers questions, lists, interrupts, closes. Needs the store and no agent, so it may live in a process without any.
 * Thread-safe; owns nothing.
 */
public final class Operator {
    private static final int PAGE = 1_000;

    private final SessionStore store;
    private final BiFunction<SessionId, SessionStore.Post, SessionStore.Posted> poster;

    Operator(SessionStore store, BiFunction<SessionId, SessionStore.Post, SessionStore.Posted> poster) {
        this.store = store;
        this.poster = poster;
    }

    public static Operator of(SessionStore store) {
        Objects.requireNonNull(store, "store");
        return new Operator(store, store::post);
    }

    /** All open questions of a tenant, oldest first. An answered one is open until a runtime has applied the answer. */
    public List<Question> questions(TenantId tenant) {
        List<Question> all = new ArrayList<>();
        List<Question> page;
        do {
            page = store.questions(tenant, all.isEmpty() ? null : all.get(all.size() - 1), PAGE);
            all.addAll(page);
        } while (page.size() == PAGE);
        return List.copyOf(all);
    }

    /** What became of an answer. */
    public enum Answered {
        /** It is stored and will be applied; so is the same answer given again. */
        ACCEPTED,
        /** The question is not open: somebody else answered it, it fell away, or there never was one of this id. */
        TOO_LATE
    }

    /**
     * Answers a question, durably. The first answer counts. Edited arguments that do not fit the tool go to the model as an error, not back to the
     * answerer.
     *
     * @throws IllegalArgumentException when a question of this kind cannot be answered so
     */
    public Answered answer(QuestionId id, Answer answer, Actor by) {
        Objects.requireNonNull(answer, "answer");
        Objects.requireNonNull(by, "by");
        Optional<Question> question = store.findQuestion(Objects.requireNonNull(id, "id"));
        if (question.isEmpty()) {
            return Answered.TOO_LATE;
        }
        if (!question.get().allows(answer)) {
            throw new IllegalArgumentException(
                    "a question of kind " + question.get().kind() + " is not answered by "
                            + answer.type() + ": "
                            + (question.get().kind() == Question.Kind.APPROVAL
                                    ? "accept, edit or deny"
                                    : "happened, did not happen, or give up"));
        }
        SessionStore.Post post = new SessionStore.Post(
                "answer:" + id.key(), Event.InputKind.ANSWER, by, Json.of(new Bodies.Answered(id.key(), answer)));
        SessionStore.Posted posted = poster.apply(id.session(), post);
        boolean accepted =
                posted instanceof SessionStore.Posted.Accepted || posted instanceof SessionStore.Posted.Duplicate;
        return accepted ? Answered.ACCEPTED : Answered.TOO_LATE;
    }

    /** All sessions of a tenant by name; only those of the given status, when some are given. */
    public List<SessionInfo> sessions(TenantId tenant, SessionStatus... status) {
        List<SessionInfo> all = new ArrayList<>();
        List<SessionInfo> page;
        do {
            String after = all.isEmpty() ? "" : all.get(all.size() - 1).id().name();
            page = store.list(tenant, Set.of(status), after, PAGE);
            all.addAll(page);
        } while (page.size() == PAGE);
        return List.copyOf(all);
    }

    public Optional<SessionInfo> find(SessionId id) {
        return store.find(id);
    }

    /** The whole log of a session, oldest first; empty when it is unknown or deleted. */
    public List<Recorded> history(SessionId id) {
        List<Recorded> all = new ArrayList<>();
        List<Recorded> page;
        do {
            page = store.read(id, all.size(), PAGE);
            all.addAll(page);
        } while (page.size() == PAGE);
        return List.copyOf(all);
    }

    /** The bytes of the newest version of an artifact; empty when there is none of that name. */
    public Optional<byte[]> findArtifact(SessionId id, String name) {
        Event.ArtifactSaved saved = SessionView.of(id, history(id)).artifacts().get(name);
        return saved == null ? Optional.empty() : store.blobs().find(id, saved.content());
    }

    /**
     * Asks whoever runs the turn that is open now to stop it; a later turn is never stopped by this. Does nothing when none is open, also when an
     * input waits for its turn to begin: that one is stopped by {@link Turn#interrupt}.
     *
     * @throws IllegalArgumentException when there is no such session
     */
    public void interrupt(SessionId id, String reason, Actor by) {
        int turn = openTurn(id);
        if (turn > 0) {
            post(id, "interrupt:", Event.InputKind.INTERRUPT, by, Json.of(new Bodies.Interrupt(turn, reason, null)));
        } else if (store.find(id)
                .filter(info -> info.status() != SessionStatus.DELETED)
                .isEmpty()) {
            throw unknown(id);
        }
    }

    /** Number of the open turn; 0 when none is. Each event of a turn bears its number, and those between turns none. */
    private int openTurn(SessionId id) {
        List<Recorded> last = store.read(id, Math.max(0, store.head(id).seq() - 1), 1);
        boolean open = !last.isEmpty() && !(last.get(0).event() instanceof Event.TurnEnded);
        return open ? last.get(0).turn() : 0;
    }

    /**
     * Closes a session for good; an open turn is interrupted first. Its log can be read on.
     *
     * @throws IllegalArgumentException when there is no such session
     */
    public void end(SessionId id, String reason, Actor by) {
        post(id, "end:", Event.InputKind.END, by, Json.of(new Bodies.End(reason)));
    }

    /**
     * Lets a quarantined session be claimed again. Does nothing to others.
     *
     * @throws IllegalArgumentException when there is no such session
     */
    public void resume(SessionId id, Actor by) {
        SessionStatus status = store.find(id).map(SessionInfo::status).orElse(SessionStatus.DELETED);
        if (status == SessionStatus.DELETED) {
            throw unknown(id);
        }
        if (status == SessionStatus.QUARANTINED) {
            post(id, "resume:", Event.InputKind.RESUME, by, Json.EMPTY);
        }
    }

    /**
     * Deletes a session with its log and the files that the store keeps; its name stays taken. A sandbox is not removed, because what made it is not
     * known here: {@link AgentSession#delete} does so.
     *
     * @return false when there is none
     */
    public boolean delete(SessionId id) {
        return store.delete(id);
    }

    private void post(SessionId id, String prefix, Event.InputKind kind, Actor by, Json body) {
        SessionStore.Posted posted = poster.apply(id, new SessionStore.Post(prefix + EventId.random(), kind, by, body));
        if (posted instanceof SessionStore.Posted.Unknown) {
            throw unknown(id);
        }
    }

    private static IllegalArgumentException unknown(SessionId id) {
        return new IllegalArgumentException("there is no session " + id + ", or it was deleted");
    }
}

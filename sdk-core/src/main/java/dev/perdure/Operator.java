package dev.perdure;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.internal.transfer.SessionExport;
import dev.perdure.internal.transfer.SessionImport;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Looks after sessions from outside: answers questions, lists, interrupts, closes, deletes, exports. Needs the store and no agent, so it may live in a process without any.
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

    /**
     * All sessions of a tenant by name, deleted ones left out; only those of the given status, when some are given. Who the tenants are is known to the
     * database alone.
     */
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

    /**
     * The whole log of a session, oldest first; empty when it is unknown or deleted. {@code SessionView.of(id, operator.history(id))} says what it came to: open
     * questions, notes, tokens, {@linkplain SessionView#cost() cost}.
     */
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
     * input waits for its turn to begin: that one is stopped by {@link Turn#interrupt}. Stored when this returns; whoever runs the turn learns of it at
     * once in the process of this operator's runtime, else by a hint of the store or with the next renewal of the lease.
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
     * Asks for a session to be closed for good; an open turn is interrupted first. Its log can be read on. Stored when this returns, and the session is
     * {@link SessionStatus#ENDED} once a worker that serves its agent has carried it out: until then one that rested is {@code READY}, and a {@link #purge} of
     * ended ones leaves it. A quarantined one has to be {@linkplain #resume resumed}, and a call in doubt answered, before that can happen. Who needs no
     * log calls {@link #delete}, which waits for nobody. Does nothing to a session that has ended.
     *
     * @throws IllegalArgumentException when there is no such session
     */
    public void end(SessionId id, String reason, Actor by) {
        post(id, "end:", Event.InputKind.END, by, Json.of(new Bodies.End(reason)));
    }

    /**
     * Lets a quarantined session be claimed again: it is {@code READY} when this returns, and its fruitless claims are forgotten. Does nothing to others.
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
     * Deletes a session with its log and the files that the store keeps; its name stays taken. Out of reach at once, gone when this returns. A sandbox is
     * not removed, because what made it is not known here: {@link AgentSession#delete} does so.
     *
     * @return false when there is none
     */
    public boolean delete(SessionId id) {
        return store.delete(id);
    }

    /**
     * Deletes at most 1,000 sessions that {@code which} fits, each as {@link #delete} does; with {@link SessionStatus#DELETED} named in it, the names of
     * deleted sessions become free. For a job of yours that runs now and then: {@code while (operator.purge(which) > 0) {}}. Any number of processes may
     * do so at a time, and one that dies in the middle is made up for by the next purge. Reads the row of every session, or of every one of the tenant.
     *
     * @return how many; 0 when none is left, or another process is deleting the ones that are
     */
    public int purge(Retention which) {
        return store.purge(Objects.requireNonNull(which, "which"), PAGE);
    }

    /**
     * Deletes whatever there is of a tenant: every session whatever it does, and the names of those deleted before, so that nothing says any longer that the
     * tenant was here. Stop its senders first: a session that is opened after this is a new one. Safe to repeat, which finishes what a process that died
     * has left. Backups, and pages that the database has not used again, still hold the bytes.
     *
     * @return how many sessions there were
     */
    public int erase(TenantId tenant) {
        Set<SessionStatus> alive = EnumSet.complementOf(EnumSet.of(SessionStatus.DELETED));
        Retention any = Retention.of(Duration.ZERO).tenant(tenant);
        int sessions = purgeAll(any.status(alive.toArray(new SessionStatus[0])));
        purgeAll(any.status(SessionStatus.DELETED));
        return sessions;
    }

    private int purgeAll(Retention which) {
        int all = 0;
        for (int some = purge(which); some > 0; some = purge(which)) {
            all += some;
        }
        return all;
    }

    /**
     * Writes a session as lines of JSON: its log, open questions, inbox and blobs, in clear, and a last line that seals them. It is left as it is, and may be at
     * work meanwhile: then what is written is the session as of one moment, a prefix of its log and what its inbox was by then, and its status
     * says {@code RUNNING}. {@code out} is flushed, not closed.
     *
     * @return the session as it was written; empty, and nothing written, when there is none
     * @throws IOException when {@code out} does; what was written is then no export, and an import refuses it
     */
    public Optional<SessionInfo> exportSession(SessionId id, OutputStream out) throws IOException {
        return SessionExport.write(store, Objects.requireNonNull(id, "id"), Objects.requireNonNull(out, "out"));
    }

    /** What became of an import. */
    public enum Imported {
        /** It is there, as a whole. */
        DONE,
        /** A session of that name is there, or was deleted; nothing was changed. */
        EXISTS
    }

    /** As {@link #importSession(InputStream, SessionId)}, under the name that it was exported under. */
    public Imported importSession(InputStream in) throws IOException {
        return read(in, null);
    }

    /**
     * Makes the session that {@link #exportSession} has written, in any store: the same events with their numbers, ids, fences and times, its questions and its
     * inbox with the keys that were used. Any runtime on this store then goes on with it; what was {@code RUNNING} is {@code READY}. So end or delete the
     * original, or see that it rests: two copies that both go on do things twice. Nobody sees it before it is whole; an import that broke off is
     * repeated from the start.
     *
     * @param in read to its end, not closed
     * @param as its tenant and name here; not while a tool call of it is running, whose idempotency key holds the name
     * @throws IllegalArgumentException when {@code in} is not a whole, unchanged export; names the line
     * @throws dev.perdure.session.UnsupportedFormatException when it was written by a newer version that must be understood
     */
    public Imported importSession(InputStream in, SessionId as) throws IOException {
        return read(in, Objects.requireNonNull(as, "as"));
    }

    private Imported read(InputStream in, @Nullable SessionId as) throws IOException {
        try {
            return SessionImport.read(store, Objects.requireNonNull(in, "in"), as) ? Imported.DONE : Imported.EXISTS;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
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

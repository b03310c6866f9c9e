package dev.perdure.testkit.crash;

import dev.perdure.Operator;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The human beside the store: answers what is asked, and looks for inputs that nobody will ever take up. Confined to one thread. */
final class Watch {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

    private static final Actor HUMAN = Actor.user("crash-harness");

    private static final int PAGE = 10_000;

    private final SessionStore store;
    private final Outside outside;
    private final List<SessionId> sessions;
    private final Map<String, Violation> found = new HashMap<>();

    Watch(SessionStore store, Outside outside, List<SessionId> sessions) {
        this.store = store;
        this.outside = outside;
        this.sessions = sessions;
    }

    List<Violation> found() {
        return List.copyOf(found.values());
    }

    void look() {
        try {
            answer();
            sessions.forEach(this::lookForLost);
            sessions.forEach(this::encourage);
        } catch (StoreException e) {
            LOG.info("the store did not answer, so another look later", e);
        }
    }

    private void answer() {
        Operator operator = Operator.of(store);
        for (Question question : operator.questions(sessions.get(0).tenant())) {
            operator.answer(question.id(), outside.answer(question), HUMAN);
        }
    }

    /**
     * A post and what it makes of the status are one commit, as are a release and its look at the inbox: so an item that is there before and
     * after the session was idle was there while it was idle, however short that was, and nobody was to come for it.
     */
    private void lookForLost(SessionId session) {
        Optional<String> before = oldest(session);
        if (before.isPresent()
                && status(session) == SessionStatus.IDLE
                && oldest(session).equals(before)) {
            Violation lost = new Violation(
                    "P10", session, "the input " + before.get() + " lies in the inbox of a session that is IDLE");
            found.putIfAbsent(lost.toString(), lost);
        }
    }

    /**
     * A session whose claims were in vain is left alone for longer and longer; here that was the kills' fault. Not one that is IDLE: that would
     * wake up what must wake up by itself.
     */
    private void encourage(SessionId session) {
        boolean shy = store.find(session)
                .filter(found -> found.status() == SessionStatus.READY && found.attempts() > 1)
                .isPresent();
        if (shy) {
            String key = "resume:" + EventId.random();
            store.post(session, new SessionStore.Post(key, Event.InputKind.RESUME, HUMAN, Json.EMPTY));
        }
    }

    private Optional<String> oldest(SessionId session) {
        return store.inbox(session, 0, 1).stream().map(InboxItem::key).findFirst();
    }

    /** Keys of inputs that are not lost, only late. */
    Set<String> waiting(SessionId session) {
        return store.inbox(session, 0, PAGE).stream().map(InboxItem::key).collect(Collectors.toSet());
    }

    private SessionStatus status(SessionId session) {
        return store.find(session).map(SessionInfo::status).orElseThrow();
    }

    /** What is left to be done; empty when all is. */
    Optional<Violation> unfinished() {
        try {
            return sessions.stream()
                    .flatMap(session -> unfinished(session).stream())
                    .findFirst();
        } catch (StoreException e) {
            return Optional.of(new Violation("P10", sessions.get(0), "the store does not answer: " + e.getMessage()));
        }
    }

    private Optional<Violation> unfinished(SessionId session) {
        SessionStatus status = status(session);
        int waiting = store.inbox(session, 0, 100).size();
        return status == SessionStatus.IDLE && waiting == 0
                ? Optional.empty()
                : Optional.of(new Violation(
                        "P10",
                        session,
                        "still " + status + " with " + waiting + " inputs waiting, long after the last kill"));
    }
}

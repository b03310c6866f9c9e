package dev.perdure.benchmarks;

import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A session that is written to from here. Confined. */
final class Held {
    static final String AGENT = "bench";

    private final SessionStore store;
    private final Lease lease;
    private Position last;
    private long bytes;

    private Held(SessionStore store, Lease lease, Position last) {
        this.store = store;
        this.lease = lease;
        this.last = last;
    }

    /** A new session, and its lease. */
    static Held open(SessionStore store, SessionId id) {
        EventId first = create(store, id);
        return new Held(store, claim(store, id), new Position(1, first));
    }

    static EventId create(SessionStore store, SessionId id) {
        Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened(AGENT, Map.of()));
        store.open(new SessionStore.NewSession(id, AGENT, Map.of(), first));
        return first.id();
    }

    static Lease claim(SessionStore store, SessionId id) {
        SessionStore.Claimed answer = store.claim(id, SessionStore.Terms.of(WorkerId.random()));
        if (answer instanceof SessionStore.Claimed.Held held) {
            return held.lease();
        }
        throw new IllegalStateException("session " + id + " was to be claimed: " + answer);
    }

    /** One commit. */
    void append(Event... events) {
        List<Draft> drafts = Arrays.stream(events)
                .map(event -> Draft.of(EventId.random(), 1, event))
                .toList();
        drafts.forEach(draft -> bytes += draft.json().length());
        last = require(store.append(lease, last, SessionStore.Batch.of(drafts))).last();
    }

    /** Gives the session back, as one that waits. */
    static void release(SessionStore store, Lease lease, Position last) {
        Draft wait = Draft.of(EventId.random(), 1, new Event.WaitStarted(Event.WaitFor.INPUT, List.of()));
        require(store.append(
                lease,
                last,
                new SessionStore.Batch(
                        List.of(wait),
                        List.of(),
                        List.of(),
                        List.of(),
                        null,
                        new SessionStore.Release(SessionStatus.WAITING, lease.inboxHead()))));
    }

    void release() {
        release(store, lease, last);
    }

    private static SessionStore.Appended.Ok require(SessionStore.Appended answer) {
        if (answer instanceof SessionStore.Appended.Ok written) {
            return written;
        }
        throw new IllegalStateException("the append was to succeed: " + answer);
    }

    long length() {
        return last.seq();
    }

    /** Of what was appended, in its stored form; all texts here are ASCII. */
    long bytes() {
        return bytes;
    }
}

package dev.perdure.internal.engine;

import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks, after a run was put out, whether the store still has what it acknowledged to that run. A store that came back without its newest commits, as a standby
 * that took over may, is told again what it lost, if that is surely nothing but events of this run and nobody has written since; else the session is set aside
 * for an operator, because nobody who goes on from there could know what has happened outside. Confined; every step may be repeated.
 */
final class Regression {
    private static final Logger LOG = LoggerFactory.getLogger(Regression.class);

    private final Engine engine;
    private final SessionStore store;
    private final SessionId session;
    private final Position acknowledged;
    private final List<Journal.Written> written;
    private final @Nullable EventId first;
    private Lease lease;
    private SessionStore.@Nullable Batch repair;

    Regression(Engine engine, Lease lease, Journal journal) {
        this.engine = engine;
        this.store = engine.store();
        this.session = lease.session();
        this.lease = lease;
        this.acknowledged = journal.acknowledged();
        this.written = journal.written();
        this.first = journal.findFirst().orElse(null);
    }

    void check() {
        if (acknowledged.seq() == 0 || isThere(acknowledged)) {
            return;
        }
        Optional<SessionInfo> info = store.find(session);
        if (info.filter(found -> found.status() == SessionStatus.DELETED).isPresent()) {
            return;
        }
        Position end = store.head(session);
        long kept = kept(end);
        engine.regressed(lease, kept, acknowledged.seq());
        if (info.isPresent() && !isAnotherSession() && !restored(end)) {
            setAside(end, kept);
        }
    }

    /** Its name may have been erased, and taken again: the one that has it now has lost nothing. */
    private boolean isAnotherSession() {
        return first != null
                && store.read(session, 0, 1).stream()
                        .noneMatch(recorded -> recorded.id().equals(first));
    }

    /** Number of the last event that the log still shares with what was acknowledged; others may have written behind it since. */
    private long kept(Position end) {
        for (int i = written.size() - 1; i >= 0; i--) {
            Position before = written.get(i).before();
            if (before.seq() <= end.seq() && isThere(before)) {
                return before.seq();
            }
        }
        return Math.min(end.seq(), acknowledged.seq() - 1);
    }

    private boolean isThere(Position position) {
        return store.read(session, position.seq() - 1, 1).stream()
                .anyMatch(recorded -> recorded.position().equals(position));
    }

    /** Writes again what was lost, directly after where the log ends now. */
    private boolean restored(Position end) {
        SessionStore.Batch batch = repair == null ? repair(end) : repair;
        repair = batch;
        if (batch == null) {
            return false;
        }
        SessionStore.Appended answer = store.append(lease, end, batch);
        if (answer instanceof SessionStore.Appended.LeaseLost
                && store.claim(session, engine.terms()) instanceof SessionStore.Claimed.Held held) {
            // A fence that fell with the rest would not keep out whoever held the session before.
            boolean higher = held.lease().fence() > lease.fence();
            lease = held.lease();
            answer = higher ? store.append(lease, end, batch) : answer;
        }
        boolean restored = isWritten(answer);
        if (restored) {
            LOG.warn("{}: what the store had lost is written again; the session goes on", session);
        }
        return restored;
    }

    /** All events from there on; null when they are not all at hand, or more than events was lost: items of the inbox that were consumed, questions. */
    private SessionStore.@Nullable Batch repair(Position end) {
        List<Draft> drafts = new ArrayList<>();
        for (Journal.Written commit : written) {
            boolean lost = commit.before().seq() >= end.seq();
            boolean follows =
                    commit.before().seq() > end.seq() || commit.before().equals(end);
            if (lost && !(follows && commit.batch().onlyEvents())) {
                return null;
            }
            if (lost) {
                drafts.addAll(commit.batch().events());
            }
        }
        if (drafts.size() != acknowledged.seq() - end.seq()) {
            return null;
        }
        drafts.add(note(end.seq(), drafts.get(drafts.size() - 1).turn(), true));
        return release(drafts, SessionStatus.READY);
    }

    private Draft note(long kept, int turn, boolean restored) {
        return Draft.of(engine.newId(), turn, new Event.StoreRegressed(kept, acknowledged.seq(), restored));
    }

    private SessionStore.Batch release(List<Draft> drafts, SessionStatus target) {
        return new SessionStore.Batch(
                drafts, List.of(), List.of(), List.of(), null, new SessionStore.Release(target, lease.inboxHead()));
    }

    private static boolean isWritten(SessionStore.Appended answer) {
        return answer instanceof SessionStore.Appended.Ok || answer instanceof SessionStore.Appended.Duplicate;
    }

    /** At once if the session is still this worker's; else whoever has it by now learns of it as of everything else. */
    private void setAside(Position end, long kept) {
        LOG.error(
                "{}: what the store has lost cannot be written again; the session is set aside for an operator",
                session);
        SessionStore.Batch note = release(List.of(note(kept, 0, false)), SessionStatus.QUARANTINED);
        if (isWritten(store.append(lease, end, note))) {
            return;
        }
        engine.post(
                session,
                new SessionStore.Post(
                        "regressed:" + acknowledged.event(),
                        Event.InputKind.SET_ASIDE,
                        Actor.PERDURE,
                        Json.of(new Bodies.Regressed(kept, acknowledged.seq()))));
    }
}

package dev.perdure;

import dev.perdure.internal.engine.LogHolder;
import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.spi.SessionStore;
import java.util.List;
import java.util.Optional;

/**
 * The durable log of one session without the engine: one writer at a time, in any process, fenced by the store in each write. For teams that have a loop of
 * their own.
 *
 * <pre>{@code
 * try (SessionLog log = SessionLog.hold(store, SessionId.of("acme", "job-7")).orElseThrow()) {
 *   log.append(new Event.NoteKept("stage", Json.of("fetched")));
 * }
 * }</pre>
 *
 * <p>Holds the session's lease and renews it on a daemon thread until {@link #close}. Thread-safe; appends of one log happen one after another.
 */
public final class SessionLog implements AutoCloseable {
    private final LogHolder holder;

    private SessionLog(LogHolder holder) {
        this.holder = holder;
    }

    /**
     * Takes a session, which is made if it is not there. One that is made so has no agent: no runtime can run it.
     *
     * @return empty when another worker holds it, it is closed, quarantined or deleted
     */
    public static Optional<SessionLog> hold(SessionStore store, SessionId id) {
        return LogHolder.claim(store, id).map(SessionLog::new);
    }

    /** What the log says now, by this holder's own writes and what was there before. */
    public SessionView view() {
        return holder.view();
    }

    /**
     * Appends events in one commit; durable when this returns true.
     *
     * @return false when another worker holds the session now; nothing was written, and nothing more can be written through this log
     * @throws dev.perdure.spi.StoreException when the outcome could not be learned while the lease was good; this log is
     *     of no use then: hold the session again and look
     * @throws IllegalArgumentException when there are no events, or one cannot be stored or is refused, such as a question that is open;
     *     nothing was written, and the log goes on
     */
    public boolean append(Event... events) {
        return holder.append(List.of(events));
    }

    /** Whether this still holds the session, as far as is known here. */
    public boolean held() {
        return holder.alive();
    }

    /** Gives the session back. Safe to repeat; does nothing when it is lost. */
    @Override
    public void close() {
        holder.close();
    }
}

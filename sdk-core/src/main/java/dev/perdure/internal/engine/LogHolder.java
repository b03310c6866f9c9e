package dev.perdure.internal.engine;

import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The lease and the journal behind a {@link dev.perdure.SessionLog}. Thread-safe. */
public final class LogHolder implements Journal.Lifeline, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogHolder.class);
    /** Agent of sessions that have none. */
    private static final String NO_AGENT = "-";

    private final SessionStore store;
    private final Lease lease;
    private final LeaseClock clock;
    private final Duration ttl;
    private final ScheduledThreadPoolExecutor timers = Threads.timers("perdure-log");
    private final ExecutorService aside = Threads.perTask("perdure-log-snapshot");
    // Held across the append on purpose: appends of one log happen one after another. Nothing else waits for it.
    private final ReentrantLock appending = new ReentrantLock();
    private final Journal journal;
    private volatile boolean lost;
    private boolean closed;

    private LogHolder(SessionStore store, Lease lease, Duration ttl, long sentNanos) {
        this.store = store;
        this.lease = lease;
        this.ttl = ttl;
        this.clock = new LeaseClock(ttl, sentNanos);
        this.journal =
                Journal.load(store, lease, this, EventId::random, new Snapshots(store, lease, aside, Snapshots.EVENTS));
        long period = Math.max(1, ttl.toMillis() / 3);
        Future<?> unused = timers.scheduleWithFixedDelay(this::renew, period, period, TimeUnit.MILLISECONDS);
    }

    public static Optional<LogHolder> claim(SessionStore store, SessionId id) {
        return claim(store, id, SessionStore.Terms.of(WorkerId.random()));
    }

    static Optional<LogHolder> claim(SessionStore store, SessionId id, SessionStore.Terms terms) {
        Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened(NO_AGENT, Map.of()));
        SessionStore.Opened opened = store.open(new SessionStore.NewSession(id, NO_AGENT, Map.of(), first));
        if (opened instanceof SessionStore.Opened.Deleted) {
            return Optional.empty();
        }
        long sent = System.nanoTime();
        return store.claim(id, terms) instanceof SessionStore.Claimed.Held held
                ? Optional.of(new LogHolder(store, held.lease(), terms.ttl(), sent))
                : Optional.empty();
    }

    public SessionView view() {
        appending.lock();
        try {
            return journal.view();
        } finally {
            appending.unlock();
        }
    }

    public boolean append(List<Event> events) {
        if (events.isEmpty()) {
            throw new IllegalArgumentException("no events to append");
        }
        appending.lock();
        try {
            if (closed || !alive()) {
                // Said once, it holds: a renewal that comes through later does not bring the log back.
                lost = true;
                return false;
            }
            events.forEach(journal::add);
            journal.commit();
            return true;
        } catch (RunEnded e) {
            LOG.debug("{}: log lost: {}", lease.session(), e.getMessage());
            lost = true;
            if (e.why() == RunEnded.Why.STOPPED) {
                throw StoreException.unavailable("interrupted before the outcome was known", lease.session(), e);
            }
            return false;
        } catch (StoreException e) {
            // Whether it was written is not known, so nothing may be written after it: hold the session again and look.
            lost = true;
            throw e;
        } finally {
            // What was refused is not written by the next append.
            journal.forget();
            appending.unlock();
        }
    }

    void renew() {
        if (lost) {
            // Others may have the session as soon as the lease runs out.
            return;
        }
        try {
            long sent = System.nanoTime();
            SessionStore.Renewal answer = store.renew(List.of(lease), ttl).get(0);
            if (answer.state() == SessionStore.Renewal.State.HELD) {
                clock.renewed(sent);
            } else if (answer.state() == SessionStore.Renewal.State.LOST) {
                lost = true;
            }
        } catch (RuntimeException e) {
            LOG.warn("{}: lease could not be renewed, trying again: {}", lease.session(), e.getMessage());
        }
    }

    @Override
    public boolean alive() {
        return !lost && clock.alive();
    }

    @Override
    public void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RunEnded(RunEnded.Why.STOPPED, "interrupted while waiting for the store");
        }
    }

    @Override
    public void close() {
        timers.shutdownNow();
        aside.shutdown();
        appending.lock();
        try {
            if (!closed && !lost) {
                journal.release(SessionStatus.IDLE, 0);
            }
        } catch (RunEnded e) {
            LOG.debug("{}: log was lost before it was given back", lease.session());
        } finally {
            closed = true;
            appending.unlock();
        }
    }
}

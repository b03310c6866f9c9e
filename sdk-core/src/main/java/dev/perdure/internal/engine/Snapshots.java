package dev.perdure.internal.engine;

import dev.perdure.session.EventId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the log of a run from its newest snapshot on, and takes another when enough has been written since. It is taken beside the run and never waited
 * for, and what goes wrong with one is a line in the log. Confined to the thread of its run, but for what is volatile.
 */
final class Snapshots {
    private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);
    /** Events after which one is taken, and least length of a log that has any: a shorter one is read as fast without. */
    static final int EVENTS = 200;
    /** Characters of events after which one is taken earlier. */
    private static final long CHARACTERS = 256 * 1024;

    private static final int PAGE = 1_000;

    private final SessionStore store;
    private final Lease lease;
    private final Executor aside;
    private final int every;
    private final AtomicBoolean saving = new AtomicBoolean();
    private volatile @Nullable RuntimeException failure;
    /** What was written since the newest one that was tried. */
    private long events;

    private long characters;
    private @Nullable EventId first;
    /** Size of the newest one: to write more snapshots than events would be a waste. */
    private volatile long size;

    Snapshots(SessionStore store, Lease lease, Executor aside, int every) {
        this.store = store;
        this.lease = lease;
        this.aside = aside;
        this.every = every;
    }

    /** The committed log. May be called again when it failed. */
    SessionView load() {
        events = 0;
        characters = 0;
        SessionView view = lease.logHead() >= every ? fromNewest() : null;
        if (view == null) {
            view = rest(SessionView.empty(lease.session()));
        }
        takeIfDue(view);
        return view;
    }

    /** Throws what an agent ran into when it looked at events that could not be read: what it made of that is nothing to go on with. */
    void requireRead() {
        RuntimeException e = failure;
        if (e != null) {
            throw e;
        }
    }

    /** Counts what was written, and takes a snapshot of {@code view} if it is time. */
    void committed(SessionView view, List<Recorded> written) {
        written.forEach(this::count);
        takeIfDue(view);
    }

    private @Nullable SessionView fromNewest() {
        SessionStore.Snapshot newest = newest();
        SessionView view = newest == null ? null : view(newest);
        if (newest == null || view == null) {
            return null;
        }
        // With the event it was taken at: another one has its place when the store has lost its newest events.
        List<Recorded> page = store.read(lease.session(), newest.at().seq() - 1, PAGE);
        if (page.isEmpty() || !page.get(0).position().equals(newest.at())) {
            LOG.warn("{}: the snapshot is of a log that has lost its end, and is not used", lease.session());
            return null;
        }
        size = newest.body().length();
        SessionView grown = add(view, page.subList(1, page.size()));
        return page.size() < PAGE ? grown : rest(grown);
    }

    private SessionStore.@Nullable Snapshot newest() {
        try {
            return store.snapshot(lease.session()).orElse(null);
        } catch (RuntimeException e) {
            LOG.warn("{}: the snapshot cannot be read, the log is read instead: {}", lease.session(), e.toString());
            return null;
        }
    }

    private @Nullable SessionView view(SessionStore.Snapshot snapshot) {
        Optional<SessionView> view = SessionView.of(lease.session(), snapshot.at(), snapshot.body(), this::read);
        if (view.isEmpty()) {
            LOG.info("{}: the snapshot is damaged or of another version, the log is read instead", lease.session());
        }
        return view.orElse(null);
    }

    private SessionView rest(SessionView start) {
        SessionView view = start;
        List<Recorded> page;
        do {
            page = store.read(lease.session(), view.position().seq(), PAGE);
            view = add(view, page);
        } while (page.size() == PAGE);
        return view;
    }

    private SessionView add(SessionView start, List<Recorded> page) {
        SessionView view = start;
        for (Recorded event : page) {
            view = view.with(event);
            count(event);
        }
        return view;
    }

    private List<Recorded> read(long after, int limit) {
        try {
            return store.read(lease.session(), after, limit);
        } catch (RuntimeException e) {
            failure = e;
            throw e;
        }
    }

    /** The session's first event, by which it differs from a later one of its name; empty when a snapshot stood for it. */
    Optional<EventId> findFirst() {
        return Optional.ofNullable(first);
    }

    private void count(Recorded event) {
        if (event.seq() == 1) {
            first = event.id();
        }
        events++;
        characters += event.json().length();
    }

    private void takeIfDue(SessionView view) {
        boolean due = characters >= size && (events >= every || characters >= CHARACTERS);
        if (due && view.position().seq() >= every && saving.compareAndSet(false, true)) {
            events = 0;
            characters = 0;
            try {
                aside.execute(() -> take(view));
            } catch (RejectedExecutionException e) {
                LOG.debug("{}: no snapshot, its runtime is closed", lease.session());
            }
        }
    }

    private void take(SessionView view) {
        try {
            SessionStore.Snapshot taken = new SessionStore.Snapshot(view.position(), view.snapshot());
            size = taken.body().length();
            boolean kept = store.saveSnapshot(lease, taken);
            LOG.debug(
                    "{}: snapshot at event {} {}",
                    lease.session(),
                    view.position().seq(),
                    kept ? "kept" : "not kept");
        } catch (IllegalStateException e) {
            LOG.debug("{}: no snapshot, its store is closed", lease.session(), e);
        } catch (RuntimeException e) {
            LOG.warn("{}: a snapshot could not be kept, the log is read instead: {}", lease.session(), e.toString());
        } finally {
            saving.set(false);
        }
    }
}

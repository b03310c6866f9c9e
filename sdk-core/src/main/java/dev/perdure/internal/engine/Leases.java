package dev.perdure.internal.engine;

import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Renews the leases of all runs by one statement each third of their length, on a thread of its own that survives everything that is thrown. Thread-safe. */
final class Leases implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Leases.class);

    private final SessionStore store;
    private final Duration ttl;
    private final Map<Lease, SessionRun> runs = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;
    private boolean closed;

    Leases(SessionStore store, Duration ttl) {
        this.store = store;
        this.ttl = ttl;
        this.thread = Threads.daemons("perdure-renew").newThread(this::loop);
    }

    void start() {
        thread.start();
    }

    void add(SessionRun run) {
        runs.put(run.lease(), run);
    }

    void remove(SessionRun run) {
        runs.remove(run.lease());
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    List<SessionRun> runs() {
        return List.copyOf(runs.values());
    }

    int size() {
        return runs.size();
    }

    private void loop() {
        while (pause(ttl.dividedBy(3))) {
            try {
                renew();
            } catch (RuntimeException e) {
                LOG.warn("leases could not be renewed, trying again: {}", e.getMessage());
                LOG.debug("leases could not be renewed", e);
            } catch (Throwable e) {
                // Without this thread every session of this process would be lost.
                LOG.error("leases could not be renewed, trying again", e);
            }
            giveUpOld();
        }
    }

    /** Also when the store does not answer: by this process's own clock a lease is over all the same. */
    private void giveUpOld() {
        try {
            runs.values().stream().filter(run -> !run.clock().alive()).forEach(SessionRun::leaseLost);
        } catch (Throwable e) {
            LOG.error("runs could not be told that their leases are over, trying again", e);
        }
    }

    private void renew() {
        List<Lease> leases = List.copyOf(runs.keySet());
        if (leases.isEmpty()) {
            return;
        }
        long sent = System.nanoTime();
        Map<Lease, SessionStore.Renewal> answers = store.renew(leases, ttl).stream()
                .collect(Collectors.toMap(SessionStore.Renewal::lease, Function.identity()));
        for (Lease lease : leases) {
            SessionRun run = runs.get(lease);
            SessionStore.Renewal answer = answers.get(lease);
            if (run == null || answer == null) {
                continue;
            }
            switch (answer.state()) {
                case HELD -> {
                    run.clock().renewed(sent);
                    run.renewed(answer.inboxHead());
                }
                case LOST -> run.leaseLost();
                case SKIPPED -> LOG.debug("{}: lease not renewed this time, its row is locked", lease.session());
            }
        }
    }

    /** Waits; false once closed. */
    private boolean pause(Duration time) {
        lock.lock();
        try {
            long left = time.toNanos();
            while (!closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return !closed;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Whether all runs ended in time. */
    boolean awaitEmpty(Duration atMost) {
        lock.lock();
        try {
            long left = atMost.toNanos();
            while (!runs.isEmpty() && left > 0) {
                left = changed.awaitNanos(left);
            }
            return runs.isEmpty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}

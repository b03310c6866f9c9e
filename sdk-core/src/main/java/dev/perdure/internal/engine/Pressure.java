package dev.perdure.internal.engine;

import dev.perdure.RuntimeListener;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many sessions may be claimed while the store is slow or does not answer: half of those that run, never less than one, until appends are quick again. What
 * runs goes on. Thread-safe.
 */
final class Pressure {
    private static final Logger LOG = LoggerFactory.getLogger(Pressure.class);
    /** An append that takes longer is slow, however long leases are. */
    private static final Duration SLOW = Duration.ofSeconds(1);

    private final int most;
    private final long slowNanos;
    private final IntSupplier running;
    private final RuntimeListener listeners;
    private final LongSupplier nanoTime;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile int limit;
    private long loweredAt;

    /** @param running how many sessions run now */
    Pressure(int most, Duration lease, IntSupplier running, RuntimeListener listeners, LongSupplier nanoTime) {
        this.most = Math.max(1, most);
        this.slowNanos = Math.min(SLOW.toNanos(), lease.toNanos() / 10);
        this.running = running;
        this.listeners = listeners;
        this.nanoTime = nanoTime;
        this.limit = this.most;
    }

    /** Most sessions that may run here for another to be claimed. */
    int limit() {
        return limit;
    }

    boolean on() {
        return limit < most;
    }

    /** The store did not do what it was asked, for now. */
    void troubled() {
        lower();
    }

    /** An append came through, or a look for work while nothing runs. */
    void answered(long nanos) {
        if (nanos > slowNanos) {
            lower();
        } else if (on()) {
            raise();
        }
    }

    private void lower() {
        boolean begins;
        lock.lock();
        try {
            long now = nanoTime.getAsLong();
            if (on() && now - loweredAt < slowNanos) {
                // All runs suffer from the same trouble at the same time.
                return;
            }
            begins = !on();
            loweredAt = now;
            limit = most == 1 ? 1 : Math.max(1, Math.min(limit, running.getAsInt()) / 2);
        } finally {
            lock.unlock();
        }
        if (begins && on()) {
            LOG.warn("the session store is slow or short of connections: only sessions that are here go on for now");
            listeners.onBackPressure(true);
        }
    }

    private void raise() {
        boolean ends;
        lock.lock();
        try {
            boolean before = on();
            limit = Math.min(most, limit + 1);
            ends = before && !on();
        } finally {
            lock.unlock();
        }
        if (ends) {
            LOG.info("the session store is quick again: sessions are claimed as before");
            listeners.onBackPressure(false);
        }
    }
}

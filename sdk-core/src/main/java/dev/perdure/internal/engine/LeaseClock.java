package dev.perdure.internal.engine;

import java.time.Duration;

/**
 * How long a lease is good for by this process's monotonic clock, counted from the moment the request was sent: the store counts from later, so this
 * clock never thinks a lease alive that the store thinks dead. Thread-safe.
 */
final class LeaseClock {
    private final long ttlNanos;
    private volatile long deadline;

    LeaseClock(Duration ttl, long sentNanos) {
        this.ttlNanos = ttl.toNanos();
        this.deadline = sentNanos + ttlNanos;
    }

    void renewed(long sentNanos) {
        deadline = sentNanos + ttlNanos;
    }

    boolean alive() {
        return System.nanoTime() - deadline < 0;
    }
}

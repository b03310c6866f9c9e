package dev.perdure.internal.engine;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long a worker waits before it looks for work again: shortly after it has found some, twice as long after each look that found none, never longer than the
 * poll. Each wait is drawn between half of that and the whole, so that workers that started together do not look together. Confined.
 */
final class Pace {
    /** After work was found. */
    static final Duration LEAST = Duration.ofMillis(20);

    private final long least;
    private final long most;
    private final RandomGenerator random;
    private long bound;
    private boolean foundOnce;

    Pace(Duration poll, RandomGenerator random) {
        this.most = poll.toNanos();
        this.least = Math.min(most, LEAST.toNanos());
        this.random = random;
        this.bound = least;
    }

    void found() {
        foundOnce = true;
        bound = least;
    }

    void foundNothing() {
        bound = foundOnce && bound < most / 2 ? bound * 2 : most;
    }

    /** Nanoseconds. */
    long next() {
        return bound / 2 + random.nextLong(bound / 2 + 1);
    }
}

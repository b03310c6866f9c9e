package dev.perdure.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until it is moved. Thread-safe. */
public final class TestClock implements InstantSource {
    private final AtomicReference<Instant> now;

    private TestClock(Instant start) {
        now = new AtomicReference<>(start);
    }

    /** One that stands at the start of 2026 UTC. */
    public static TestClock create() {
        return at(Instant.parse("2026-01-01T00:00:00Z"));
    }

    public static TestClock at(Instant start) {
        return new TestClock(start);
    }

    /** Moves it; backwards too, as a clock that is set right does. */
    public void advance(Duration by) {
        now.updateAndGet(instant -> instant.plus(by));
    }

    @Override
    public Instant instant() {
        return now.get();
    }
}

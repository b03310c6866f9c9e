package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PaceTest {
    private static final Duration POLL = Duration.ofMillis(500);

    private static Pace pace(Duration poll) {
        return new Pace(poll, new Random(7));
    }

    private static long millis(Pace pace) {
        return Duration.ofNanos(pace.next()).toMillis();
    }

    @Test
    void worker_looksSoonAfterItFoundWork_thenLaterAndLater_neverBeyondThePoll() {
        Pace pace = pace(POLL);
        pace.found();

        List<Long> waits = IntStream.range(0, 10)
                .mapToObj(i -> {
                    long wait = millis(pace);
                    pace.foundNothing();
                    return wait;
                })
                .toList();

        for (int i = 0; i < waits.size(); i++) {
            long bound = Math.min(500, 20L << i);
            assertThat(waits.get(i)).isBetween(bound / 2, bound);
        }
    }

    @Test
    void worker_looksOnceSoonAfterItsStart_andThenAtThePoll() {
        Pace pace = pace(POLL);

        assertThat(millis(pace)).isBetween(10L, 20L);
        pace.foundNothing();
        assertThat(millis(pace)).isBetween(250L, 500L);
    }

    @Test
    void waits_areSpreadByChance_soThatAFleetDoesNotLookInStep() {
        Set<Long> waits = new HashSet<>();
        for (int worker = 0; worker < 100; worker++) {
            Pace pace = new Pace(POLL, new Random(worker));
            pace.foundNothing();
            waits.add(pace.next());
        }
        assertThat(waits).hasSizeGreaterThan(95);
    }

    @Test
    void shortPoll_isNeverExceeded() {
        Pace pace = pace(Duration.ofMillis(10));
        pace.found();

        assertThat(LongStream.generate(() -> {
                            pace.foundNothing();
                            return pace.next();
                        })
                        .limit(100))
                .allMatch(nanos -> nanos <= 10_000_000);
    }
}

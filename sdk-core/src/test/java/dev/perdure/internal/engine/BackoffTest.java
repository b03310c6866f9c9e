package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void pause_growsWithTheAttempts_andIsNeverLongerThanHalfAMinuteByItself() {
        for (int attempt = 1; attempt < 100; attempt++) {
            Duration most = Duration.ofMillis(Math.min(30_000, 500L << Math.min(attempt - 1, 10)));
            assertThat(ModelStep.pause(attempt, Duration.ZERO)).isBetween(most.dividedBy(2), most);
        }
    }

    @Test
    void pause_isWhatThePeerWants_butAtMostAMinute() {
        assertThat(ModelStep.pause(1, Duration.ofSeconds(20))).isEqualTo(Duration.ofSeconds(20));
        assertThat(ModelStep.pause(1, Duration.ofHours(1))).isEqualTo(Duration.ofMinutes(1));
    }
}

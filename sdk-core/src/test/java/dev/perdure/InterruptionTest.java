package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Interruption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class InterruptionTest {
    private final Interruption interruption = new Interruption();
    private final List<String> ran = new ArrayList<>();

    @Test
    void whatAnActionThrows_ofEveryKind_keepsNoOtherFromRunning_andReachesNobody() {
        interruption.onRequest(() -> {
            throw new NoClassDefFoundError("gone");
        });
        interruption.onRequest(() -> {
            throw new IllegalStateException("wrong");
        });
        interruption.onRequest(() -> ran.add("last"));

        String logged = Logged.during(() -> interruption.request("stop"));

        assertThat(ran).containsExactly("last");
        assertThat(logged).contains("NoClassDefFoundError", "IllegalStateException");
    }

    @Test
    void actionRegisteredAfterTheRequest_runsAtOnce_andARepeatRunsNone() {
        interruption.request("stop");
        interruption.onRequest(() -> ran.add("late"));
        interruption.request("again");

        assertThat(ran).containsExactly("late");
        assertThat(interruption.reason()).isEqualTo("stop");
    }
}

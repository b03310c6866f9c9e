package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.RuntimeListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PressureTest {
    /** An append of more than 1 ms is slow. */
    private static final Duration LEASE = Duration.ofMillis(10);

    private static final long SLOW = 2_000_000;
    private static final long QUICK = 100_000;

    private final List<Boolean> told = new ArrayList<>();
    private int running = 16;
    private long now;

    private Pressure pressure(int most) {
        return new Pressure(
                most,
                LEASE,
                () -> running,
                new RuntimeListener() {
                    @Override
                    public void onBackPressure(boolean on) {
                        told.add(on);
                    }
                },
                () -> now);
    }

    @Test
    void slowAppends_halveWhatMayRunForAnotherToBeClaimed_andQuickOnesGiveItBack() {
        Pressure pressure = pressure(16);
        pressure.answered(QUICK);
        assertThat(pressure.limit()).isEqualTo(16);

        pressure.answered(SLOW);
        assertThat(pressure.limit()).isEqualTo(8);

        for (int i = 0; i < 7; i++) {
            pressure.answered(QUICK);
        }
        assertThat(pressure.on()).isTrue();
        pressure.answered(QUICK);
        assertThat(pressure.on()).isFalse();
        assertThat(told).containsExactly(true, false);
    }

    @Test
    void manyAtTheSameTime_countOnce() {
        Pressure pressure = pressure(16);
        for (int i = 0; i < 100; i++) {
            pressure.troubled();
        }
        assertThat(pressure.limit()).isEqualTo(8);

        now += SLOW;
        pressure.troubled();
        assertThat(pressure.limit()).isEqualTo(4);
        assertThat(told).containsExactly(true);
    }

    @Test
    void oneSession_mayAlwaysRun() {
        Pressure pressure = pressure(16);
        running = 0;
        for (int i = 0; i < 100; i++) {
            now += SLOW;
            pressure.troubled();
        }
        assertThat(pressure.limit()).isEqualTo(1);
    }

    @Test
    void singleWorker_isNotHeldBack() {
        Pressure pressure = pressure(1);
        pressure.troubled();
        assertThat(pressure.limit()).isOne();
        assertThat(told).isEmpty();
    }
}

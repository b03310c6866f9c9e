package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testkit.crash.CrashHarness;
import dev.perdure.testkit.crash.CrashPoint;
import dev.perdure.testkit.crash.CrashReport;
import dev.perdure.testkit.crash.CrashStore;
import dev.perdure.testkit.crash.Violation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The harness finds nothing in the store as it is, and finds each planted bug: one that finds nothing there would be worth nothing. */
class CrashHarnessTest {
    @TempDir
    Path folder;

    @Test
    void sqlite_losesNothingAndDoesNothingTwice_whenProcessesAreKilledAndPaused() {
        CrashReport report = CrashHarness.of(CrashStores.Right.class, folder)
                .kills(20)
                .children(3)
                .seed(30)
                .run();

        assertThat(report.violations()).isEmpty();
        assertThat(report.killed()).isEqualTo(20);
        assertThat(report.inputs()).isPositive();
        assertThat(report.effects()).isPositive();
    }

    @Test
    void postgres_losesNothingAndDoesNothingTwice_whenProcessesAreKilledAndPaused() {
        CrashReport report = onPostgres(CrashStores.OnPostgres.class)
                .kills(20)
                .children(3)
                .seed(31)
                .run();

        assertThat(report.violations()).isEmpty();
        assertThat(report.killed()).isEqualTo(20);
        assertThat(report.inputs()).isPositive();
        assertThat(report.effects()).isPositive();
    }

    @Test
    void postgresWithoutFence_isCaught_byAWorkerThatIsPausedForLongerThanItsLease() {
        List<Violation> violations = onPostgres(CrashStores.OnPostgresWithoutFence.class)
                .kills(10)
                .children(3)
                .sessions(2)
                .seed(7)
                .lease(Duration.ofMillis(600))
                .pauses(1)
                .points(CrashPoint.BEFORE_APPEND, CrashPoint.BEFORE_RELEASE)
                .finishWithin(Duration.ofSeconds(2))
                .run()
                .violations();

        assertThat(violations).extracting(Violation::property).contains("P7");
    }

    private CrashHarness onPostgres(Class<? extends CrashStore> store) {
        System.setProperty(CrashStores.OnPostgres.URL, Postgres.url());
        return CrashHarness.of(store, folder).properties(CrashStores.OnPostgres.URL);
    }

    @Test
    void storeWithoutFence_isCaught_byAWorkerThatIsPausedForLongerThanItsLease() {
        List<Violation> violations = CrashHarness.of(CrashStores.WithoutFence.class, folder)
                .kills(10)
                .children(3)
                .sessions(2)
                .seed(7)
                .lease(Duration.ofMillis(600))
                .pauses(1)
                .points(CrashPoint.BEFORE_APPEND, CrashPoint.BEFORE_RELEASE)
                .finishWithin(Duration.ofSeconds(2))
                .run()
                .violations();

        assertThat(violations).extracting(Violation::property).contains("P7");
    }

    @Test
    void toolThatStartsBeforeItsIntentIsStored_isCaught() {
        List<Violation> violations = CrashHarness.of(CrashStores.WithLateIntents.class, folder)
                .kills(4)
                .seed(7)
                .finishWithin(Duration.ofSeconds(2))
                .run()
                .violations();

        assertThat(violations).extracting(Violation::property).contains("P4");
    }

    @Test
    void releaseThatIgnoresTheInbox_isCaught_byAnInputThatIsLeftLying() {
        List<Violation> violations = CrashHarness.of(CrashStores.WithMissedWakeUps.class, folder)
                .kills(30)
                .seed(7)
                // Hardly ever reached: so lives are long.
                .points(CrashPoint.BEFORE_POST)
                .pauses(0)
                .finishWithin(Duration.ofSeconds(2))
                .run()
                .violations();

        assertThat(violations).extracting(Violation::seen).anyMatch(seen -> seen.contains("session that is IDLE"));
    }
}

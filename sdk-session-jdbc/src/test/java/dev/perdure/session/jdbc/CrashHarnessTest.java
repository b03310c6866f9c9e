package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testkit.crash.CrashHarness;
import dev.perdure.testkit.crash.CrashPoint;
import dev.perdure.testkit.crash.CrashReport;
import dev.perdure.testkit.crash.CrashServer;
import dev.perdure.testkit.crash.CrashStore;
import dev.perdure.testkit.crash.Violation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The harness finds nothing in the stores as they are. What it finds in broken ones: {@link CrashHarnessBugsTest}. */
class CrashHarnessTest {
    @TempDir
    Path folder;

    @TempDir
    Path serverFolder;

    @Test
    void sqlite_losesNothingAndDoesNothingTwice_whenProcessesAreKilledAndPaused() {
        requireGood(CrashHarness.of(CrashStores.Right.class, folder)
                .kills(20)
                .children(3)
                .seed(30));
    }

    @Test
    void postgres_losesNothingAndDoesNothingTwice_whenConnectionsBreakAndTheServerIsKilledToo() {
        try (PostgresServer server = new PostgresServer(serverFolder)) {
            CrashReport report = requireGood(onServer(CrashStores.OnPostgres.class, server)
                    .restartEvery(6)
                    .connectionFaults(0.3));

            assertThat(report.faults()).containsKey("RESTART");
            assertThat(report.faults()).hasSizeGreaterThan(3);
        }
    }

    @Test
    @EnabledIf(
            value = "dev.perdure.session.jdbc.MariaDb#asked",
            disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
    void mariadb_losesNothingAndDoesNothingTwice_whenConnectionsBreakAndTheServerIsKilledToo() {
        try (MariaServer server = MariaServer.start(serverFolder)) {
            CrashReport report = requireGood(onServer(CrashStores.OnMariaDb.class, server)
                    .restartEvery(6)
                    .connectionFaults(0.3));

            assertThat(report.faults()).containsKey("RESTART");
            assertThat(report.faults()).hasSizeGreaterThan(3);
        }
    }

    @Test
    @EnabledIf(
            value = "pgBouncerIsAskedFor",
            disabledReason =
                    "not asked for: no pgbouncer is installed (PERDURE_REQUIRE_PGBOUNCER makes that a failure)")
    void pgBouncer_losesNothingAndDoesNothingTwice_whenProcessesAreKilledAndPaused() {
        System.setProperty(CrashStores.OnPgBouncer.USER, Postgres.userOfAnEmptySchema());
        requireGood(onServer(CrashStores.OnPgBouncer.class, PgBouncer.crashServer())
                .properties(CrashStores.OnPgBouncer.USER));
    }

    static boolean pgBouncerIsAskedFor() {
        return JdbcSessionStorePgBouncerTest.asked();
    }

    /** What {@link CrashHarnessBugsTest} breaks, as it should be: so it is the missing lock that is found there. */
    @Test
    void postgres_acceptsNothingAfterATakeover_alsoWhenItsLookAtTheLeaseTakesLong() {
        assertThat(onServer(CrashStores.OnPostgresLookingSlowly.class, Postgres.crashServer())
                        .kills(5)
                        .sessions(2)
                        .finishWithin(Duration.ofMinutes(3))
                        .lease(Duration.ofMillis(400))
                        .points(CrashPoint.ANYWHERE)
                        .pauses(0)
                        .run()
                        .violations())
                .isEmpty();
    }

    /** As before, for the connection that is kept for renewals. */
    @Test
    void postgres_renewsLeases_whenTheApplicationTakesAllConnectionsOfThePool() {
        CrashReport report = onServer(CrashStores.OnPostgresInABusyPool.class, Postgres.crashServer())
                .kills(4)
                .sessions(4)
                .lease(CrashStores.OnPostgresInABusyPool.LEASE)
                .pauses(0)
                .finishWithin(Duration.ofMinutes(3))
                .run();

        assertThat(report.violations()).isEmpty();
        // One for each session, with a call that outlasts its lease.
        assertThat(report.inputs()).isGreaterThanOrEqualTo(4);
    }

    /** What the replica lacks is lost; but nothing is written on top of a hole. */
    @Test
    void postgres_hasNoHolesAndForks_whenAReplicaThatLacksTheNewestCommitsTakesOver() {
        try (FailingOverPostgres server = new FailingOverPostgres(serverFolder)) {
            List<Violation> violations = failingOver(
                            CrashHarness.of(CrashStores.OnPostgresUnderSlowWorkers.class, folder), server)
                    .run()
                    .violations();

            assertThat(violations).extracting(Violation::property).doesNotContain("P2", "P3", "P5");
        }
    }

    /** A server in whose place another comes now and then, while there are those who still hold their sessions. */
    static CrashHarness failingOver(CrashHarness harness, FailingOverPostgres server) {
        return harness.server(server)
                .kills(7)
                .children(6)
                .sessions(24)
                .seed(7)
                .restartEvery(1)
                .endEarly(false)
                // Not renewed in the time of a life: so lives are long.
                .lease(Duration.ofSeconds(60))
                .points(CrashPoint.AFTER_RENEW)
                .pauses(0)
                .finishWithin(Duration.ofSeconds(5));
    }

    private CrashHarness onServer(Class<? extends CrashStore> store, CrashServer server) {
        return CrashHarness.of(store, folder)
                .server(server)
                .kills(20)
                .children(6)
                .seed(31);
    }

    private static CrashReport requireGood(CrashHarness harness) {
        CrashReport report = harness.run();

        assertThat(report.violations()).isEmpty();
        assertThat(report.killed()).isPositive();
        assertThat(report.inputs()).isPositive();
        assertThat(report.effects()).isPositive();
        return report;
    }
}

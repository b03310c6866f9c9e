package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testkit.crash.CrashHarness;
import dev.perdure.testkit.crash.CrashPoint;
import dev.perdure.testkit.crash.CrashStore;
import dev.perdure.testkit.crash.Violation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The harness finds each planted bug: one that finds nothing there would be worth nothing. */
class CrashHarnessBugsTest {
    /** A run ends when it finds something; one that finds nothing in so many kills does not find it. */
    private static final int MOST = 150;

    @TempDir
    Path folder;

    @TempDir
    Path serverFolder;

    @Test
    void missingFence_isCaught_byAWorkerThatIsPausedForLongerThanItsLease() {
        assertThat(properties(longPauses(CrashStores.WithoutFence.class))).contains("P7");
    }

    @Test
    void missingFenceOnPostgres_isCaught_byAWorkerThatIsPausedForLongerThanItsLease() {
        assertThat(properties(
                        longPauses(CrashStores.OnPostgresWithoutFence.class).server(Postgres.crashServer())))
                .contains("P7");
    }

    private CrashHarness longPauses(Class<? extends CrashStore> store) {
        return CrashHarness.of(store, folder)
                .kills(MOST)
                .children(3)
                .sessions(2)
                .seed(7)
                .lease(Duration.ofMillis(600))
                .pauses(1)
                .points(CrashPoint.BEFORE_APPEND, CrashPoint.BEFORE_RELEASE);
    }

    @Test
    void inboxConsumedOutsideTheCommit_isCaught_byAnInputThatIsAppliedTwice() {
        assertThat(properties(onPostgres(CrashStores.OnPostgresConsumingLater.class)
                        .points(CrashPoint.ANYWHERE)
                        .pauses(0)))
                .contains("P3");
    }

    @Test
    void statusTestInPost_isCaught_byAnInputThatIsLeftLying() {
        assertThat(onPostgres(CrashStores.OnPostgresTestingStatusInPost.class)
                        // Under such a lease this is not reached: so lives are long.
                        .lease(Duration.ofSeconds(30))
                        .sessions(24)
                        .points(CrashPoint.AFTER_RENEW)
                        .pauses(0)
                        .run()
                        .violations())
                .anyMatch(CrashHarnessBugsTest::isLeftLying);
    }

    @Test
    void releaseThatIgnoresTheInbox_isCaught_byAnInputThatIsLeftLying() {
        assertThat(CrashHarness.of(CrashStores.WithMissedWakeUps.class, folder)
                        .kills(MOST)
                        .seed(7)
                        .lease(Duration.ofSeconds(30))
                        .sessions(24)
                        .points(CrashPoint.AFTER_RENEW)
                        .pauses(0)
                        .run()
                        .violations())
                .anyMatch(CrashHarnessBugsTest::isLeftLying);
    }

    private static boolean isLeftLying(Violation violation) {
        return violation.property().equals("P10")
                && violation.seen().contains("lies in the inbox of a session that is");
    }

    @Test
    void renewalInTheSharedPool_isCaught_byACallThatNeverComesToItsEnd() {
        assertThat(properties(onPostgres(CrashStores.OnPostgresRenewingInTheSharedPool.class)
                        .kills(4)
                        .lease(CrashStores.OnPostgresInABusyPool.LEASE)
                        .pauses(0)
                        .finishWithin(Duration.ofSeconds(15))))
                .contains("P10");
    }

    @Test
    void missingRowLock_isCaught_byAnAppendThatIsStillOnItsWayWhenItsWriterDies() {
        assertThat(properties(onPostgres(CrashStores.OnPostgresWithoutRowLock.class)
                        .lease(Duration.ofMillis(400))
                        .points(CrashPoint.ANYWHERE)
                        .pauses(0)))
                .contains("P7");
    }

    @Test
    void appendWithoutTheLastEvent_isCaught_byAReplicaThatLacksTheNewestCommits() {
        try (FailingOverPostgres server = new FailingOverPostgres(serverFolder)) {
            assertThat(properties(CrashHarnessTest.failingOver(
                            CrashHarness.of(CrashStores.OnPostgresWithoutLastEvent.class, folder), server)))
                    .contains("P2");
        }
    }

    @Test
    void toolThatStartsBeforeItsIntentIsStored_isCaught() {
        assertThat(properties(CrashHarness.of(CrashStores.WithLateIntents.class, folder)
                        .kills(4)
                        // That the intent is lost is found first.
                        .endEarly(false)
                        .finishWithin(Duration.ofSeconds(2))
                        .seed(7)))
                .contains("P4");
    }

    @Test
    void lostQuestion_isCaught() {
        assertThat(properties(CrashHarness.of(CrashStores.WithLostQuestions.class, folder)
                        .kills(4)
                        .finishWithin(Duration.ofSeconds(4))
                        .seed(7)))
                .contains("P8");
    }

    @Test
    void questionOfAnotherTenant_isCaught() {
        assertThat(properties(CrashHarness.of(CrashStores.WithoutTenants.class, folder)
                        .kills(MOST)
                        .seed(7)))
                .contains("P9");
    }

    private CrashHarness onPostgres(Class<? extends CrashStore> store) {
        return CrashHarness.of(store, folder)
                .server(Postgres.crashServer())
                .children(3)
                .seed(7);
    }

    private static List<String> properties(CrashHarness harness) {
        return harness.run().violations().stream().map(Violation::property).toList();
    }
}

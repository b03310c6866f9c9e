package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectNestedClass;

import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A contract that finds nothing in a broken store is worth nothing. */
class PlantedBugsTest {
    @Test
    void contract_findsAStoreWithoutFence() {
        assertThat(failures(WithoutFence.class))
                .contains(
                        "append_withStaleFence_isRefused()",
                        "append_withAFenceThatTheStoreHasForgotten_isRefused()",
                        "append_byAnotherOwnerWithTheSameFence_isRefused()",
                        "takeoverBetweenTwoAppendsOfTheOldOwner_stopsIt()");
    }

    @Test
    void contract_findsAStoreThatMissesWakeUps() {
        assertThat(failures(WithMissedWakeUps.class))
                .contains(
                        "postAndRelease_neverMissAWakeUp()",
                        "release_toWaiting_becomesReady_whenSomethingCame()",
                        "postBetweenTheLastLookAtTheInboxAndTheRelease_wakesTheSession()");
    }

    static class WithoutFence extends SessionStoreContract {
        @TempDir
        Path folder;

        @Override
        protected SessionStore open(InstantSource clock) {
            return PlantedBugs.withoutFence(
                    folder.resolve("s.db"), SqliteOptions.standard().clock(clock));
        }
    }

    static class WithMissedWakeUps extends SessionStoreContract {
        @TempDir
        Path folder;

        @Override
        protected SessionStore open(InstantSource clock) {
            return PlantedBugs.withMissedWakeUps(
                    folder.resolve("s.db"), SqliteOptions.standard().clock(clock));
        }
    }

    private static List<String> failures(Class<?> contract) {
        List<String> failed = new ArrayList<>();
        LauncherFactory.create().execute(request(contract), new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (result.getStatus() == TestExecutionResult.Status.FAILED) {
                    failed.add(test.getDisplayName());
                }
            }
        });
        return failed;
    }

    /** Without the races: a missed wake-up would keep them waiting. */
    private static LauncherDiscoveryRequest request(Class<?> contract) {
        LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request();
        for (String part : List.of("Logs", "Inboxes", "Interleavings")) {
            request.selectors(
                    selectNestedClass(List.of(contract.getName()), SessionStoreContract.class.getName() + "$" + part));
        }
        return request.build();
    }
}

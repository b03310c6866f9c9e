package dev.perdure.internal.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Execution.Result.End;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start that was cut short between each two of its steps, as a kill of the JVM leaves it. */
class ExecutionsTest {
    private static final SessionId SESSION = SessionId.of("acme", "cut");
    private static final LocalOptions OPTIONS = new LocalOptions(false, false, List.of(), null);
    private static final Command COMMAND = Command.shell("echo x >>ledger").id("one");

    @TempDir
    Path folder;

    private FolderSandbox sandbox;
    private Home home;
    private Path execution;

    @BeforeEach
    void open() throws IOException {
        sandbox = FolderSandbox.open(folder, SESSION, OPTIONS, 5);
        home = Home.of(folder, Digests.name(SESSION));
        execution = home.executions().resolve(Digests.of("one"));
    }

    @AfterEach
    void close() {
        FolderSandbox.open(folder, SESSION, OPTIONS, Long.MAX_VALUE).close();
    }

    @Test
    void aStartCutBeforeItsFolderAppeared_beginsAnew() throws IOException {
        launch().writeTo(home.stage(), execution);
        assertThat(sandbox.attach("one")).isEmpty();
        assertRunsOnce();
    }

    @Test
    void aStartCutBeforeItsRunnerWasLaunched_launchesOne() throws IOException {
        launch().writeTo(execution, execution);
        assertThat(sandbox.attach("one")).isEmpty();
        assertRunsOnce();
    }

    @Test
    void runnersOfSeveralStarts_runTheCommandOnce() throws Exception {
        launch().writeTo(execution, execution);
        List<Process> runners = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            runners.add(runner(5, "nonce" + i));
        }
        assertRunsOnce();
        for (Process runner : runners) {
            assertThat(runner.waitFor()).isZero();
        }
        assertRunsOnce();
    }

    @Test
    void aStartCutAfterItsRunnerHadTheCommand_isFound_andLostWhenTheRunnerDied() throws Exception {
        launch().writeTo(execution, execution);
        Files.writeString(execution.resolve("started"), "999999999 1 " + Birth.here() + "\n");
        assertThat(sandbox.attach("one")).isPresent();
        assertLost();
    }

    @Test
    void aRunnerWhosePidSomebodyElseHasNow_isDead() throws IOException {
        launch().writeTo(execution, execution);
        long other = ProcessHandle.current().pid();
        Files.writeString(execution.resolve("started"), other + " 1 " + Birth.here() + "\n");
        assertLost();
    }

    @Test
    void aRunnerOfAnEarlierRunOfTheMachine_isDead() throws IOException {
        launch().writeTo(execution, execution);
        Path stat = Path.of("/proc/self/stat");
        String birth = Files.exists(stat)
                ? Files.readString(stat).replaceAll(".*\\) ", "").split(" ")[19]
                : "1";
        Files.writeString(execution.resolve("started"), ProcessHandle.current().pid() + " " + birth + " earlier\n");
        assertLost();
    }

    @Test
    void aStartCutByTheMachineGoingDown_isLost_forItMayHaveRun() throws IOException {
        launch().writeTo(execution, execution);
        Facts facts = Facts.of(execution);
        new Facts(facts.id(), facts.limit(), facts.mark(), facts.cookie(), "earlier").writeTo(execution);
        assertLost();
    }

    @Test
    void aRunnerCutWhileItWroteTheEnd_isLost() throws IOException {
        launch().writeTo(execution, execution);
        Files.writeString(execution.resolve("started"), "999999999 1 " + Birth.here() + "\n");
        Files.writeString(execution.resolve("end"), "EXITED 0");
        assertLost();
    }

    /** Its pipes are opened when somebody opens their other ends, and that takes its time here. */
    @Test
    void aRunnerThatIsStoppedWhileItOpensItsPipes_saysSo() throws Exception {
        launch().writeTo(execution, execution);
        Path script = execution.resolve("runner");
        String slow = Files.readString(script).replace("capture() {\n", "capture() {\n  sleep 0.5\n");
        assertThat(slow).contains("sleep 0.5");
        Files.writeString(script, slow);
        Process runner = runner(5, "stopped");
        while (!Files.exists(execution.resolve("err.pipe"))) {
            Thread.onSpinWait();
        }
        for (int i = 0; i < 20 && runner.isAlive(); i++) {
            runner.destroy();
        }
        assertThat(await().end()).isEqualTo(End.KILLED);
        assertThat(runner.waitFor()).isZero();
    }

    @Test
    void aRunnerThatComesAfterAHigherFence_runsNothing() throws Exception {
        launch().writeTo(execution, execution);
        assertThat(runner(4, "late").waitFor()).isEqualTo(77);
        assertThat(execution.resolve("started")).doesNotExist();
    }

    private Launch launch() {
        return new Launch(home, OPTIONS, COMMAND);
    }

    private Process runner(long fence, String nonce) throws IOException {
        return Commands.quiet(List.of("sh", "./runner", Long.toString(fence), Birth.here(), nonce))
                .directory(execution.toFile())
                .start();
    }

    private void assertRunsOnce() {
        assertThat(await().end()).isEqualTo(End.EXITED);
        assertThat(sandbox.read("ledger", 100))
                .hasValueSatisfying(ledger -> assertThat(ledger).hasSize(2));
    }

    private void assertLost() {
        assertThat(await().end()).isEqualTo(End.LOST);
        assertThat(sandbox.start(COMMAND).running()).isFalse();
        assertThat(sandbox.read("ledger", 100)).isEmpty();
    }

    private Execution.Result await() {
        return sandbox.start(COMMAND).await(Interruption.never());
    }
}

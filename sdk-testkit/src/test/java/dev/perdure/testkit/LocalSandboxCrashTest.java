package dev.perdure.testkit;

import static dev.perdure.testkit.LocalSandboxes.assumePossible;
import static dev.perdure.testkit.LocalSandboxes.jvm;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Execution.Result;
import dev.perdure.sandbox.Execution.Result.End;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several JVMs at one sandbox, and what is left when one is killed. */
@Timeout(60)
class LocalSandboxCrashTest {
    private static final String SESSION = "crash";

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void aCommandWhoseJvmIsKilled_goesOn_andAnotherJvmGetsItsResult(Isolation isolation) throws Exception {
        assumePossible(isolation);
        Process jvm = jvm(folder, isolation, SESSION, "echo a; until [ -e go ]; do sleep 0.01; done; echo b; exit 7");
        BufferedReader out = jvm.inputReader();
        expect(out, "ready");
        tell(jvm);
        expect(out, "started 0");
        jvm.destroyForcibly().waitFor();

        try (Sandbox sandbox = open(isolation)) {
            Execution execution = sandbox.attach("0").orElseThrow();
            assertThat(execution.running()).isTrue();
            sandbox.write("go", new byte[0]);
            Result result = execution.await(Interruption.never());
            assertThat(result.end()).isEqualTo(End.EXITED);
            assertThat(result.exitCode()).isEqualTo(7);
            assertThat(result.outputText()).isEqualTo("a\nb\n");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void limitsOfACommandWhoseJvmIsKilled_stillHold(Isolation isolation) throws Exception {
        assumePossible(isolation);
        try (Sandbox sandbox = open(isolation)) {
            Process jvm = jvm(folder, isolation, SESSION, "until [ -e go ]; do sleep 0.01; done");
            BufferedReader out = jvm.inputReader();
            expect(out, "ready");
            Execution execution = sandbox.start(
                    Command.shell("yes").id("0").timeout(Duration.ofSeconds(1)).outputLimit(1000));
            tell(jvm); // picks up the one that is there
            expect(out, "started 0");
            jvm.destroyForcibly().waitFor();
            Result result = execution.await(Interruption.never());
            assertThat(result.end()).isEqualTo(End.TIMED_OUT);
            assertThat(result.output()).hasSize(1000);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void commandsOfAJvmThatIsKilledAtAnyMoment_runAtMostOnce(Isolation isolation) throws Exception {
        assumePossible(isolation);
        Process jvm = jvm(folder, isolation, SESSION, "echo # >>ledger");
        BufferedReader out = jvm.inputReader();
        expect(out, "ready");
        for (int i = 0; i < 5 + isolation.ordinal() * 4; i++) {
            expect(out, "started " + i);
        }
        jvm.destroyForcibly().waitFor();

        try (Sandbox sandbox = open(isolation)) {
            List<String> ids =
                    IntStream.range(0, 30).mapToObj(Integer::toString).toList();
            for (String id : ids) {
                Result result = sandbox.start(
                                Command.shell("echo " + id + " >>ledger").id(id))
                        .await(Interruption.never());
                assertThat(result.end()).isEqualTo(End.EXITED);
            }
            String ledger = new String(sandbox.read("ledger", 10_000).orElseThrow(), StandardCharsets.UTF_8);
            assertThat(ledger.lines()).containsExactlyInAnyOrderElementsOf(ids);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void twoJvmsThatStartTheSameId_runItOnce(Isolation isolation) throws Exception {
        assumePossible(isolation);
        List<Process> jvms = List.of(
                jvm(folder, isolation, SESSION, "echo x >>ledger; echo $$"),
                jvm(folder, isolation, SESSION, "echo x >>ledger; echo $$"));
        List<BufferedReader> outs = jvms.stream().map(Process::inputReader).toList();
        for (BufferedReader out : outs) {
            expect(out, "ready");
        }
        for (int i = 0; i < 10; i++) {
            for (Process jvm : jvms) {
                tell(jvm);
            }
            for (BufferedReader out : outs) {
                expect(out, "started " + i);
            }
            assertThat(outs.get(0).readLine()).isEqualTo(outs.get(1).readLine());
        }
        jvms.forEach(Process::destroyForcibly);
        try (Sandbox sandbox = open(isolation)) {
            assertThat(sandbox.read("ledger", 10_000))
                    .hasValueSatisfying(ledger -> assertThat(ledger).hasSize(20));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void theJvmsEnvironment_isNotInTheCommands(Isolation isolation) throws Exception {
        assumePossible(isolation);
        Process jvm = jvm(
                folder, isolation, SESSION, "env; cat /proc/$$/environ /proc/$PPID/environ | tr -c '[:print:]' ' '");
        BufferedReader out = jvm.inputReader();
        expect(out, "ready");
        tell(jvm);
        jvm.outputWriter().close();
        assertThat(out.lines())
                .anyMatch(line -> line.contains("PERDURE_EXECUTION"))
                .noneMatch(line -> line.contains("hunter2"));
        open(isolation).close();
    }

    private Sandbox open(Isolation isolation) {
        return LocalSandbox.inFolder(folder).isolation(isolation).open(SessionId.of("test", SESSION), 1);
    }

    private static void tell(Process jvm) throws IOException {
        jvm.getOutputStream().write('\n');
        jvm.getOutputStream().flush();
    }

    private static void expect(BufferedReader out, String line) throws IOException {
        assertThat(out.readLine()).isEqualTo(line);
    }
}

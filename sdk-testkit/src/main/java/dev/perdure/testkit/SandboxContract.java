package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Execution.Result;
import dev.perdure.sandbox.Execution.Result.End;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException.Kind;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every {@link dev.perdure.spi.SandboxProvider} does. A subclass supplies {@link #provider()}. Needs {@code sh} and the usual
 * small programs in the sandbox.
 */
@Timeout(60)
public abstract class SandboxContract extends SandboxFilesContract {
    // ---- commands

    @Test
    void start_returnsBeforeTheCommandHasEnded() {
        Execution execution = sandbox.start(Command.shell("sleep 100"));
        assertThat(execution.running()).isTrue();
        execution.kill();
        assertThat(execution.running()).isFalse();
    }

    @Test
    void of_runsAProgramWithoutAShell() {
        String odd = "a 'b' \"c\" $HOME `id` \\ \n*; |&";
        assertThat(run(Command.of("printf", "%s|", odd, "", "-n")).outputText()).isEqualTo(odd + "||-n|");
    }

    @Test
    void shell_runsALine() {
        assertThat(output("printf a | tr a b && echo $((1 + 2))")).isEqualTo("b3\n");
    }

    @Test
    void result_hasTheExitCodeAndBothOutputs() {
        Result result = run("echo out; echo err >&2; exit 42");
        assertThat(result.end()).isEqualTo(End.EXITED);
        assertThat(result.exitCode()).isEqualTo(42);
        assertThat(result.outputText()).isEqualTo("out\n");
        assertThat(result.errorText()).isEqualTo("err\n");
        assertThat(result.truncated()).isFalse();
    }

    @Test
    void result_ofAProgramKilledByASignal_is128AndTheSignal() {
        Result result = run("kill -9 $$");
        assertThat(result.end()).isEqualTo(End.EXITED);
        assertThat(result.exitCode()).isEqualTo(137);
    }

    @Test
    void result_ofAProgramThatIsNotThere_isAnExitCode() {
        assertThat(run(Command.of("no-such-program")).exitCode()).isEqualTo(127);
    }

    @Test
    void result_saysHowLongItTook() {
        assertThat(run("sleep 0.3").took()).isBetween(Duration.ofMillis(250), Duration.ofSeconds(10));
    }

    @Test
    void output_keepsEveryByte() {
        assertThat(run("printf '\\000\\377\\r\\n\\303'").output())
                .isEqualTo(new byte[] {0, -1, '\r', '\n', (byte) 0xc3});
    }

    @Test
    void input_isReadAndThenEnds() {
        byte[] input = "line\n".repeat(50_000).getBytes(StandardCharsets.UTF_8);
        assertThat(run(Command.of("wc", "-c").input(input)).outputText().trim()).isEqualTo("250000");
        assertThat(run(Command.of("cat")).outputText()).isEmpty();
    }

    @Test
    void env_addsVariables() {
        assertThat(run(Command.shell("echo \"$A,$B\"").env("A", "it's").env("B", "$A\nx"))
                        .outputText())
                .isEqualTo("it's,$A\nx\n");
        assertThatThrownBy(() -> sandbox.start(Command.of("true").env("A B", "x")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void environment_hasNothingOfTheCaller() {
        List<String> known = List.of("PATH", "HOME", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", "HOSTNAME");
        assertThat(output("env | cut -d= -f1")
                        .lines()
                        .filter(name -> !name.startsWith("PERDURE_") && !known.contains(name)))
                .isEmpty();
        System.getenv().forEach((name, value) -> {
            if (!known.contains(name)) {
                assertThat(output("echo \"$" + name + "\"")).isEqualTo("\n");
            }
        });
    }

    @Test
    void home_isTheWorkspace_andCommandsBeginThere() {
        assertThat(output("[ \"$(pwd)\" = \"$HOME\" ] && echo same")).isEqualTo("same\n");
    }

    @Test
    void folder_isWhereTheCommandRuns() {
        write("a/b/f", "");
        assertThat(run(Command.of("ls").folder("a/b")).outputText()).isEqualTo("f\n");
        assertThatThrownBy(() -> sandbox.start(Command.of("ls").folder("../..")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    // ---- at most once

    @Test
    void start_withAnIdThatIsRunning_returnsThatExecution() {
        Command command = Command.shell("echo x >>ledger; until [ -e go ]; do sleep 0.01; done; echo done")
                .id("one");
        Execution first = sandbox.start(command);
        Execution second = sandbox.start(command);
        write("go", "");
        assertThat(first.await(Interruption.never()).outputText()).isEqualTo("done\n");
        assertThat(second.await(Interruption.never()).outputText()).isEqualTo("done\n");
        assertThat(content("ledger")).isEqualTo("x\n");
    }

    @Test
    void start_withAnIdThatHasEnded_returnsItsResult() {
        Command command = Command.shell("echo x >>ledger; echo $$; exit 3").id("one");
        Result first = run(command);
        Result second = run(command);
        assertThat(second.outputText()).isEqualTo(first.outputText());
        assertThat(second.exitCode()).isEqualTo(3);
        assertThat(content("ledger")).isEqualTo("x\n");
    }

    @Test
    void start_ofOneIdByManyAtOnce_runsItOnce() throws Exception {
        Command command = Command.shell("echo x >>ledger").id("race/é " + "x".repeat(190));
        List<Callable<Result>> starts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            starts.add(() ->
                    provider().attach(sandbox.handle(), FENCE).start(command).await(Interruption.never()));
        }
        ExecutorService threads = Executors.newFixedThreadPool(starts.size());
        try {
            for (Future<Result> result : threads.invokeAll(starts)) {
                assertThat(result.get().exitCode()).isZero();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(content("ledger")).isEqualTo("x\n");
    }

    @Test
    void attach_findsAnExecutionThatWasStarted() {
        Execution execution = sandbox.start(
                Command.shell("until [ -e go ]; do sleep 0.01; done; exit 5").id("one"));
        Execution found =
                provider().attach(sandbox.handle(), FENCE).attach("one").orElseThrow();
        assertThat(found.id()).isEqualTo("one").isEqualTo(execution.id());
        assertThat(found.running()).isTrue();
        write("go", "");
        assertThat(found.await(Interruption.never()).exitCode()).isEqualTo(5);
    }

    @Test
    void attach_ofAnIdThatWasNotStarted_isEmpty() {
        assertThat(sandbox.attach("never")).isEmpty();
    }

    // ---- limits

    @Test
    void timeout_killsTheCommandAndAllItStarted() {
        Result result = run(Command.shell(beat(1) + "& " + beat(2) + "& wait").timeout(Duration.ofMillis(700)));
        assertThat(result.end()).isEqualTo(End.TIMED_OUT);
        assertThat(result.took()).isBetween(Duration.ofMillis(600), Duration.ofSeconds(10));
        assertThat(beatingStops()).isTrue();
    }

    @Test
    void timeout_holdsWhenNobodyWaits() {
        sandbox.start(Command.shell(beat(1)).id("alone").timeout(Duration.ofMillis(700)));
        eventually(() -> !sandbox.attach("alone").orElseThrow().running());
        assertThat(beatingStops()).isTrue();
    }

    @Test
    void timeout_keepsWhatWasWrittenBefore() {
        assertThat(run(Command.shell("echo early; sleep 100").timeout(Duration.ofMillis(500)))
                        .outputText())
                .isEqualTo("early\n");
    }

    @Test
    void outputLimit_dropsTheRestAndTheCommandGoesOn() {
        Result result = run(Command.shell(
                        "head -c 300000 /dev/zero | tr '\\0' o; head -c 300000 /dev/zero | tr '\\0' e >&2; echo on >after")
                .outputLimit(1000));
        assertThat(result.end()).isEqualTo(End.EXITED);
        assertThat(result.exitCode()).isZero();
        assertThat(result.outputText()).isEqualTo("o".repeat(1000));
        assertThat(result.errorText()).isEqualTo("e".repeat(1000));
        assertThat(result.truncated()).isTrue();
        assertThat(content("after")).isEqualTo("on\n");
    }

    @Test
    void outputLimit_keepsOutputOfExactlyThatSize() {
        Result result = run(Command.shell("printf 12345").outputLimit(5));
        assertThat(result.outputText()).isEqualTo("12345");
        assertThat(result.truncated()).isFalse();
    }

    // ---- ends

    @Test
    void await_whenInterruptionIsRequested_killsTheCommandAndAllItStarted() throws Exception {
        Execution execution = sandbox.start(Command.shell(beat(1) + "& " + beat(2) + "& wait"));
        eventually(() -> sandbox.list("").size() == 2);
        Interruption interruption = new Interruption();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<Result> result = thread.submit(() -> execution.await(interruption));
            interruption.request("test");
            assertThat(result.get().end()).isEqualTo(End.KILLED);
        } finally {
            thread.shutdownNow();
        }
        assertThat(beatingStops()).isTrue();
    }

    @Test
    void await_whenInterruptionWasRequestedBefore_kills() {
        Interruption interruption = new Interruption();
        interruption.request("test");
        assertThat(sandbox.start(Command.shell("sleep 100")).await(interruption).end())
                .isEqualTo(End.KILLED);
    }

    @Test
    void await_endsWithTheCommand_notWithWhatItLeftInTheBackground() {
        Result result = run("sleep 100 & echo started");
        assertThat(result.end()).isEqualTo(End.EXITED);
        assertThat(result.outputText()).isEqualTo("started\n");
        assertThat(result.took()).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void kill_endsTheCommand() {
        Execution execution = sandbox.start(Command.shell("trap '' TERM INT HUP; while :; do sleep 1; done"));
        execution.kill();
        Result result = execution.await(Interruption.never());
        assertThat(result.end()).isEqualTo(End.KILLED);
        assertThat(result.exitCode()).isEqualTo(137);
    }

    @Test
    void kill_ofACommandThatHasEnded_doesNothing() {
        Execution execution = sandbox.start(Command.shell("exit 4"));
        execution.await(Interruption.never());
        execution.kill();
        assertThat(execution.running()).isFalse();
        assertThat(execution.await(Interruption.never()).exitCode()).isEqualTo(4);
    }

    // ---- the sandbox

    @Test
    void open_ofASessionThatHasASandbox_returnsIt() {
        write("f", "text");
        Sandbox again = provider().open(session, FENCE);
        assertThat(again.handle()).isEqualTo(sandbox.handle());
        assertThat(again.read("f", 10)).isPresent();
    }

    @Test
    void handle_isJsonThatFindsTheSandbox() {
        write("f", "text");
        Json stored = Json.parse(sandbox.handle().text());
        assertThat(provider().attach(stored, FENCE).read("f", 10)).isPresent();
    }

    @Test
    void sessions_haveSandboxesOfTheirOwn() {
        write("f", "text");
        try (Sandbox other =
                provider().open(SessionId.of("contract", UUID.randomUUID().toString()), FENCE)) {
            assertThat(other.handle()).isNotEqualTo(sandbox.handle());
            assertThat(other.list("")).isEmpty();
        }
    }

    @Test
    void renew_ofALivingSandbox_returns() {
        sandbox.renew();
    }

    @Test
    void close_endsAllCommandsAndRemovesTheFiles() {
        Execution execution = sandbox.start(Command.shell("sleep 100").id("one"));
        write("f", "text");
        Json handle = sandbox.handle();
        sandbox.close();
        sandbox.close();
        assertKind(Kind.LOST, () -> provider().attach(handle, FENCE));
        assertKind(Kind.LOST, () -> sandbox.start(Command.of("true")));
        assertKind(Kind.LOST, () -> sandbox.attach("one"));
        assertKind(Kind.LOST, () -> sandbox.read("f", 1));
        assertKind(Kind.LOST, () -> sandbox.write("f", new byte[1]));
        assertKind(Kind.LOST, () -> sandbox.list(""));
        assertKind(Kind.LOST, sandbox::renew);
        assertKind(Kind.LOST, () -> execution.await(Interruption.never()));
        assertThat(provider().open(session, FENCE).list("")).isEmpty();
    }

    // ---- fence

    @Test
    void aLowerFence_isRefusedOnceAHigherOneWasSeen() {
        Sandbox newer = provider().attach(sandbox.handle(), FENCE + 1);
        assertKind(Kind.FENCED, () -> sandbox.start(Command.shell("echo x >ledger")));
        assertKind(Kind.FENCED, () -> sandbox.write("f", new byte[1]));
        assertKind(Kind.FENCED, () -> sandbox.upload(here, "d"));
        assertKind(Kind.FENCED, sandbox::close);
        assertKind(Kind.FENCED, () -> provider().open(session, FENCE));
        assertKind(Kind.FENCED, () -> provider().attach(sandbox.handle(), FENCE));
        assertThat(newer.list("")).isEmpty();
    }

    @Test
    void aLowerFence_killsNothingThatTheNewerHolderWaitsFor() {
        Execution older = sandbox.start(
                Command.shell("until [ -e go ]; do sleep 0.01; done").id("one"));
        Sandbox newer = provider().attach(sandbox.handle(), FENCE + 1);
        Interruption leaseLost = new Interruption();
        leaseLost.request("lease lost");
        assertKind(Kind.FENCED, () -> older.await(leaseLost));
        assertKind(Kind.FENCED, older::kill);
        newer.write("go", new byte[0]);
        assertThat(newer.attach("one").orElseThrow().await(Interruption.never()).end())
                .isEqualTo(End.EXITED);
    }

    @Test
    void theSameFence_isNotRefused() {
        provider().open(session, FENCE).write("f", new byte[1]);
        sandbox.write("f", new byte[1]);
    }

    // ---- the provider

    @Test
    void provider_hasAStableNameAndSaysWhatItIsolates() {
        assertThat(provider().name()).isNotBlank().isEqualTo(provider().name());
        assertThat(provider().isolation())
                .isNotEmpty()
                .allSatisfy(sentence -> assertThat(sentence).endsWith("."));
    }
}

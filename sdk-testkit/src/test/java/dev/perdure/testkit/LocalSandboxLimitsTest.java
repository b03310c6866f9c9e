package dev.perdure.testkit;

import static dev.perdure.testkit.LocalSandboxes.assumePossible;
import static dev.perdure.testkit.LocalSandboxes.processes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Execution.Result;
import dev.perdure.sandbox.Execution.Result.End;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds for the local sandbox only: processes, disk, walls. */
@Timeout(60)
class LocalSandboxLimitsTest {
    private static final SessionId SESSION = SessionId.of("test", "limits");

    @TempDir
    Path folder;

    /** On the command line of processes that must not be left. */
    private final String nap = "1000." + new Random().nextInt(1_000_000_000);

    private LocalSandbox provider = LocalSandbox.inFolder(Path.of("unset"));

    private Sandbox open(Isolation isolation) {
        assumePossible(isolation);
        provider = LocalSandbox.inFolder(folder.resolve("sandboxes")).isolation(isolation);
        return provider.open(SESSION, 1);
    }

    @AfterEach
    void nothingIsLeft() {
        if (Files.exists(folder.resolve("sandboxes"))) {
            provider.open(SESSION, 2).close();
        }
        assertThat(processes(nap)).isEmpty();
        assertThat(processes(folder.toString())).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void fiftyMegabytesOfOutput_areDroppedWithoutFillingTheDisk(Isolation isolation) throws IOException {
        Result result = run(open(isolation), Command.shell("head -c 50000000 /dev/zero; echo end >&2"));
        assertThat(result.exitCode()).isZero();
        assertThat(result.output()).hasSize(1 << 20);
        assertThat(result.truncated()).isTrue();
        assertThat(result.errorText()).isEqualTo("end\n");
        assertThat(size(folder)).isLessThan(3 << 20);
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void endlessOutput_isDroppedUntilTheTimeIsUp(Isolation isolation) throws IOException {
        Command endless =
                Command.shell("yes & yes >&2").timeout(Duration.ofMillis(500)).outputLimit(5000);
        Result result = run(open(isolation), endless);
        assertThat(result.end()).isEqualTo(End.TIMED_OUT);
        assertThat(result.output()).hasSize(5000);
        assertThat(result.error()).hasSize(5000);
        assertThat(size(folder)).isLessThan(100_000);
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void endlessOutputOfABackgroundChild_doesNotFillTheDisk(Isolation isolation) throws IOException {
        Sandbox sandbox = open(isolation);
        Result result = run(sandbox, Command.shell("echo mine; yes & exit 0").outputLimit(5000));
        assertThat(result.outputText()).startsWith("mine\n");
        assertThat(run(sandbox, Command.shell("sleep 0.2")).exitCode()).isZero();
        assertThat(size(folder)).isLessThan(100_000);
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void fiftyChildren_dieWithTheirCommand(Isolation isolation) {
        Execution execution = open(isolation)
                .start(Command.shell("i=0; while [ $i -lt 50 ]; do sleep " + nap + " & i=$((i+1)); done; wait"));
        SandboxFixture.eventually(() -> sleeping() == 50);
        execution.kill();
        assertThat(processes(nap)).isEmpty();
        assertThat(execution.await(Interruption.never()).end()).isEqualTo(End.KILLED);
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void childrenThatLeftTheProcessGroup_dieWithTheirCommand(Isolation isolation) {
        Command command = Command.shell("setsid sleep " + nap + " & setsid setsid sleep " + nap + " & sleep " + nap)
                .timeout(Duration.ofMillis(700));
        assertThat(run(open(isolation), command).end()).isEqualTo(End.TIMED_OUT);
        assertThat(processes(nap)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void close_killsWhatACommandLeftInTheBackground(Isolation isolation) {
        Sandbox sandbox = open(isolation);
        run(sandbox, Command.shell("sleep " + nap + " & setsid sleep " + nap + " & echo"));
        if (isolation == Isolation.NONE) {
            // A child is a copy of the shell until it has become its program, also after the shell has ended.
            SandboxFixture.eventually(() -> sleeping() == 2);
        } else {
            assertThat(processes(nap)).isEmpty();
        }
        sandbox.close();
        assertThat(processes(nap)).isEmpty();
        assertThat(folder.resolve("sandboxes")).isDirectoryNotContaining("glob:**/test-*");
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void aCommandWhoseRunnerIsKilled_isLost_andNothingOfItIsLeft(Isolation isolation) throws IOException {
        Execution execution =
                open(isolation).start(Command.shell("sleep " + nap).id("one"));
        SandboxFixture.eventually(() -> sleeping() == 1);
        ProcessHandle.of(runner()).orElseThrow().destroyForcibly();
        Result result = execution.await(Interruption.never());
        assertThat(result.end()).isEqualTo(End.LOST);
        assertThat(result.exitCode()).isEqualTo(-1);
        SandboxFixture.eventually(() -> processes(nap).isEmpty());
        assertThat(provider.open(SESSION, 1)
                        .start(Command.shell("echo again").id("one"))
                        .await(Interruption.never())
                        .end())
                .isEqualTo(End.LOST);
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void aFolderThatACommandSwapsForALink_leadsNoWriteOutside(Isolation isolation) throws IOException {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Files.writeString(outside.resolve("f"), "untouched");
        Sandbox sandbox = open(isolation);
        Execution swapping = sandbox.start(Command.shell("mkdir d e; ln -s " + outside
                + " l; while :; do mv -T d x; mv -T l d; mv -T d l; mv -T x d; done 2>/dev/null"));
        for (int i = 0; i < 400; i++) {
            String name = "d/" + (i % 2 == 0 ? "f" : "n" + i + "/f");
            try {
                sandbox.write(name, new byte[] {1});
                sandbox.read("d/f", 10).ifPresent(read -> assertThat(read).isEqualTo(new byte[] {1}));
                sandbox.list("d").forEach(entry -> assertThat(entry.size()).isNotEqualTo(9));
            } catch (IllegalArgumentException | SandboxException e) {
                // the link was there: refused
            }
        }
        swapping.kill();
        assertThat(outside).isDirectoryContaining("glob:**/f");
        assertThat(outside.toFile().list()).hasSize(1);
        assertThat(outside.resolve("f")).hasContent("untouched");
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void aSandboxThatIsClosed_leavesAloneWhatItsLinksPointTo(Isolation isolation) throws IOException {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Files.writeString(outside.resolve("f"), "untouched");
        Sandbox sandbox = open(isolation);
        run(
                sandbox,
                Command.shell("ln -s " + outside + " l; mkdir -p a/b; ln -s " + outside + "/f a/b/f; chmod 0 a/b"));
        sandbox.close();
        assertThat(outside.resolve("f")).hasContent("untouched");
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void aPipeInTheWorkspace_isRefusedAndNotWaitedFor(Isolation isolation) {
        Sandbox sandbox = open(isolation);
        run(sandbox, Command.shell("mkfifo p"));
        SandboxFixture.assertKind(SandboxException.Kind.REFUSED, () -> sandbox.read("p", 1));
        sandbox.save(java.io.OutputStream.nullOutputStream());
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "REQUIRED"})
    void foldersNestedTooDeepForPaths_areRemovedByClose(Isolation isolation) {
        Sandbox sandbox = open(isolation);
        run(
                sandbox,
                Command.shell(
                        "n=$(printf %0200d 0); i=0; while [ $i -lt 300 ]; do mkdir $n && cd -P $n || exit; i=$((i+1)); done"));
        SandboxFixture.assertKind(
                SandboxException.Kind.REFUSED, () -> sandbox.save(java.io.OutputStream.nullOutputStream()));
        sandbox.close();
        assertThat(folder.resolve("sandboxes")).isDirectoryNotContaining("glob:**/test-*");
    }

    @Test
    void aCommandThatRemovesTheSandboxItself_leavesItLost() {
        Sandbox sandbox = open(Isolation.NONE);
        Execution execution = sandbox.start(Command.shell("rm -rf \"$HOME\"/../*"));
        SandboxFixture.assertKind(SandboxException.Kind.LOST, () -> execution.await(Interruption.never()));
        SandboxFixture.assertKind(SandboxException.Kind.LOST, () -> sandbox.list(""));
        assertThat(provider.open(SESSION, 1).list("")).isEmpty();
    }

    @Test
    void bubblewrap_showsNoOtherFileOfThisMachine() throws IOException {
        Sandbox sandbox = open(Isolation.REQUIRED);
        Files.writeString(folder.resolve("secret"), "x");
        Sandbox other = provider.open(SessionId.of("test", "other"), 1);
        String tried = "ls -a " + folder
                + " /root /home /var /opt /work /etc/passwd /etc/shadow /workspace/../meta 2>/dev/null";
        assertThat(run(sandbox, Command.shell(tried)).outputText()).isEmpty();
        assertThat(run(
                                sandbox,
                                Command.shell(
                                        "for d in / /usr /usr/bin /etc /proc/sys/kernel; do touch $d/x && echo made; done; echo none"))
                        .outputText())
                .isEqualTo("none\n");
        assertThat(run(sandbox, Command.shell("ls /proc | grep -c '^[0-9]'"))
                        .outputText()
                        .trim())
                .satisfies(count -> assertThat(Integer.parseInt(count)).isLessThan(8));
        other.close();
    }

    @Test
    void bubblewrap_hasNoNetworkUnlessAsked() throws IOException {
        Sandbox sandbox = open(Isolation.REQUIRED);
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Command connect = Command.of(
                    "perl",
                    "-MIO::Socket::INET",
                    "-e",
                    "exit(IO::Socket::INET->new(PeerAddr=>'127.0.0.1:" + server.getLocalPort() + "') ? 0 : 9)");
            assertThat(run(sandbox, connect).exitCode()).isEqualTo(9);
            Sandbox online = provider.network(true).open(SESSION, 1);
            assertThat(run(online, connect.id("again")).exitCode()).isZero();
        }
    }

    @Test
    void bubblewrap_showsAFolderThatIsReadable_butNotForWriting() throws IOException {
        open(Isolation.REQUIRED);
        Path shown = Files.createDirectory(folder.resolve("shown"));
        Files.writeString(shown.resolve("f"), "text");
        Sandbox sandbox = provider.readable(shown).open(SESSION, 1);
        assertThat(run(sandbox, Command.shell("cat " + shown + "/f; echo x >" + shown + "/f"))
                        .outputText())
                .isEqualTo("text");
        assertThat(shown.resolve("f")).hasContent("text");
    }

    @Test
    void seed_isCopiedIntoANewSandboxOnly() throws IOException {
        Path seed = Files.createDirectories(folder.resolve("seed/sub"));
        Files.writeString(seed.resolve("f"), "seed");
        open(Isolation.NONE);
        provider.open(SESSION, 1).close();
        LocalSandbox seeded = provider.seed(folder.resolve("seed"));
        Sandbox sandbox = seeded.open(SESSION, 1);
        assertThat(sandbox.read("sub/f", 10)).isPresent();
        run(sandbox, Command.shell("rm -r sub"));
        assertThat(seeded.open(SESSION, 1).list("")).isEmpty();
    }

    @Test
    void uploadAndDownload_keepProgramsExecutable() throws IOException {
        Sandbox sandbox = open(Isolation.NONE);
        Path from = Files.createDirectory(folder.resolve("from"));
        Files.writeString(from.resolve("run"), "echo ran");
        assertThat(from.resolve("run").toFile().setExecutable(true)).isTrue();
        sandbox.upload(from, "");
        assertThat(run(sandbox, Command.of("./run")).exitCode()).isNotEqualTo(126);
        sandbox.download("", folder.resolve("to"));
        assertThat(folder.resolve("to/run")).isExecutable();
    }

    @Test
    void await_byAThreadThatIsInterrupted_saysSoAndLeavesTheCommandRunning() {
        Execution execution = open(Isolation.NONE).start(Command.shell("sleep " + nap));
        Thread.currentThread().interrupt();
        SandboxFixture.assertKind(SandboxException.Kind.UNAVAILABLE, () -> execution.await(Interruption.never()));
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
        execution.kill();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(execution.running()).isFalse();
    }

    @Test
    void aHandleThatIsNone_isRefused() {
        open(Isolation.NONE);
        for (String text : new String[] {"{}", "{\"folder\":\"../x\"}", "{\"folder\":\".locks\"}", "{\"folder\":7}"}) {
            assertThatThrownBy(() -> provider.attach(Json.parse(text), 1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static Result run(Sandbox sandbox, Command command) {
        return sandbox.start(command).await(Interruption.never());
    }

    private long sleeping() {
        return processes(nap).stream().filter(line -> line.startsWith("sleep")).count();
    }

    private long runner() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            Path started =
                    files.filter(file -> file.endsWith("started")).findFirst().orElseThrow();
            return Long.parseLong(Files.readString(started).split(" ")[0]);
        }
    }

    private static long size(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }
}

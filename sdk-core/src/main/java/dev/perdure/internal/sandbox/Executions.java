package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Starts commands, each at most once. A start is three steps, and may be cut short between any two by a kill of this JVM:
 *
 * <ol>
 *   <li>The execution's folder, complete, appears by a rename. Before it: nothing has happened, the next start begins anew.
 *   <li>A runner is launched in it. Before it: the folder has no {@code started}, the next start launches a runner.
 *   <li>The runner links {@code started} to a file that names it. Before it: it has run nothing; if the next start launches
 *       another, one of the two gets the link and the other ends. After it: the next start finds the execution.
 * </ol>
 *
 * <p>A runner that is killed after its step and before it wrote {@code end} leaves a command that is LOST: it may have run. The same
 * is said of a folder without {@code started} that was made before the machine went down, for the link may not have reached the disk.
 */
final class Executions {
    private static final int FENCED = 77;
    private static final long RUNNER_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Home home;
    private final LocalOptions options;
    private final long fence;

    Executions(Home home, LocalOptions options, long fence) {
        this.home = home;
        this.options = options;
        this.fence = fence;
    }

    Execution start(Command command) throws IOException {
        Launch launch = new Launch(home, options, command);
        // The fence cannot rise between the comparison and the runner's step, nor can two start the same id.
        return home.guarded(fence, () -> {
            Path folder = folder(command.id());
            if (!Files.exists(folder)) {
                claim(launch, folder);
            }
            Records records = Records.of(folder);
            if (!records.started()) {
                run(folder);
            }
            return new LocalExecution(home, records, fence);
        });
    }

    Optional<Execution> find(String id) throws IOException {
        home.requireThere();
        Path folder = folder(id);
        if (!Files.exists(folder)) {
            return Optional.empty();
        }
        Records records = Records.of(folder);
        return records.started() ? Optional.of(new LocalExecution(home, records, fence)) : Optional.empty();
    }

    private Path folder(String id) {
        return home.executions().resolve(Digests.of(id));
    }

    private void claim(Launch launch, Path folder) throws IOException {
        home.repair();
        Path staged = home.stage();
        launch.writeTo(staged, folder);
        Files.move(staged, folder, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel parent = FileChannel.open(folder.getParent(), StandardOpenOption.READ)) {
            parent.force(true);
        }
    }

    private void run(Path folder) throws IOException {
        Process runner = Commands.quiet(Detached.words(List.of(
                        "sh",
                        "./runner",
                        Long.toString(fence),
                        Birth.here(),
                        UUID.randomUUID().toString())))
                .directory(folder.toFile())
                .redirectError(folder.resolve("log").toFile())
                .start();
        long start = System.nanoTime();
        while (!Files.exists(folder.resolve("started"))) {
            boolean ended = !runner.isAlive();
            if ((ended && !Files.exists(folder.resolve("started"))) || System.nanoTime() - start > RUNNER_NANOS) {
                throw failure(folder, ended ? runner.exitValue() : -1);
            }
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(200));
        }
    }

    private SandboxException failure(Path folder, int code) throws IOException {
        return code == FENCED
                ? new SandboxException(Kind.FENCED, "sandbox " + home.name() + " has seen a higher fence", null)
                : new SandboxException(
                        Kind.UNAVAILABLE,
                        "the runner of a command did not start (" + code + "): "
                                + Files.readString(folder.resolve("log")).trim(),
                        null);
    }
}

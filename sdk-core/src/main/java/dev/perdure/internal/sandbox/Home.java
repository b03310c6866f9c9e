package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import dev.perdure.session.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The folder of one sandbox:
 *
 * <pre>
 * workspace/           the commands' files
 * tmp/                 their TMPDIR
 * meta/sandbox.json    there as long as the sandbox is
 * meta/fence           highest fence seen
 * meta/executions/     a folder for each command
 * meta/staging/        what is being made; on the same file system, so that a rename finishes it
 * </pre>
 *
 * Commands under bubblewrap see the first two only. It appears whole, by a rename.
 */
final class Home {
    private final Path folder;
    private final String name;
    private final Path lock;

    private Home(Path folder, String name, Path lock) {
        this.folder = folder;
        this.name = name;
        this.lock = lock;
    }

    /** @param all holds the folders of all sandboxes */
    static Home of(Path all, String name) throws IOException {
        Path real = Files.createDirectories(all).toRealPath();
        return new Home(real.resolve(name), name, Locks.file(real, name));
    }

    String name() {
        return name;
    }

    Path folder() {
        return folder;
    }

    Path workspace() {
        return folder.resolve("workspace");
    }

    Path tmp() {
        return folder.resolve("tmp");
    }

    Path executions() {
        return folder.resolve("meta/executions");
    }

    private Path marker() {
        return folder.resolve("meta/sandbox.json");
    }

    private Path fence() {
        return folder.resolve("meta/fence");
    }

    /** A new path for something that is being made. */
    Path stage() {
        return folder.resolve("meta/staging").resolve(UUID.randomUUID().toString());
    }

    /** Made at random with the sandbox: tells its processes from those of any other. */
    String mark() throws IOException {
        return Json.parse(Files.readString(marker())).findText("mark").orElseThrow();
    }

    /** Makes the sandbox unless it is there, and raises its fence. */
    void open(long fence, @Nullable Path seed) throws IOException {
        Locks.hold(lock, () -> {
            if (!Files.exists(marker())) {
                Commands.remove(folder); // one whose close was cut short
                make(seed);
            }
            raise(fence);
            return null;
        });
    }

    /** Raises the fence of a sandbox that must be there. */
    void attach(long fence) throws IOException {
        Locks.hold(lock, () -> {
            requireThere();
            raise(fence);
            return null;
        });
    }

    /** Does one step unless somebody with a higher fence was here. The step and the comparison exclude every other step. */
    <T extends @Nullable Object> T guarded(long fence, Io.Action<T> step) throws IOException {
        return Locks.hold(lock, () -> {
            requireThere();
            requireNewest(fence, seen());
            return step.run();
        });
    }

    /** Ends and removes the sandbox if it is there. What was cut short is finished by the next call, or by the next open. */
    void remove(long fence) throws IOException {
        Locks.hold(lock, () -> {
            if (Files.exists(marker())) {
                requireNewest(fence, seen());
                String mark = mark();
                Closing.killAll(executions(), mark);
                Files.delete(marker());
            }
            Commands.remove(folder);
            return null;
        });
    }

    /** Does something with the sandbox; when it is gone, that is the reason for every failure. */
    <T extends @Nullable Object> T call(String what, Io.Action<T> action) {
        requireThere();
        try {
            return action.run();
        } catch (IOException e) {
            requireThere();
            throw Io.failure(what, e);
        }
    }

    void requireThere() {
        if (!Files.exists(marker())) {
            throw Io.lost(name);
        }
    }

    /** A command without bubblewrap may have removed them, or put links in their place. */
    void repair() throws IOException {
        for (Path own : List.of(workspace(), tmp())) {
            if (!Files.isDirectory(own, LinkOption.NOFOLLOW_LINKS)) {
                Files.deleteIfExists(own);
                Files.createDirectory(own);
            }
        }
    }

    private void make(@Nullable Path seed) throws IOException {
        Path staged = folder.resolveSibling(".new-" + UUID.randomUUID());
        Home made = new Home(staged, name, lock);
        Files.createDirectory(
                staged, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.createDirectories(made.executions());
        Files.createDirectories(made.stage().getParent());
        made.repair();
        if (seed != null) {
            Trees.copy(seed, made.workspace());
        }
        Files.writeString(made.fence(), "0\n");
        Files.writeString(
                made.marker(),
                Json.EMPTY
                        .with("format", 1)
                        .with("mark", UUID.randomUUID().toString())
                        .text());
        Files.move(staged, folder, StandardCopyOption.ATOMIC_MOVE);
    }

    private void raise(long fence) throws IOException {
        long seen = seen();
        requireNewest(fence, seen);
        if (fence > seen) {
            Path next = stage();
            Files.writeString(next, fence + "\n");
            Files.move(next, fence(), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private void requireNewest(long fence, long seen) {
        if (fence < seen) {
            throw new SandboxException(
                    Kind.FENCED, "sandbox " + name + " has seen fence " + seen + ", this is " + fence, null);
        }
    }

    private long seen() throws IOException {
        return Long.parseLong(Files.readString(fence()).trim());
    }
}

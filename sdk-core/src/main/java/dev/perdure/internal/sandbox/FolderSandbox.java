package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Command;
import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** A sandbox in a folder of this machine. Thread-safe; holds no resource, so any number may stand for one sandbox. */
public final class FolderSandbox implements Sandbox {
    private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,100}");

    private final Home home;
    private final long fence;
    private final Workspace workspace;
    private final Executions executions;

    private FolderSandbox(Home home, LocalOptions options, long fence) {
        this.home = home;
        this.fence = fence;
        this.workspace = new Workspace(home);
        this.executions = new Executions(home, options, fence);
    }

    /** @param all holds the folders of all sandboxes */
    public static FolderSandbox open(Path all, SessionId session, LocalOptions options, long fence) {
        return Io.call("cannot make a sandbox in " + all, () -> {
            Home home = Home.of(all, Digests.name(session));
            home.open(fence, options.seed());
            return new FolderSandbox(home, options, fence);
        });
    }

    public static FolderSandbox attach(Path all, Json handle, LocalOptions options, long fence) {
        String name = handle.findText("folder")
                .filter(text -> NAME.matcher(text).matches())
                .orElseThrow(() -> new IllegalArgumentException("no handle of a local sandbox: " + handle));
        return Io.call("cannot attach to sandbox " + name, () -> {
            Home home = Home.of(all, name);
            home.attach(fence);
            return new FolderSandbox(home, options, fence);
        });
    }

    @Override
    public Json handle() {
        return Json.EMPTY.with("provider", "local").with("folder", home.name());
    }

    @Override
    public Execution start(Command command) {
        return call("cannot start a command", () -> executions.start(command));
    }

    @Override
    public Optional<Execution> attach(String executionId) {
        return call("cannot attach to command " + executionId, () -> executions.find(executionId));
    }

    @Override
    public void write(String path, byte[] content) {
        WorkspacePath file = WorkspacePath.file(path);
        call("cannot write " + path, () -> {
            workspace.write(file, staged -> Files.write(staged, content), false, fence);
            return true;
        });
    }

    @Override
    public Optional<byte[]> read(String path, long limit) {
        WorkspacePath file = WorkspacePath.file(path);
        if (limit < 0) {
            throw new IllegalArgumentException("a limit is not negative, but this is " + limit);
        }
        return call("cannot read " + path, () -> workspace.read(file, limit));
    }

    @Override
    public List<Entry> list(String folder) {
        WorkspacePath path = WorkspacePath.of(folder);
        return call("cannot list " + folder, () -> workspace.list(path));
    }

    @Override
    public void upload(Path from, String to) {
        call("cannot upload " + from, () -> {
            Trees.upload(from, workspace, to, fence);
            return true;
        });
    }

    @Override
    public void download(String from, Path to) {
        WorkspacePath path = WorkspacePath.of(from);
        call("cannot download " + from, () -> {
            try (Directory folder = folder(path)) {
                Trees.download(folder, to);
            }
            return true;
        });
    }

    @Override
    public void save(OutputStream out) {
        call("cannot save the workspace", () -> {
            try (Directory folder = folder(WorkspacePath.of(""))) {
                Archive.save(folder, out);
            }
            return true;
        });
    }

    private Directory folder(WorkspacePath path) throws IOException {
        return workspace.find(path.names()).orElseThrow(() -> Io.refused("no folder: \"" + path + "\""));
    }

    @Override
    public void restore(InputStream in) {
        call("cannot restore the workspace", () -> {
            Path staged = home.stage();
            Path old = home.stage();
            try {
                Archive.unpack(in, staged);
                home.guarded(fence, () -> {
                    home.repair();
                    Files.move(home.workspace(), old, StandardCopyOption.ATOMIC_MOVE);
                    return Files.move(staged, home.workspace(), StandardCopyOption.ATOMIC_MOVE);
                });
            } finally {
                Commands.remove(staged);
                Commands.remove(old);
            }
            return true;
        });
    }

    @Override
    public void renew() {
        home.requireThere();
    }

    @Override
    public void close() {
        Io.call("cannot close sandbox " + home.name(), () -> {
            home.remove(fence);
            return true;
        });
    }

    private <T> T call(String what, Io.Action<T> action) {
        return home.call(what, action);
    }

    @Override
    public String toString() {
        return "LocalSandbox[" + home.name() + "]";
    }
}

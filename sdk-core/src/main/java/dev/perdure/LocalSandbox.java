package dev.perdure;

import dev.perdure.internal.sandbox.Bubblewrap;
import dev.perdure.internal.sandbox.FolderSandbox;
import dev.perdure.internal.sandbox.LocalOptions;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SandboxProvider;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sandboxes on this machine: each session gets a folder, each command a process group. Under
 * <a href="https://github.com/containers/bubblewrap">bubblewrap</a>, where it is installed, a command sees only its workspace and the
 * system's programs, read-only, and has no network. Without it a command can do all that this JVM's user can: see {@link #isolation()}.
 *
 * <p>Commands do not depend on the JVM that started them: they, their time limit and their output limit outlive it, and a sandbox can
 * be attached to from another JVM on the same machine. They get none of the JVM's environment.
 *
 * <p>With bubblewrap all that a command started ends with it. Without, what it left in the background runs on until the sandbox is
 * closed; a kill or timeout finds it too, unless it left the process group and emptied its environment as well.
 *
 * <p>Files are read and written without following links, not even those that stay in the workspace; uploads, downloads and saved
 * workspaces leave links out. Not limited: memory, processor time, number of processes, size of the workspace.
 *
 * <p>Needs {@code sh}, {@code setsid} or {@code perl}, and for bubblewrap Linux. Not for Windows. The folder must be used by one machine
 * (or container) at a time, on a file system with hard links and locks. Immutable and thread-safe.
 */
public final class LocalSandbox implements SandboxProvider {
    /** Whether commands run under bubblewrap. */
    public enum Isolation {
        /** They do, or no sandbox is made. */
        REQUIRED,
        /** They do where it works. The default. */
        IF_PRESENT,
        /** They do not. */
        NONE
    }

    private final Path folder;
    private final Isolation isolation;
    private final boolean network;
    private final List<Path> readable;
    private final @Nullable Path seed;

    private LocalSandbox(Path folder, Isolation isolation, boolean network, List<Path> readable, @Nullable Path seed) {
        this.folder = folder;
        this.isolation = isolation;
        this.network = network;
        this.readable = readable;
        this.seed = seed;
    }

    /** @param folder for the folders of all sandboxes; made when it is needed */
    public static LocalSandbox inFolder(Path folder) {
        return new LocalSandbox(folder.toAbsolutePath().normalize(), Isolation.IF_PRESENT, false, List.of(), null);
    }

    /** Default: {@link Isolation#IF_PRESENT}. */
    public LocalSandbox isolation(Isolation value) {
        return new LocalSandbox(folder, value, network, readable, seed);
    }

    /** Whether commands under bubblewrap share this machine's network, with all that listens on it. Default: no. */
    public LocalSandbox network(boolean value) {
        return new LocalSandbox(folder, isolation, value, readable, seed);
    }

    /** One more folder that commands under bubblewrap see, read-only and under the same path. For programs outside of {@code /usr}. */
    public LocalSandbox readable(Path value) {
        List<Path> more = new ArrayList<>(readable);
        more.add(value.toAbsolutePath().normalize());
        return new LocalSandbox(folder, isolation, network, List.copyOf(more), seed);
    }

    /** A folder that is copied into the workspace of each new sandbox, links as links. Default: none. */
    public LocalSandbox seed(Path value) {
        return new LocalSandbox(
                folder, isolation, network, readable, value.toAbsolutePath().normalize());
    }

    @Override
    public String name() {
        return "local";
    }

    @Override
    public Sandbox open(SessionId session, long fence) {
        return FolderSandbox.open(folder, session, options(), fence);
    }

    @Override
    public Sandbox attach(Json handle, long fence) {
        return FolderSandbox.attach(folder, handle, options(), fence);
    }

    @Override
    public List<String> isolation() {
        return options().isolated() ? walls() : noWalls();
    }

    private List<String> walls() {
        return List.of(
                "Commands run under bubblewrap, in namespaces of their own, without capabilities.",
                "They see their workspace, a /tmp of their own and the system's programs (read-only), no other file of this machine.",
                network ? "They share this machine's network." : "They have no network.",
                "They share the kernel of this machine: a flaw in it lets them out.",
                "Their memory, processor time, number of processes and disk space are not limited.");
    }

    private static List<String> noWalls() {
        return List.of(
                "NOT ISOLATED: commands run without bubblewrap, as the user of this JVM.",
                "They can read and change every file that this user can, other sandboxes and this JVM's memory included.",
                "They share this machine's network.",
                "They get none of the JVM's environment variables, but can read them where the system shows them (/proc).",
                "A process that leaves its group and empties its environment outlives a kill.",
                "Their memory, processor time, number of processes and disk space are not limited.");
    }

    private LocalOptions options() {
        if (File.separatorChar == '\\') {
            throw new SandboxException(
                    SandboxException.Kind.REFUSED, "LocalSandbox needs a POSIX system; this is Windows", null);
        }
        boolean isolated = isolation != Isolation.NONE && Bubblewrap.works();
        if (isolation == Isolation.REQUIRED && !isolated) {
            throw new SandboxException(
                    SandboxException.Kind.UNAVAILABLE,
                    "bubblewrap is required, but bwrap is not installed or may not make namespaces here",
                    null);
        }
        return new LocalOptions(isolated, network, readable, seed);
    }

    /** The folder. */
    @Override
    public String toString() {
        return "LocalSandbox[" + folder + "]";
    }
}

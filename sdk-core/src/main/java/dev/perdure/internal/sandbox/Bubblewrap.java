package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The walls that bubblewrap puts around a command. */
public final class Bubblewrap {
    static final String WORKSPACE = "/workspace";
    // Outside of everything a command can write to.
    static final String SCRIPT = "/.perdure";

    private static final List<String> SYSTEM = List.of("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr");
    // Nothing that holds keys or names of this machine's users.
    private static final List<String> SETTINGS = List.of(
            "/etc/alternatives",
            "/etc/ld.so.cache",
            "/etc/ld.so.conf",
            "/etc/ld.so.conf.d",
            "/etc/localtime",
            "/etc/nsswitch.conf",
            "/etc/mime.types",
            "/etc/pki/tls/certs",
            "/etc/pki/ca-trust/extracted",
            "/etc/ssl/certs",
            "/etc/ssl/openssl.cnf",
            "/etc/ca-certificates");
    private static final List<String> NETWORK = List.of("/etc/resolv.conf", "/etc/hosts", "/etc/services");

    private Bubblewrap() {}

    /** Whether a command can run with exactly these walls on this machine. Costs about 10 ms. */
    public static boolean works() {
        return tried(walls(false));
    }

    private static boolean tried(List<String> walls) {
        List<String> words = new ArrayList<>(List.of("bwrap"));
        words.addAll(walls);
        words.addAll(List.of("--remount-ro", "/", "true"));
        try {
            return Commands.find("bwrap").isPresent() && Commands.run(words.toArray(String[]::new)) == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** No namespaces in the namespace: much of the kernel cannot be reached without. From version 0.8, and where the kernel can. */
    private static final class Nesting {
        private static final List<String> NONE = List.of("--unshare-user", "--disable-userns");
        static final List<String> FLAGS = tried(walls(false, NONE)) ? NONE : List.of();
    }

    /** The command line that runs the execution's script behind the walls. */
    static List<String> around(Home home, Path script, LocalOptions options) {
        List<String> words = new ArrayList<>(List.of("bwrap", "--json-status-fd", "5"));
        words.addAll(walls(options.network()));
        words.addAll(List.of("--bind", home.workspace().toString(), WORKSPACE));
        words.addAll(List.of("--bind", home.tmp().toString(), "/tmp"));
        options.readable().forEach(path -> words.addAll(readable(path.toString())));
        words.addAll(List.of("--ro-bind", script.toString(), SCRIPT));
        words.addAll(List.of("--remount-ro", "/", "--chdir", WORKSPACE, "/bin/sh", SCRIPT));
        return words;
    }

    private static List<String> walls(boolean network) {
        return walls(network, Nesting.FLAGS);
    }

    private static List<String> walls(boolean network, List<String> nesting) {
        List<String> words = new ArrayList<>(List.of("--unshare-all", "--cap-drop", "ALL", "--clearenv"));
        words.addAll(nesting);
        if (network) {
            words.add("--share-net");
        }
        // Its parent is the runner, not this JVM: the command outlives the JVM, and nothing outlives the command.
        words.addAll(List.of("--die-with-parent", "--new-session", "--hostname", "sandbox"));
        SYSTEM.forEach(path -> words.addAll(system(Path.of(path))));
        SETTINGS.forEach(path -> words.addAll(readable(path)));
        if (network) {
            NETWORK.forEach(path -> words.addAll(readable(path)));
        }
        words.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        return words;
    }

    private static List<String> system(Path path) {
        try {
            return Files.isSymbolicLink(path)
                    ? List.of("--symlink", Files.readSymbolicLink(path).toString(), path.toString())
                    : readable(path.toString());
        } catch (IOException e) {
            return List.of();
        }
    }

    private static List<String> readable(String path) {
        return List.of("--ro-bind-try", path, path);
    }
}

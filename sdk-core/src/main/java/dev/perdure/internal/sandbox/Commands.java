package dev.perdure.internal.sandbox;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Small programs of the machine that the sandbox itself uses; with none of the JVM's environment. */
final class Commands {
    static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final String SWEEP = script("sweep.sh");

    private Commands() {}

    static String script(String name) {
        try (InputStream in = Commands.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("missing in the jar: " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + name, e);
        }
    }

    static Optional<String> find(String program) {
        return List.of(PATH.split(":")).stream()
                .map(folder -> folder + "/" + program)
                .filter(path -> Files.isExecutable(Path.of(path)))
                .findFirst();
    }

    static ProcessBuilder quiet(List<String> words) {
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().clear();
        builder.environment().put("PATH", PATH);
        builder.redirectInput(new File("/dev/null"));
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        return builder;
    }

    /** Exit code of a program that ends soon; 1 when it does not within a minute. Works on an interrupted thread too. */
    static int run(String... words) throws IOException {
        Process process = quiet(List.of(words)).start();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return process.waitFor(1, TimeUnit.MINUTES) ? process.exitValue() : 1;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            process.destroyForcibly();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Kills every process that has {@code text} in its environment. Linux only. */
    static void sweep(String text) throws IOException {
        run("sh", "-c", SWEEP, "sweep", text);
    }

    /**
     * Removes a tree. By rm, which holds every folder open on its way and so cannot be led outside by a link that appears
     * meanwhile, and which has no limit of depth.
     */
    static void remove(Path tree) throws IOException {
        if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (run("rm", "-rf", "--", tree.toString()) != 0) {
            run("chmod", "-R", "u+rwX", "--", tree.toString());
            if (run("rm", "-rf", "--", tree.toString()) != 0) {
                throw new IOException("cannot remove " + tree);
            }
        }
    }
}

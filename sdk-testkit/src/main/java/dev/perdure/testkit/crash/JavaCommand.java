package dev.perdure.testkit.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Starts JVMs as this one was started: the same Java, the same class path; small, and quick after a first one. Immutable. */
final class JavaCommand {
    // What a child costs is its start: so little as possible is compiled in it.
    private static final List<String> SMALL = List.of(
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-XX:Tier3InvocationThreshold=2000",
            "-XX:Tier3MinInvocationThreshold=1000",
            "-XX:Tier3CompileThreshold=3000",
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-XX:-UsePerfData",
            "-Xlog:disable");

    private final Path folder;
    private final List<String> properties;

    JavaCommand(Path folder, List<String> properties) {
        this.folder = folder;
        this.properties = properties;
    }

    /** The class path and its archive, made once in this JVM and gone with it. */
    private static final class Shared {
        static final Path FOLDER = make();
        static final String CLASS_PATH = ClassPath.jarsOnly(FOLDER);
        static final Path ARCHIVE = FOLDER.resolve("classes.jsa");

        private static Path make() {
            try {
                Path folder = Files.createTempDirectory("perdure-crash");
                Runtime.getRuntime().addShutdownHook(new Thread(() -> empty(folder, true)));
                return folder;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    Process start(Class<?> main, String name, List<String> arguments) {
        return start("-XX:SharedArchiveFile=" + Shared.ARCHIVE, main, name, arguments);
    }

    /** Whether a first one of this JVM has ended in good order. */
    static boolean archived() {
        return Files.exists(Shared.ARCHIVE);
    }

    /** When it ends in good order, those that start later need not load and check its classes again: half of their time. */
    Process startFirst(Class<?> main, String name, List<String> arguments) {
        return start("-XX:ArchiveClassesAtExit=" + Shared.ARCHIVE, main, name, arguments);
    }

    private Process start(String option, Class<?> main, String child, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(SMALL);
        command.add(option);
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel="
                + System.getProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn"));
        for (String name : properties) {
            command.add("-D" + name + "=" + System.getProperty(name));
        }
        // What a killed process leaves in it is removed with it.
        command.add("-Djava.io.tmpdir=" + temporary(child));
        command.addAll(List.of("-cp", Shared.CLASS_PATH, main.getName()));
        command.addAll(arguments);
        try {
            Files.createDirectories(temporary(child));
            return new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            folder.resolve(child + ".log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path temporary(String name) {
        return folder.resolve("tmp-" + name);
    }

    /** Removes what a dead child left behind. */
    void clean(String name) {
        empty(temporary(name), false);
    }

    private static void empty(Path folder, boolean itself) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            if (itself) {
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

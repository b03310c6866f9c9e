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
    // G1, because the JDK's own archive of classes and lambdas is for it.
    private static final List<String> SMALL = List.of(
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseG1GC",
            "-XX:ParallelGCThreads=1",
            "-XX:ConcGCThreads=1",
            "-Xmx128m",
            "-XX:-UsePerfData",
            "-Xlog:disable");

    private final Path folder;
    private final List<String> properties;
    private final String classPath;

    JavaCommand(Path folder, List<String> properties) {
        this.folder = folder;
        this.properties = properties;
        this.classPath = ClassPath.jarsOnly(folder);
    }

    Process start(Class<?> main, String name, List<String> arguments) {
        return start("-XX:SharedArchiveFile=" + archive(), main, name, arguments);
    }

    /** When it ends in good order, those that start later need not load and check its classes again: half of their time. */
    Process startFirst(Class<?> main, String name, List<String> arguments) {
        return start("-XX:ArchiveClassesAtExit=" + archive(), main, name, arguments);
    }

    private Path archive() {
        return folder.resolve("classes.jsa");
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
        command.addAll(List.of("-cp", classPath, main.getName()));
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
        try (Stream<Path> files = Files.list(temporary(name))) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

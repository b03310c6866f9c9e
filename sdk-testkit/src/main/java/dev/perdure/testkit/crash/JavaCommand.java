package dev.perdure.testkit.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts JVMs as this one was started: the same Java, the same class path, little memory. Immutable. */
final class JavaCommand {
    private static final List<String> SMALL = List.of(
            "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-XX:-UsePerfData");

    private final Path folder;
    private final String classPath;
    private final List<String> options;

    private JavaCommand(Path folder, String classPath, List<String> options) {
        this.folder = folder;
        this.classPath = classPath;
        this.options = options;
    }

    static JavaCommand in(Path folder) {
        return new JavaCommand(folder, System.getProperty("java.class.path"), options());
    }

    private static List<String> options() {
        List<String> options = new ArrayList<>(SMALL);
        if (Runtime.version().feature() >= 22) {
            options.add("--enable-native-access=ALL-UNNAMED");
        }
        return options;
    }

    Process start(Class<?> main, String name, List<String> arguments) {
        Path temporary = folder.resolve("tmp-" + name);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        // What a killed process leaves in it is removed with it.
        command.add("-Djava.io.tmpdir=" + temporary);
        command.add("-cp");
        command.add(classPath);
        command.add(main.getName());
        command.addAll(arguments);
        try {
            Files.createDirectories(temporary);
            return new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            folder.resolve(name + ".log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes what a dead child left behind. */
    void clean(String name) {
        Path temporary = folder.resolve("tmp-" + name);
        try (var files = Files.list(temporary)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

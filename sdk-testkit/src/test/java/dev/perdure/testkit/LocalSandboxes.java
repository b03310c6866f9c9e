package dev.perdure.testkit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.LocalSandbox;
import dev.perdure.LocalSandbox.Isolation;
import dev.perdure.sandbox.SandboxException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What the tests of the local sandbox know of this machine. */
final class LocalSandboxes {
    private LocalSandboxes() {}

    /** Skips the test, visibly, where {@code isolation} cannot be had. */
    static void assumePossible(Isolation isolation) {
        assumeTrue(
                isolation == Isolation.NONE || bubblewrapWorks(),
                "bubblewrap is not installed or may not make namespaces here");
    }

    static boolean bubblewrapWorks() {
        try {
            return !LocalSandbox.inFolder(Path.of("unused"))
                    .isolation(Isolation.REQUIRED)
                    .isolation()
                    .isEmpty();
        } catch (SandboxException e) {
            return false;
        }
    }

    /** Living processes of this machine whose command line has {@code text}, also those in namespaces. */
    static List<String> processes(String text) {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                commandLine(process).filter(line -> line.contains(text)).ifPresent(found::add);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return found;
    }

    private static java.util.Optional<String> commandLine(Path process) {
        try {
            String line = Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1);
            return java.util.Optional.of(line.replace('\0', ' '));
        } catch (IOException e) {
            return java.util.Optional.empty(); // it ended meanwhile
        }
    }

    /** Starts this in another JVM, with {@code SECRET} in its environment. */
    static Process jvm(Path folder, Isolation isolation, String session, String line) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                LocalSandboxProcess.class.getName(),
                folder.toString(),
                isolation.name(),
                session,
                line);
        builder.environment().put("SECRET", "hunter2");
        return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}

package dev.perdure.internal.sandbox;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Ends all that runs in a sandbox. */
final class Closing {
    private Closing() {}

    /** Runners end their commands; then goes what was left behind in the background, and what lost its runner. */
    static void killAll(Path executions, String mark) throws IOException {
        List<Birth> runners = runners(executions);
        runners.forEach(Birth::terminate);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (runners.stream().anyMatch(Birth::alive) && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(1_000_000);
        }
        runners.forEach(Birth::kill);
        Commands.sweep("PERDURE_EXECUTION=" + mark + "/");
    }

    private static List<Birth> runners(Path executions) throws IOException {
        List<Birth> runners = new ArrayList<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(executions)) {
            for (Path folder : folders) {
                Optional<Birth> runner = Records.of(folder).findRunner();
                runner.filter(Birth::alive).ifPresent(runners::add);
            }
        }
        return runners;
    }
}

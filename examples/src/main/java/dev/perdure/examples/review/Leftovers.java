package dev.perdure.examples.review;

import dev.perdure.LocalSandbox;
import dev.perdure.Operator;
import dev.perdure.session.SessionView;
import dev.perdure.session.jdbc.JdbcSessionStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What a run needs no longer. A sandbox outlives the workers on purpose, so somebody has to say when it is over. */
public final class Leftovers {
    private Leftovers() {}

    /** Ends the commands that still run in the sandbox and removes the copies. Safe to repeat. */
    public static void remove(RunFolder run) throws IOException {
        if (Files.exists(run.sessions())) {
            closeSandbox(run);
        }
        delete(run.copies());
    }

    private static void closeSandbox(RunFolder run) {
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(run.sessions())) {
            SessionView view =
                    SessionView.of(RunFolder.SESSION, Operator.of(store).history(RunFolder.SESSION));
            view.findSandbox()
                    .ifPresent(bound -> LocalSandbox.inFolder(run.sandboxes())
                            .attach(bound.handle(), Long.MAX_VALUE)
                            .close());
        }
    }

    private static void delete(Path folder) throws IOException {
        if (Files.notExists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            List<Path> deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.deleteIfExists(path);
            }
        }
    }
}

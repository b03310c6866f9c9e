package dev.perdure.examples;

import dev.perdure.Operator;
import dev.perdure.examples.model.ModelChoice;
import dev.perdure.examples.review.Announced;
import dev.perdure.examples.review.Findings;
import dev.perdure.examples.review.Leftovers;
import dev.perdure.examples.review.ReviewAgent;
import dev.perdure.examples.review.RunFolder;
import dev.perdure.examples.review.Script;
import dev.perdure.examples.review.SourceFolder;
import dev.perdure.examples.review.Tally;
import dev.perdure.examples.review.Timeline;
import dev.perdure.examples.review.WorkerProcess;
import dev.perdure.examples.terminal.Screen;
import dev.perdure.examples.terminal.Screen.Style;
import dev.perdure.session.Recorded;
import dev.perdure.session.jdbc.JdbcSessionStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An agent reviews a folder; half-way its process is killed with SIGKILL; another process goes on at once. Then everything is counted.
 *
 * <p>{@code examples/run [quickstart] [FOLDER]}, by default this repository's {@code docs}.
 */
public final class Quickstart {
    private final Screen screen = Screen.standard();
    private final RunFolder run;

    private Quickstart(RunFolder run) {
        this.run = run;
    }

    public static void main(String[] args) throws Exception {
        try {
            System.exit(start(args) ? 0 : 1);
        } catch (IllegalArgumentException e) {
            System.err.println("quickstart: " + e.getMessage());
            System.exit(2);
        } catch (InterruptedException e) {
            System.err.println("quickstart: stopped");
            System.exit(130);
        }
    }

    private static boolean start(String[] args) throws IOException, InterruptedException {
        if (args.length > 1) {
            throw new IllegalArgumentException(
                    "one folder at most, but these are " + args.length + ": " + String.join(" ", args));
        }
        ModelChoice model = ModelChoice.of(System.getenv(), Script.model());
        SourceFolder folder = SourceFolder.of(args.length == 1 ? Path.of(args[0]) : docs());
        RunFolder run = new RunFolder(Files.createTempDirectory("perdure-quickstart-"));
        List<Path> files = folder.copyTo(run.copies());
        Quickstart quickstart = new Quickstart(run);
        quickstart.introduce(model, folder, files.size());
        return quickstart.run();
    }

    /** This repository's documentation, wherever the program is started from. */
    private static Path docs() {
        String repository = System.getProperty("perdure.repository", "");
        return Path.of(repository).resolve("docs");
    }

    private void introduce(ModelChoice model, SourceFolder folder, int files) {
        screen.whole(Style.BOLD, "model: " + model.saying());
        screen.whole(Style.PLAIN, "An agent reviews copies of " + files + " text files of " + folder.path() + ".");
        screen.whole(Style.PLAIN, "Half-way its process is killed. Everything of this run: " + run.path());
    }

    private boolean run() throws IOException, InterruptedException {
        Thread cleaning = new Thread(this::clean, "cleaning");
        Runtime.getRuntime().addShutdownHook(cleaning);
        int kills = work();
        List<Recorded> log = log();
        screen.line("");
        screen.line(Style.BOLD, "The session's log");
        new Timeline(log).print(screen);
        screen.line("");
        boolean reported = report();
        Tally tally = Tally.of(kills, log, new Findings(run.findings()).entries(), Announced.read(run.announced()));
        screen.whole(tally.clean() ? Style.GREEN : Style.RED, tally.line());
        return tally.clean() && reported;
    }

    /** One worker that is killed half-way, one that goes on; how many died by SIGKILL. */
    private int work() throws IOException, InterruptedException {
        // Whatever is filed before the kill has no answer then: its calls are in doubt.
        Files.createFile(run.hold());
        WorkerProcess first = start(1, "starts");
        if (first.awaitHalfWay()) {
            first.kill();
            screen.whole(Style.RED, "\nkill -9 " + first.pid() + ": worker 1 dies while its tools run");
        }
        if (!first.awaitKilled()) {
            return 0;
        }
        Files.deleteIfExists(run.hold());
        boolean killed = start(2, "goes on with what the log says").awaitKilled();
        return killed ? 2 : 1;
    }

    private WorkerProcess start(int number, String what) throws IOException {
        WorkerProcess worker = WorkerProcess.start(run);
        screen.whole(Style.YELLOW, "\nworker " + number + " (process " + worker.pid() + ") " + what);
        return worker;
    }

    private List<Recorded> log() {
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(run.sessions())) {
            return Operator.of(store).history(RunFolder.SESSION);
        }
    }

    private boolean report() throws IOException {
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(run.sessions())) {
            Optional<byte[]> report = Operator.of(store).findArtifact(RunFolder.SESSION, ReviewAgent.REPORT);
            if (report.isEmpty()) {
                screen.line("The model saved no report.");
                return false;
            }
            Files.write(run.report(), report.get());
            screen.whole(Style.PLAIN, "report:  " + run.report());
            screen.whole(Style.PLAIN, "session: " + run.sessions());
            return true;
        }
    }

    private void clean() {
        try {
            Leftovers.remove(run);
        } catch (IOException | RuntimeException e) {
            System.err.println("quickstart: " + run.path() + " could not be cleaned: " + e.getMessage());
        }
    }
}

package dev.perdure.examples.review;

import dev.perdure.examples.terminal.Screen;
import dev.perdure.session.Event;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link Worker} in a JVM of its own, which prints to this one's output. */
public final class WorkerProcess {
    /** 128 and the number of the signal: what a process ends with that was ended by one. */
    private static final int SIGINT = 130;

    private static final int SIGKILL = 137;
    private static final int SIGTERM = 143;
    /** When no finding was filed until then, it is time all the same. */
    private static final int MANY_CALLS = 16;

    private final RunFolder run;
    private final Process process;

    private WorkerProcess(RunFolder run, Process process) {
        this.run = run;
        this.process = process;
    }

    public static WorkerProcess start(RunFolder run) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(Screen.inherited()));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Worker.class.getName()));
        command.add(run.path().toString());
        return new WorkerProcess(run, new ProcessBuilder(command).inheritIO().start());
    }

    public long pid() {
        return process.pid();
    }

    /** Waits until the worker is in the middle of its work; false when it ended before. */
    public boolean awaitHalfWay() throws IOException, InterruptedException {
        while (!process.waitFor(5, TimeUnit.MILLISECONDS)) {
            if (halfWay()) {
                return true;
            }
        }
        return false;
    }

    /** The first finding is filed, and its call has no result yet; or much was done already. */
    private boolean halfWay() throws IOException {
        return !new Findings(run.findings()).entries().isEmpty() || callsStarted() >= MANY_CALLS;
    }

    private long callsStarted() throws IOException {
        return Announced.read(run.announced()).stream()
                .filter(line -> line.type().equals(Event.ToolStarted.class.getSimpleName()))
                .count();
    }

    /** SIGKILL: the process gets no chance to do anything about it. */
    public void kill() {
        process.destroyForcibly();
    }

    /**
     * Waits for its end; whether it was killed.
     *
     * @throws InterruptedException when somebody stopped it, as with Ctrl-C
     */
    public boolean awaitKilled() throws InterruptedException {
        int status = process.waitFor();
        if (status == SIGINT || status == SIGTERM) {
            throw new InterruptedException("the worker was stopped");
        }
        return status == SIGKILL;
    }
}

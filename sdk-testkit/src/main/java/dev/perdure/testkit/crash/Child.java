package dev.perdure.testkit.crash;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A child JVM from its start to its end, as its parent sees it. */
final class Child {
    /** A child that takes this long to start does not start at all. */
    private static final long STARTING_MILLIS = 60_000;

    private final Process process;
    private final Plan plan;
    private final Signals signals;
    private final Timers timers;
    private final AtomicReference<@Nullable CrashPoint> killedAt = new AtomicReference<>();
    private final long started = System.nanoTime();
    /** How long it may live once it runs. */
    private volatile long lifeMillis;

    private volatile boolean ready;
    private volatile boolean paused;

    Child(Process process, Plan plan, Signals signals, Timers timers) {
        this.process = process;
        this.plan = plan;
        this.signals = signals;
        this.timers = timers;
    }

    /** Where it was killed; empty when it ended by itself. */
    Optional<CrashPoint> findKilledAt() {
        return Optional.ofNullable(killedAt.get());
    }

    boolean paused() {
        return paused;
    }

    /** Lets it end in good order. */
    void end() {
        say("end");
    }

    void kill(CrashPoint at) {
        if (process.isAlive() && killedAt.compareAndSet(null, at)) {
            // On Unix, SIGKILL without a process in between.
            process.destroyForcibly();
        }
    }

    /** Follows it until it is dead. */
    void follow() {
        timers.after(STARTING_MILLIS, this::killUnlessReady);
        try (BufferedReader words = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = words.readLine(); line != null; line = words.readLine()) {
                if (line.startsWith(Crasher.SAY)) {
                    hear(line.substring(Crasher.SAY.length()).split(" ", 2));
                }
            }
        } catch (IOException e) {
            kill(CrashPoint.ANYWHERE);
        }
        process.onExit().join();
    }

    private void killUnlessReady() {
        if (!ready) {
            kill(CrashPoint.ANYWHERE);
        }
    }

    private void hear(String[] words) {
        switch (words[0]) {
            case "ready" -> ready();
            case "kill" -> kill(CrashPoint.valueOf(words[1]));
            case "pause" -> pause();
            default -> {}
        }
    }

    private void ready() {
        ready = true;
        long took = (System.nanoTime() - started) / 1_000_000;
        lifeMillis = took * plan.afterPercent() / 100;
        if (plan.point() == CrashPoint.ANYWHERE && plan.pauses()) {
            timers.after(lifeMillis, this::pause);
        } else if (plan.percent() > 0) {
            timers.after(took * plan.percent() / 100, this::killUnlessPaused);
        }
    }

    private void killUnlessPaused() {
        if (!paused) {
            kill(CrashPoint.ANYWHERE);
        }
    }

    private void pause() {
        paused = true;
        signals.stop(process);
        // It reads this when it goes on.
        say("go");
        timers.after(plan.pauseMillis(), this::resume);
    }

    private void resume() {
        signals.resume(process);
        timers.after(lifeMillis, () -> kill(CrashPoint.ANYWHERE));
    }

    private void say(String word) {
        try {
            Writer orders = process.outputWriter(StandardCharsets.UTF_8);
            orders.write(word + "\n");
            orders.flush();
        } catch (IOException e) {
            if (process.isAlive()) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

package dev.perdure.internal.engine;

import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One question to a tool's probe, asked on a thread of its own because a probe may hang; {@code cancel(true)} gives it up. Tells its answer exactly
 * once: unknown when the probe failed or was given up. Thread-safe.
 */
final class Probing extends FutureTask<Probe> {
    private static final Logger LOG = LoggerFactory.getLogger(Probing.class);

    private final Tool tool;
    private final Consumer<Probe> told;
    private final Queue<Future<?>> timers = new ConcurrentLinkedQueue<>();

    Probing(Tool tool, String key, Consumer<Probe> told) {
        super(() -> Objects.requireNonNullElse(tool.prober().ask(key), Probe.unknown()));
        this.tool = tool;
        this.told = told;
    }

    Tool tool() {
        return tool;
    }

    /** A timer that gives this up; it is not needed once there is an answer. */
    void watch(Future<?> timer) {
        timers.add(timer);
        if (isDone()) {
            timer.cancel(false);
        }
    }

    @Override
    protected void done() {
        timers.forEach(timer -> timer.cancel(false));
        told.accept(answer());
    }

    private Probe answer() {
        try {
            return get();
        } catch (CancellationException e) {
            LOG.warn("the probe of tool {} did not answer in time", tool.name());
        } catch (ExecutionException e) {
            LOG.warn("the probe of tool {} failed", tool.name(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Probe.unknown();
    }
}

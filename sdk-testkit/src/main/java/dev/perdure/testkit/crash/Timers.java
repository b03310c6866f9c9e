package dev.perdure.testkit.crash;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does things later, on one thread. Thread-safe. */
final class Timers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Timers.class);

    private final ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1);

    void after(long millis, Runnable work) {
        ScheduledFuture<?> unused = thread.schedule(() -> run(work), millis, TimeUnit.MILLISECONDS);
    }

    private static void run(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            LOG.warn("a child was not hit as planned", e);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}

package dev.perdure.testkit;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Interruption;
import dev.perdure.spi.CallScope;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Waits on behalf of one call: no longer than its time, and not beyond its interruption. Confined. */
final class Pause implements AutoCloseable {
    private final CallScope scope;
    private final long startedAt = System.nanoTime();
    private final CountDownLatch interrupted = new CountDownLatch(1);
    private final Interruption.Registration registration;

    Pause(CallScope scope) {
        this.scope = scope;
        this.registration = scope.interruption().onRequest(interrupted::countDown);
    }

    /** @throws ModelException when interrupted, or when the time is over before the pause is */
    void of(Duration pause) {
        if (pause.isZero()) {
            check();
            return;
        }
        long left = scope.timeout().toNanos() - (System.nanoTime() - startedAt);
        try {
            boolean stop = interrupted.await(Math.min(left, pause.toNanos()), TimeUnit.NANOSECONDS);
            if (!stop && left < pause.toNanos()) {
                throw ModelException.of(Kind.TIMEOUT, "no whole reply within the total of " + scope.timeout());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        check();
    }

    /** @throws ModelException when interrupted */
    void check() {
        if (scope.interruption().requested()) {
            throw ModelException.of(
                    Kind.INTERRUPTED,
                    "the model call was interrupted: " + scope.interruption().reason());
        }
        if (Thread.currentThread().isInterrupted()) {
            throw ModelException.of(Kind.INTERRUPTED, "the model call was interrupted: its thread was");
        }
    }

    @Override
    public void close() {
        registration.close();
    }
}

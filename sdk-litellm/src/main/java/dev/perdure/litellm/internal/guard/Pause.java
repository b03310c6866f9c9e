package dev.perdure.litellm.internal.guard;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Interruption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Waits on the caller's thread. */
public final class Pause {
    private Pause() {}

    /** @throws ModelException of kind INTERRUPTED as soon as the interruption is requested or the thread is interrupted, which stays marked */
    public static void sleep(Duration time, Interruption interruption) {
        CountDownLatch stopped = new CountDownLatch(1);
        Interruption.Registration registered = interruption.onRequest(stopped::countDown);
        try {
            if (stopped.await(time.toNanos(), TimeUnit.NANOSECONDS)) {
                throw ModelException.of(Kind.INTERRUPTED, "the model call was interrupted: " + interruption.reason());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ModelException.of(Kind.INTERRUPTED, "the model call was interrupted: its thread was interrupted");
        } finally {
            registered.close();
        }
    }
}

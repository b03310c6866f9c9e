package dev.perdure.litellm.internal.governance;

import dev.perdure.session.Interruption;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Work on the caller's thread that a request of an {@link Interruption} ends, as an interrupt of the thread would. */
public final class Interruptible {
    private final Thread worker = Thread.currentThread();
    private final ReentrantLock lock = new ReentrantLock();
    private boolean over;
    private boolean interrupted;

    private Interruptible() {}

    /** Leaves the thread marked as interrupted only when somebody else has interrupted it. */
    public static <T> T run(Interruption interruption, Supplier<T> work) {
        Interruptible running = new Interruptible();
        Interruption.Registration registration = interruption.onRequest(running::interrupt);
        try {
            return work.get();
        } finally {
            registration.close();
            running.end();
        }
    }

    private void interrupt() {
        lock.lock();
        try {
            if (!over) {
                interrupted = true;
                worker.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            over = true;
            if (interrupted) {
                Thread.interrupted();
            }
        } finally {
            lock.unlock();
        }
    }
}

package dev.perdure.session;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells work in progress that it should stop: a turn was interrupted, a lease was lost, a time ran out. Thread-safe; requested
 * at most once, never taken back.
 */
public final class Interruption {
    private static final Logger LOG = LoggerFactory.getLogger(Interruption.class);
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Runnable> actions = new ArrayList<>();
    private volatile @Nullable String reason;

    /** One that nobody requests. */
    public static Interruption never() {
        return new Interruption();
    }

    public boolean requested() {
        return reason != null;
    }

    /** Why; empty until requested. */
    public String reason() {
        String why = reason;
        return why == null ? "" : why;
    }

    /**
     * Requests it and runs the registered actions on this thread. A repeat does nothing. What an action throws is logged and does
     * not keep the others from running.
     */
    public void request(String why) {
        List<Runnable> toRun;
        lock.lock();
        try {
            if (reason != null) {
                return;
            }
            reason = why;
            toRun = List.copyOf(actions);
            actions.clear();
        } finally {
            lock.unlock();
        }
        toRun.forEach(Interruption::run);
    }

    private static void run(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            // Of every kind: whoever requests this has other sessions to look after.
            LOG.warn("what was registered for an interruption failed", e);
        }
    }

    /**
     * Runs {@code action} once when this is requested, at once on the caller's thread if it already was. The action must be
     * short and must not block.
     *
     * @return takes the registration back; does nothing when the action has run
     */
    public Registration onRequest(Runnable action) {
        lock.lock();
        try {
            if (reason == null) {
                actions.add(action);
                return () -> remove(action);
            }
        } finally {
            lock.unlock();
        }
        action.run();
        return () -> {};
    }

    private void remove(Runnable action) {
        lock.lock();
        try {
            actions.remove(action);
        } finally {
            lock.unlock();
        }
    }

    /** A registered action. */
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }
}

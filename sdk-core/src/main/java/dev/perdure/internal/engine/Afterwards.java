package dev.perdure.internal.engine;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is owed to a session when its run is over: results that came late, and a look whether the store still has what it acknowledged. Done at once if the store
 * answers, else again and again beside everything until it does. Thread-safe.
 */
final class Afterwards {
    private static final Logger LOG = LoggerFactory.getLogger(Afterwards.class);
    private static final long FIRST = 50;
    private static final long LONGEST = 2_000;
    /** A store that is away for longer is not waited for. */
    private static final Duration PATIENCE = Duration.ofHours(1);

    private final SessionId session;
    private final Executor beside;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Duty> duties = new ArrayList<>();
    private boolean working;

    private record Duty(String what, Runnable work, long sinceNanos) {}

    /** @param beside runs what has to wait */
    Afterwards(SessionId session, Executor beside) {
        this.session = session;
        this.beside = beside;
    }

    /**
     * @param what it is, for the log
     * @param work that may be repeated; throws {@link StoreException} when it has to be
     */
    void owe(String what, Runnable work) {
        Duty duty = new Duty(what, work, System.nanoTime());
        if (!done(duty) && isFirst(duty)) {
            LOG.warn("{}: the store does not answer; {} waits for it", session, what);
            beside.execute(this::keepTrying);
        }
    }

    /** Whether nobody tries yet. */
    private boolean isFirst(Duty duty) {
        lock.lock();
        try {
            duties.add(duty);
            boolean first = !working;
            working = true;
            return first;
        } finally {
            lock.unlock();
        }
    }

    private boolean done(Duty duty) {
        try {
            duty.work().run();
            return true;
        } catch (StoreException e) {
            boolean over = System.nanoTime() - duty.sinceNanos() > PATIENCE.toNanos();
            if (over) {
                LOG.error("{}: {} is given up", session, duty.what(), e);
            } else {
                LOG.debug("{}: {} has to wait: {}", session, duty.what(), e.getMessage());
            }
            return over;
        } catch (Throwable e) {
            // Of every kind: what is owed after this must not wait for ever.
            LOG.warn("{}: {} failed", session, duty.what(), e);
            return true;
        }
    }

    private void keepTrying() {
        long pause = FIRST;
        do {
            try {
                Thread.sleep(Patience.jitter(pause));
            } catch (InterruptedException e) {
                // Nobody has a reason to stop this: it ends by itself.
                LOG.debug("{}: interrupted while waiting for the store", session);
            }
            pause = Math.min(pause * 2, LONGEST);
        } while (isLeft(open().stream().filter(this::done).toList()));
    }

    private List<Duty> open() {
        lock.lock();
        try {
            return List.copyOf(duties);
        } finally {
            lock.unlock();
        }
    }

    /** Whether more is to be done than this. */
    private boolean isLeft(List<Duty> done) {
        lock.lock();
        try {
            duties.removeAll(done);
            working = !duties.isEmpty();
            return working;
        } finally {
            lock.unlock();
        }
    }
}

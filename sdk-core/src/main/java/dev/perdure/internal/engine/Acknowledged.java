package dev.perdure.internal.engine;

import dev.perdure.session.Event;
import dev.perdure.session.Position;
import dev.perdure.session.SessionView;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** How far the logs of the sessions go that this process ran last, so that a store that has lost the end of one is found out. Thread-safe. */
final class Acknowledged {
    private static final int MOST = 10_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Long, Position> ends = new Newest<>();
    /** Number of the last event that was found to be lost, by session. */
    private final Map<Long, Long> lost = new Newest<>();

    /** The newest entries, so that a process that runs for months does not grow. */
    private static final class Newest<V> extends LinkedHashMap<Long, V> {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, V> eldest) {
            return size() > MOST;
        }
    }

    /** Whether nobody of this process has said so before. */
    boolean isNews(long session, long lostEvent) {
        lock.lock();
        try {
            Long before = lost.put(session, lostEvent);
            return before == null || before != lostEvent;
        } finally {
            lock.unlock();
        }
    }

    void put(long session, Position end) {
        lock.lock();
        try {
            ends.remove(session);
            ends.put(session, end);
        } finally {
            lock.unlock();
        }
    }

    /** {@link Position#START} when nothing is known. */
    Position of(long session) {
        lock.lock();
        try {
            return ends.getOrDefault(session, Position.START);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the log says itself that it was without event {@code seq}. */
    static boolean isKnownToBeLost(SessionView log, long seq) {
        return log.events().stream()
                .anyMatch(recorded -> recorded.event() instanceof Event.StoreRegressed loss
                        && loss.found() < seq
                        && seq <= loss.acknowledged());
    }
}

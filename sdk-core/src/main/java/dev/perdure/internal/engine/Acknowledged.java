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
    private final Map<Long, Position> ends = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Position> eldest) {
            return size() > MOST;
        }
    };

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

    /** Whether the log has this event, or says itself that it was lost. */
    static boolean isIn(SessionView log, Position end) {
        if (end.equals(Position.START)) {
            return true;
        }
        // Only this one is looked at: those before a snapshot have to be read.
        boolean there = end.seq() <= log.position().seq()
                && log.events().get((int) end.seq() - 1).id().equals(end.event());
        return there || isKnownToBeLost(log, end.seq());
    }

    /** Whether the log says itself that it was without event {@code seq}. */
    static boolean isKnownToBeLost(SessionView log, long seq) {
        return log.events().stream()
                .anyMatch(recorded -> recorded.event() instanceof Event.StoreRegressed loss
                        && loss.found() < seq
                        && seq <= loss.acknowledged());
    }
}

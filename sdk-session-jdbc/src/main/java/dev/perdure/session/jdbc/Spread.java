package dev.perdure.session.jdbc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How far from the head of a backlog workers look for sessions, so that those that look at the same moment do not go for the same ones: farther when others were
 * quicker, and back to the head when they were not. Thread-safe.
 */
final class Spread {
    private static final int MOST = 16;

    private final AtomicInteger pages = new AtomicInteger(1);

    /** How many candidates to look at for so many to take. */
    int window(int wanted) {
        return (int) Math.min(Integer.MAX_VALUE, (long) wanted * pages.get());
    }

    /** So many of the candidates by chance, in their order. */
    static <T> List<T> some(List<T> candidates, int wanted) {
        if (candidates.size() <= wanted) {
            return candidates;
        }
        List<T> chosen = new ArrayList<>();
        int left = candidates.size();
        for (T candidate : candidates) {
            if (ThreadLocalRandom.current().nextInt(left) < wanted - chosen.size()) {
                chosen.add(candidate);
            }
            left--;
        }
        return chosen;
    }

    /** What came of it. */
    void taken(int taken, int tried) {
        if (2 * taken < tried) {
            pages.updateAndGet(now -> Math.min(MOST, 2 * now));
        } else if (taken == tried) {
            pages.updateAndGet(now -> Math.max(1, now / 2));
        }
    }
}

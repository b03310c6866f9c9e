package dev.perdure.testkit.crash;

import java.util.List;
import java.util.Random;

/**
 * How one life of a child goes on: it is hit at a point.
 *
 * @param nth time that it comes there, from 1
 * @param afterMillis how long it lives at most once it runs; after a pause, how long it goes on
 * @param pauseMillis how long it is paused; 0 to kill
 */
record Plan(CrashPoint point, int nth, long afterMillis, long pauseMillis) {
    private static final long SHORTEST = 100;

    static Plan random(Random random, List<CrashPoint> points, double pauses, long leaseMillis) {
        CrashPoint point = points.get(random.nextInt(points.size()));
        boolean pause = random.nextDouble() < pauses;
        long after = SHORTEST + random.nextInt(700);
        // Longer than a lease, or the store would have nothing to refuse.
        long length = leaseMillis + 50 + random.nextInt((int) Math.max(1, leaseMillis / 2));
        return new Plan(point, 1 + random.nextInt(most(point)), after, pause ? length : 0);
    }

    /** How often a child comes to a point in a short life. */
    private static int most(CrashPoint point) {
        return switch (point) {
            case BEFORE_APPEND, AFTER_APPEND, BEFORE_EFFECT, AFTER_EFFECT, IN_MODEL_CALL -> 12;
            case BEFORE_POST_AND_CLAIM, AFTER_POST_AND_CLAIM, BEFORE_RELEASE, AFTER_RELEASE -> 6;
            case BEFORE_CLAIM, AFTER_CLAIM -> 2;
            default -> 1;
        };
    }

    boolean pauses() {
        return pauseMillis > 0;
    }

    String text() {
        return point + ":" + nth + ":" + afterMillis + ":" + pauseMillis;
    }

    static Plan parse(String text) {
        String[] parts = text.split(":", -1);
        return new Plan(
                CrashPoint.valueOf(parts[0]),
                Integer.parseInt(parts[1]),
                Long.parseLong(parts[2]),
                Long.parseLong(parts[3]));
    }
}

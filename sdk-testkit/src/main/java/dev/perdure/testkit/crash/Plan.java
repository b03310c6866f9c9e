package dev.perdure.testkit.crash;

import java.util.List;
import java.util.Random;

/**
 * How one life of a child goes on: it is hit at a point.
 *
 * @param nth time that it comes there, from 1
 * @param afterPercent how long it lives at most once it runs, in parts of the time that it took to start, so that on a slow machine it comes as
 *     far as on a quick one; after a pause, how long it goes on; 0 for ever
 * @param pauseMillis how long it is paused; 0 to kill
 */
record Plan(CrashPoint point, int nth, long afterPercent, long pauseMillis) {
    static Plan random(Random random, List<CrashPoint> points, double pauses, long leaseMillis) {
        CrashPoint point = points.get(random.nextInt(points.size()));
        boolean pause = random.nextDouble() < pauses;
        long after = 10L + random.nextInt(60);
        // Longer than a lease, or the store would have nothing to refuse.
        long length = leaseMillis + 50 + random.nextInt((int) Math.max(1, leaseMillis / 2));
        return new Plan(point, 1 + random.nextInt(most(point)), after, pause ? length : 0);
    }

    /** How often a child comes to a point in a short life. */
    private static int most(CrashPoint point) {
        return switch (point) {
            case BEFORE_APPEND, AFTER_APPEND, BEFORE_EFFECT, AFTER_EFFECT, IN_MODEL_CALL -> 5;
            case BEFORE_POST_AND_CLAIM, AFTER_POST_AND_CLAIM, BEFORE_RELEASE, AFTER_RELEASE -> 3;
            case BEFORE_CLAIM, AFTER_CLAIM -> 2;
            default -> 1;
        };
    }

    boolean pauses() {
        return pauseMillis > 0;
    }

    /** At a named point it is hit by the clock only when it does not come there for long. */
    long percent() {
        return point == CrashPoint.ANYWHERE || afterPercent == 0 ? afterPercent : 100 + 20 * afterPercent;
    }

    String text() {
        return point + ":" + nth + ":" + afterPercent + ":" + pauseMillis;
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

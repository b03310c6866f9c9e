package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.Settings;
import java.time.Duration;
import java.util.Objects;

/**
 * How a client keeps from making things worse: for its gateway, and for its own process. Immutable; each method gives a changed copy.
 *
 * <p>What it holds back was never sent: the failure is retryable, says so, and costs nothing. Inside of a session the engine waits and tries again.
 */
public final class Protection {
    /**
     * After half of the last 20 calls, and at least 10, found no gateway, none are sent for 10 seconds, then three to try. A key is not sent more requests in a minute than the
     * gateway tells that it may have, and its requests to wait are obeyed. Calls in flight have no limit.
     */
    public static final Protection STANDARD =
            new Protection(50, Duration.ofSeconds(10), Integer.MAX_VALUE, Duration.ZERO, true);

    /** Sends everything. */
    public static final Protection NONE = new Protection(0, Duration.ZERO, Integer.MAX_VALUE, Duration.ZERO, false);

    private final int failurePercent;
    private final Duration open;
    private final int inFlight;
    private final Duration longestWait;
    private final boolean keepsLimits;

    private Protection(int failurePercent, Duration open, int inFlight, Duration longestWait, boolean keepsLimits) {
        this.failurePercent = failurePercent;
        this.open = open;
        this.inFlight = inFlight;
        this.longestWait = longestWait;
        this.keepsLimits = keepsLimits;
    }

    /**
     * Circuit breaker. Counted are calls that found no gateway or no word of one; what a gateway answers, a provider's failures included, shows that it lives.
     *
     * @param percent of the last 20 calls, 1 to 100
     * @param pause without calls then, at least a millisecond
     */
    public Protection breaker(int percent, Duration pause) {
        if (percent < 1 || percent > 100) {
            throw new IllegalArgumentException("percent is 1 to 100, but this is " + percent);
        }
        if (pause.compareTo(Duration.ofMillis(1)) < 0) {
            throw new IllegalArgumentException("pause is at least a millisecond, but this is " + pause);
        }
        return new Protection(percent, Settings.atMost(pause), inFlight, longestWait, keepsLimits);
    }

    /**
     * Bulkhead: most calls in flight at a time, of all copies of the client.
     *
     * @param most at least 1
     * @param wait of one more call for a place, zero for none; it ends with the call's own time
     */
    public Protection inFlight(int most, Duration wait) {
        if (most < 1) {
            throw new IllegalArgumentException("calls in flight are at least 1, but these are " + most);
        }
        if (Objects.requireNonNull(wait, "wait").isNegative()) {
            throw new IllegalArgumentException("wait is not negative, but this is " + wait);
        }
        return new Protection(failurePercent, open, most, Settings.atMost(wait), keepsLimits);
    }

    /**
     * Whether a key's requests in a minute, as the gateway tells them, are kept here already: rejected calls count against some limits. A call beyond them waits for its turn, at
     * most a minute, as long as its own time allows, and is refused at once when that is shorter. The gateway's minutes begin at other moments than those here: now and then
     * it refuses all the same.
     */
    public Protection keepsLimits(boolean on) {
        return new Protection(failurePercent, open, inFlight, longestWait, on);
    }

    int failurePercent() {
        return failurePercent;
    }

    Duration open() {
        return open;
    }

    int mostInFlight() {
        return inFlight;
    }

    Duration longestWait() {
        return longestWait;
    }

    boolean keepsLimits() {
        return keepsLimits;
    }

    @Override
    public String toString() {
        return "Protection[failurePercent=" + failurePercent + ", open=" + open + ", inFlight="
                + (inFlight == Integer.MAX_VALUE ? "unlimited" : String.valueOf(inFlight)) + ", longestWait="
                + longestWait + ", keepsLimits=" + keepsLimits + "]";
    }
}

package dev.perdure.litellm.internal.http;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import okhttp3.Headers;

/** How far one call has come, and the times it may take. Confined to the caller's thread. */
public final class CallWatch {
    public enum Phase {
        CONNECTING,
        WAITING,
        RECEIVING
    }

    private static final Duration LONGEST = Duration.ofDays(365);

    public final Duration connect;
    public final Duration firstByte;
    public final Duration chunk;
    public final Duration total;
    public final boolean streamed;
    private final long startedAt = System.nanoTime();
    private Phase phase = Phase.CONNECTING;
    private Runnable connected = () -> {};
    /** Of the answer, while the answer itself goes without. */
    Headers answered = Headers.EMPTY;

    public CallWatch(Settings settings, Duration scopeTimeout, boolean streamed) {
        this.connect = settings.connectTimeout;
        this.firstByte = settings.firstByteTimeout;
        this.chunk = settings.chunkTimeout;
        this.total = scopeTimeout.compareTo(settings.totalTimeout) < 0 ? scopeTimeout : settings.totalTimeout;
        this.streamed = streamed;
    }

    public Phase phase() {
        return phase;
    }

    public void enter(Phase next) {
        phase = next;
        if (next == Phase.WAITING) {
            connected.run();
        }
    }

    /** @param action runs when the request goes out on a connection that stands */
    public void whenConnected(Runnable action) {
        connected = action;
    }

    public boolean totalIsOver() {
        return elapsed().compareTo(total) >= 0;
    }

    /** Milliseconds a read may block while nothing has come yet; 0 for as long as the total lasts. */
    public int firstByteMillis() {
        return streamed ? millis(firstByte) : 0;
    }

    /** What is left of the time for the first byte, at least a millisecond. */
    public long firstByteLeftMillis() {
        return Math.max(1, firstByteMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startedAt));
    }

    public Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - startedAt);
    }

    /** For OkHttp's timer of the whole call; not rounded down, so that the time is over when the timer says so. */
    public long totalNanos() {
        return total.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : total.toNanos();
    }

    /** At least 1, as 0 would be "no limit". */
    public static int millis(Duration timeout) {
        return (int) Math.max(1, Math.min(Integer.MAX_VALUE, timeout.toMillis()));
    }
}

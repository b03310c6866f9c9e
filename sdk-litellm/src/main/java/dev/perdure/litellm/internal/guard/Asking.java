package dev.perdure.litellm.internal.guard;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/** Repeats a call that failed for now, for an application that calls by itself; inside of a session the engine does that. */
public final class Asking {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(20);
    private static final long FIRST_PAUSE_MILLIS = 500;
    private static final long LONGEST_OWN_MILLIS = 8_000;

    private Asking() {}

    /**
     * @param call makes one attempt
     * @param retries most attempts after the first; each has a call id of its own
     */
    public static ModelReply ask(CallContext context, int retries, Function<CallContext, ModelReply> call) {
        long end = System.nanoTime() + context.timeout().toNanos();
        Delivered delivered = new Delivered(context.deltas());
        CallContext attempt = context.withDeltas(delivered);
        for (int n = 1; ; n++) {
            try {
                return call.apply(attempt);
            } catch (ModelException e) {
                Duration pause = pause(n, e);
                Duration left = Duration.ofNanos(end - System.nanoTime());
                boolean again = e.retryable()
                        && n <= retries
                        && !delivered.any()
                        && pause.compareTo(LONGEST_PAUSE) <= 0
                        && pause.compareTo(left) < 0;
                if (!again) {
                    throw e;
                }
                Pause.sleep(pause, context.interruption());
                attempt = attempt.within(requireTime(end, e))
                        .withCallId(UUID.randomUUID().toString());
            }
        }
    }

    private static Duration requireTime(long end, ModelException last) {
        Duration left = Duration.ofNanos(end - System.nanoTime());
        if (left.isNegative() || left.isZero()) {
            throw ModelException.builder(
                            Kind.TIMEOUT, "no reply within the call's time; the last failure: " + last.getMessage())
                    .cause(last)
                    .build();
        }
        return left;
    }

    private static Duration pause(int attempt, ModelException e) {
        long most = Math.min(LONGEST_OWN_MILLIS, FIRST_PAUSE_MILLIS << (attempt - 1));
        Duration own = Duration.ofMillis(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
        Duration wanted = e.findRetryAfter().orElse(Duration.ZERO);
        return wanted.compareTo(own) > 0 ? wanted : own;
    }
}

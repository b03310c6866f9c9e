package dev.perdure.litellm.internal.guard;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Keeps calls back that would do harm. One for all copies of a client; thread-safe, without locks of its own. */
public final class Guard {
    private static final int WINDOW = 20;
    private static final int LEAST = 10;
    private static final int TRIALS = 3;
    private static final Duration LOOK = Duration.ofMillis(10);

    private final String gateway;
    private final @Nullable CircuitBreaker breaker;
    private final @Nullable Bulkhead bulkhead;
    private final @Nullable KeyLimits limits;
    private final Duration open;
    private final Duration longestWait;

    /**
     * @param failurePercent 0 for no breaker
     * @param inFlight {@link Integer#MAX_VALUE} for no bulkhead
     */
    public Guard(
            String gateway,
            int failurePercent,
            Duration open,
            int inFlight,
            Duration longestWait,
            boolean keepsLimits) {
        this.gateway = gateway;
        this.open = open;
        this.longestWait = longestWait;
        breaker = failurePercent == 0
                ? null
                : CircuitBreaker.of(
                        "gateway",
                        CircuitBreakerConfig.custom()
                                .failureRateThreshold(failurePercent)
                                .slidingWindow(WINDOW, LEAST, CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                                .permittedNumberOfCallsInHalfOpenState(TRIALS)
                                .waitDurationInOpenState(open)
                                .build());
        bulkhead = inFlight == Integer.MAX_VALUE
                ? null
                : Bulkhead.of(
                        "gateway",
                        BulkheadConfig.custom()
                                .maxConcurrentCalls(inFlight)
                                .maxWaitDuration(Duration.ZERO)
                                .build());
        limits = keepsLimits ? new KeyLimits(gateway) : null;
    }

    /** Makes the call, within what is left of its time. */
    @FunctionalInterface
    public interface Attempt {
        ModelReply make(CallContext context, Signs signs);
    }

    /** What is seen of the gateway while a call is on. Confined to the call's thread. */
    public static final class Signs {
        private final @Nullable CircuitBreaker trial;
        private boolean told;
        private boolean outOfTime;

        private Signs(@Nullable CircuitBreaker trial) {
            this.trial = trial;
        }

        /**
         * The request goes out on a connection that stands. For a trial of the breaker that is enough, as its reply may take minutes, and all other calls wait for the
         * verdict; a gateway that does not answer after all opens it again.
         */
        public void connected() {
            if (trial != null && !told) {
                told = true;
                trial.onSuccess(0, TimeUnit.NANOSECONDS);
            }
        }

        /** The call's own time was over: no word against the gateway. */
        public void outOfTime() {
            outOfTime = true;
        }
    }

    /**
     * All waits together take no longer than the call may.
     *
     * @param key the gateway's name of the key; empty without one
     */
    public ModelReply run(String key, CallContext context, Attempt call) {
        long end = System.nanoTime() + context.timeout().toNanos();
        enterBulkhead(context);
        try {
            return throughBreaker(key, context, end, call);
        } finally {
            if (bulkhead != null) {
                bulkhead.onComplete();
            }
        }
    }

    /** Looks for a place now and then, so that an interruption and the end of the call's time end the wait. */
    private void enterBulkhead(CallContext context) {
        if (bulkhead == null) {
            return;
        }
        Duration most = longestWait.compareTo(context.timeout()) < 0 ? longestWait : context.timeout();
        long end = System.nanoTime() + most.toNanos();
        while (!bulkhead.tryAcquirePermission()) {
            Duration left = Duration.ofNanos(end - System.nanoTime());
            if (left.isNegative() || left.isZero()) {
                throw ModelException.of(
                        Kind.RATE_LIMIT,
                        "not sent: " + bulkhead.getBulkheadConfig().getMaxConcurrentCalls() + " calls to " + gateway
                                + " are in flight in this process already (Protection.inFlight)");
            }
            Pause.sleep(left.compareTo(LOOK) < 0 ? left : LOOK, context.interruption());
        }
    }

    private ModelReply throughBreaker(String key, CallContext context, long end, Attempt call) {
        if (breaker != null && !breaker.tryAcquirePermission()) {
            throw ModelException.builder(
                            Kind.UNAVAILABLE,
                            "not sent: " + gateway + " did not answer the last calls (Protection.breaker)")
                    .retryAfter(open)
                    .build();
        }
        boolean trial = breaker != null && breaker.getState() == CircuitBreaker.State.HALF_OPEN;
        Signs signs = new Signs(trial ? breaker : null);
        ModelReply reply;
        try {
            if (limits != null) {
                limits.await(key, within(context, end));
            }
            reply = call.make(within(context, end), signs);
        } catch (ModelException e) {
            record(e, signs);
            if (limits != null) {
                limits.learn(key, e);
            }
            throw e;
        } catch (RuntimeException | Error e) {
            if (breaker != null && !signs.told) {
                breaker.releasePermission();
            }
            throw e;
        }
        if (breaker != null && !signs.told) {
            breaker.onSuccess(0, TimeUnit.NANOSECONDS);
        }
        if (limits != null) {
            limits.learn(key, reply);
        }
        return reply;
    }

    /** With what is left of its time; the same when nothing was waited for, so that messages name the time that somebody chose. */
    private static CallContext within(CallContext context, long end) {
        Duration left = Duration.ofNanos(Math.max(1, end - System.nanoTime()));
        return context.timeout().minus(left).compareTo(LOOK) < 0 ? context : context.within(left);
    }

    /** Durations are not told: a slow model is no sign of a bad gateway. */
    private void record(ModelException e, Signs signs) {
        if (breaker == null) {
            return;
        }
        if (noGateway(e) && !signs.outOfTime) {
            breaker.onError(0, TimeUnit.NANOSECONDS, e);
        } else if (signs.told) {
            return;
        } else if (e.kind() == Kind.INTERRUPTED
                || signs.outOfTime
                || e.findStatus().isEmpty()) {
            breaker.releasePermission();
        } else {
            breaker.onSuccess(0, TimeUnit.NANOSECONDS);
        }
    }

    /** Whether no gateway was found, or what answered was none: a gateway names the call in its answers, even where its provider failed. */
    public static boolean noGateway(ModelException e) {
        return switch (e.kind()) {
            case UNAVAILABLE, TIMEOUT ->
                e.findGatewayCallId().isEmpty()
                        && e.findStatus().filter(status -> status < 500).isEmpty();
            default -> false;
        };
    }
}

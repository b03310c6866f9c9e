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
import java.util.function.Supplier;
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

    /** @param key the gateway's name of the key; empty without one */
    public ModelReply run(String key, CallContext context, Supplier<ModelReply> call) {
        if (limits != null) {
            limits.await(key, context);
        }
        enterBulkhead(context);
        try {
            return throughBreaker(key, call);
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

    private ModelReply throughBreaker(String key, Supplier<ModelReply> call) {
        if (breaker != null && !breaker.tryAcquirePermission()) {
            throw ModelException.builder(
                            Kind.UNAVAILABLE,
                            "not sent: " + gateway + " did not answer the last calls (Protection.breaker)")
                    .retryAfter(open)
                    .build();
        }
        long started = System.nanoTime();
        try {
            ModelReply reply = call.get();
            succeeded(started);
            if (limits != null) {
                limits.learn(key, reply);
            }
            return reply;
        } catch (ModelException e) {
            failed(e, started);
            if (limits != null) {
                limits.learn(key, e);
            }
            throw e;
        } catch (RuntimeException | Error e) {
            if (breaker != null) {
                breaker.releasePermission();
            }
            throw e;
        }
    }

    private void succeeded(long started) {
        if (breaker != null) {
            breaker.onSuccess(System.nanoTime() - started, TimeUnit.NANOSECONDS);
        }
    }

    private void failed(ModelException e, long started) {
        if (breaker == null) {
            return;
        }
        if (noGateway(e)) {
            breaker.onError(System.nanoTime() - started, TimeUnit.NANOSECONDS, e);
        } else if (e.kind() == Kind.INTERRUPTED) {
            breaker.releasePermission();
        } else {
            succeeded(started);
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

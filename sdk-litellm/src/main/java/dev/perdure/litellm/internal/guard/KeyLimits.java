package dev.perdure.litellm.internal.guard;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Json;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.ratelimiter.internal.AtomicRateLimiter;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway allows each key in a minute, kept here already: some of its counters count the calls that it refuses, too. Learned from headers and refusals, as
 * nobody tells it else; other processes with the same key are not seen.
 */
final class KeyLimits {
    private static final Duration WINDOW = Duration.ofMinutes(1);
    /** Keys of sessions come and go. Forgotten limits are learned again. */
    private static final int MOST_KEYS = 1_000;

    private final String gateway;
    private final Map<String, Limit> limits = new ConcurrentHashMap<>();

    KeyLimits(String gateway) {
        this.gateway = gateway;
    }

    /** Of one key. */
    private static final class Limit {
        volatile @Nullable AtomicRateLimiter requests;
        volatile long closedUntil = System.nanoTime();
    }

    /**
     * Waits until one more call is allowed, or refuses it when that is later than the call's own end. A call that is refused takes nothing from the next minute: it is not
     * booked before its turn.
     */
    void await(String key, CallContext context) {
        Limit limit = limits.get(key);
        if (limit == null) {
            return;
        }
        long end = System.nanoTime() + context.timeout().toNanos();
        for (Duration wait = wait(limit); !wait.isZero(); wait = wait(limit)) {
            requireTime(wait, Duration.ofNanos(end - System.nanoTime()));
            Pause.sleep(wait, context.interruption());
        }
    }

    /** How long one more call has to wait; when zero, it has got its place. */
    private static Duration wait(Limit limit) {
        long closed = limit.closedUntil - System.nanoTime();
        if (closed > 0) {
            return Duration.ofNanos(closed);
        }
        AtomicRateLimiter requests = limit.requests;
        return requests == null || requests.acquirePermission(1)
                ? Duration.ZERO
                : Duration.ofNanos(
                        Math.max(1_000_000, requests.getDetailedMetrics().getNanosToWait()));
    }

    private void requireTime(Duration wait, Duration left) {
        if (wait.compareTo(left) >= 0) {
            throw ModelException.builder(
                            Kind.RATE_LIMIT,
                            "not sent: " + gateway + " allows this key no more calls for "
                                    + (wait.toMillis() + 999) / 1000
                                    + " s, longer than this call may take (Protection.keepsLimits)")
                    .retryAfter(wait)
                    .build();
        }
    }

    void learn(String key, ModelReply reply) {
        Json gateway = reply.details().find("gateway").orElse(Json.EMPTY);
        Json told = gateway.find("limits").orElse(Json.EMPTY);
        Numbers.findDecimal(told, "api_key-limit-requests")
                .or(() -> Numbers.findDecimal(gateway, "keyRpm"))
                .filter(most ->
                        most.compareTo(BigDecimal.ONE) >= 0 && most.compareTo(BigDecimal.valueOf(1_000_000)) < 0)
                .ifPresent(most -> allow(
                        key,
                        most.intValue(),
                        Numbers.findDecimal(told, "api_key-remaining-requests")
                                .map(BigDecimal::intValue)
                                .orElse(most.intValue() - 1)));
    }

    private void allow(String key, int most, int left) {
        Limit limit = limit(key);
        AtomicRateLimiter known = limit.requests;
        if (known != null && known.getRateLimiterConfig().getLimitForPeriod() == most) {
            return;
        }
        AtomicRateLimiter fresh = new AtomicRateLimiter(
                "key",
                RateLimiterConfig.custom()
                        .limitForPeriod(most)
                        .limitRefreshPeriod(WINDOW)
                        .timeoutDuration(Duration.ZERO)
                        .build());
        int used = Math.min(most, most - left);
        if (used > 0) {
            fresh.acquirePermission(used);
        }
        limit.requests = fresh;
    }

    /** The gateway's own window, of which it says only the whole length. One too many in parallel, too many tokens, or the limit of an end user or a model is no reason for other calls to wait. */
    void learn(String key, ModelException refusal) {
        boolean ofWindow = refusal.kind() == Kind.RATE_LIMIT
                && refusal.findSpent()
                        .filter(spent ->
                                spent.scope().equals("api_key") && spent.unit().equals("requests"))
                        .isPresent();
        if (ofWindow) {
            Duration asked = refusal.findRetryAfter().orElse(WINDOW);
            Duration wait = asked.compareTo(WINDOW) < 0 ? asked : WINDOW;
            limit(key).closedUntil = System.nanoTime() + wait.toNanos();
        }
    }

    private Limit limit(String key) {
        if (limits.size() >= MOST_KEYS && !limits.containsKey(key)) {
            limits.clear();
        }
        return limits.computeIfAbsent(key, k -> new Limit());
    }
}

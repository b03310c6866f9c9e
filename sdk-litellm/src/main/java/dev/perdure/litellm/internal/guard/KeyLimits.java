package dev.perdure.litellm.internal.guard;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Json;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
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
        volatile @Nullable RateLimiter requests;
        volatile long closedUntil = System.nanoTime();
    }

    /** Waits until one more call is allowed, or refuses it when that is later than the call's own end. */
    void await(String key, CallContext context) {
        Limit limit = limits.get(key);
        if (limit == null) {
            return;
        }
        Duration closed = Duration.ofNanos(Math.max(0, limit.closedUntil - System.nanoTime()));
        requireTime(closed, context);
        RateLimiter requests = limit.requests;
        // It reserves nothing when the wait were longer than its timeout.
        Duration turn = requests == null ? Duration.ZERO : Duration.ofNanos(reserve(requests));
        Duration wait = closed.compareTo(turn) > 0 ? closed : turn;
        requireTime(wait, context);
        if (!wait.isZero()) {
            Pause.sleep(wait, context.interruption());
        }
    }

    private static long reserve(RateLimiter requests) {
        long nanos = requests.reservePermission();
        return nanos < 0 ? WINDOW.toNanos() : nanos;
    }

    private void requireTime(Duration wait, CallContext context) {
        if (wait.compareTo(context.timeout()) >= 0) {
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
        number(told, "api_key-limit-requests")
                .or(() -> number(gateway, "keyRpm"))
                .filter(most -> most.signum() > 0 && most.compareTo(BigDecimal.valueOf(1_000_000)) < 0)
                .ifPresent(most -> allow(
                        key,
                        most.intValue(),
                        number(told, "api_key-remaining-requests")
                                .map(BigDecimal::intValue)
                                .orElse(most.intValue() - 1)));
    }

    private static java.util.Optional<BigDecimal> number(Json json, String name) {
        return json.find(name).map(value -> new BigDecimal(value.text()));
    }

    private void allow(String key, int most, int left) {
        Limit limit = limit(key);
        RateLimiter known = limit.requests;
        if (known != null && known.getRateLimiterConfig().getLimitForPeriod() == most) {
            return;
        }
        RateLimiter fresh = RateLimiter.of(
                "key",
                RateLimiterConfig.custom()
                        .limitForPeriod(most)
                        .limitRefreshPeriod(WINDOW)
                        .timeoutDuration(WINDOW)
                        .build());
        int used = Math.max(0, most - left);
        if (used > 0 && used <= most) {
            fresh.reservePermission(used);
        }
        limit.requests = fresh;
    }

    /** The gateway's own window, of which it says only the whole length. One too many in parallel, or too many tokens, is no reason for other calls to wait. */
    void learn(String key, ModelException refusal) {
        boolean ofWindow = refusal.kind() == Kind.RATE_LIMIT
                && refusal.findSpent()
                        .filter(spent -> spent.unit().equals("requests"))
                        .isPresent();
        if (ofWindow) {
            Duration wait = refusal.findRetryAfter().orElse(WINDOW);
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

package dev.perdure.testkit.internal.gateway;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The gateway's keys, in memory: budgets, fixed windows of a minute, blocks. Thread-safe. */
final class Keys {
    private final SecureRandom random = new SecureRandom();
    private final Map<String, VirtualKey> keys = new LinkedHashMap<>();
    private final Set<String> deleted = new HashSet<>();

    /** Makes a key, or takes over the one that is there. */
    synchronized VirtualKey generate(Map<String, @Nullable Object> fields, Instant now) {
        String value = fields.get("key") instanceof String own ? own : "sk-" + random(16);
        VirtualKey key = new VirtualKey(value, true, now);
        keys.put(value, key);
        deleted.remove(value);
        set(key, fields, now);
        return key;
    }

    synchronized void set(VirtualKey key, Map<String, @Nullable Object> fields, Instant now) {
        key.fields.putAll(fields);
        key.updated = now;
        if (fields.get("duration") instanceof String duration) {
            key.expires = now.plus(duration(duration));
        }
        if (fields.get("blocked") instanceof Boolean blocked) {
            key.blocked = blocked;
        }
        if (fields.get("spend") instanceof Number spend) {
            key.spend = spend.doubleValue();
        }
    }

    synchronized void block(VirtualKey key, boolean blocked, Instant now) {
        key.blocked = blocked;
        key.updated = now;
    }

    /** By itself or by its hash. */
    synchronized Optional<VirtualKey> find(String key) {
        VirtualKey found = keys.get(key);
        return found != null
                ? Optional.of(found)
                : keys.values().stream()
                        .filter(other -> Refusals.hash(other.value).equals(key))
                        .findFirst();
    }

    synchronized boolean aliasTaken(String alias) {
        return keys.values().stream().anyMatch(key -> key.text("key_alias").equals(alias));
    }

    synchronized boolean delete(String key) {
        Optional<VirtualKey> found = find(key);
        found.ifPresent(gone -> {
            keys.remove(gone.value);
            deleted.add(gone.value);
        });
        return found.isPresent();
    }

    /** One that was never heard of is let in unless keys are required; one that was deleted is not. */
    synchronized Optional<Refused> authenticate(String key, boolean required, Instant now) {
        if (required && key.isEmpty()) {
            return Optional.of(Refusals.noKey());
        }
        if (required && !key.startsWith("sk-")) {
            return Optional.of(Refusals.notAKey());
        }
        VirtualKey known = keys.get(key);
        if ((required && (known == null || !known.minted)) || deleted.contains(key)) {
            return Optional.of(Refusals.unknownKey(key));
        }
        if (known == null) {
            keys.put(key, new VirtualKey(key, false, now));
            return Optional.empty();
        }
        if (Boolean.TRUE.equals(known.blocked)) {
            return Optional.of(Refusals.blockedKey());
        }
        Instant expires = known.expires;
        return expires == null || now.isBefore(expires)
                ? Optional.empty()
                : Optional.of(Refusals.expiredKey(key, expires, now));
    }

    /** The key must have been {@linkplain #authenticate authenticated}. Counts the call when it is let in. */
    synchronized Optional<Refused> admit(Call call, Instant now) {
        VirtualKey key = get(call);
        List<String> models = key.models();
        if (!models.isEmpty() && !models.contains(call.model())) {
            return Optional.of(Refusals.modelDenied("key", models, call.model()));
        }
        Double budget = key.maxBudget();
        if (budget != null && key.spend >= budget) {
            return Optional.of(Refusals.keyBudget(key.value, Written.python(key.spend), Written.python(budget)));
        }
        Optional<Refused> refused = overLimit(key, "requests", key.limit("rpm_limit"), key.requests(now), 1, now)
                .or(() -> overLimit(
                        key, "max_parallel_requests", key.limit("max_parallel_requests"), key.running, 1, now))
                .or(() -> overLimit(key, "tokens", key.limit("tpm_limit"), key.tokens(now), call.maxTokens(), now));
        if (refused.isEmpty()) {
            key.count(now, 1, 0);
            key.running++;
        }
        return refused;
    }

    private static Optional<Refused> overLimit(
            VirtualKey key, String type, @Nullable Long limit, long used, long wanted, Instant now) {
        if (limit == null || (used + wanted <= limit && used < limit)) {
            return Optional.empty();
        }
        long remaining = Math.max(0, limit - used);
        return Optional.of(Refusals.rateLimit(key.value, type, limit, remaining, key.windowEnd(now)));
    }

    synchronized void ended(Call call) {
        get(call).running--;
    }

    /** Adds to what the key has spent; gives the sum. */
    synchronized void spend(Call call, double cost, long tokens, Instant now) {
        VirtualKey key = get(call);
        key.spend += cost;
        key.lastActive = now;
        key.updated = now;
        key.count(now, 0, tokens);
    }

    /** What an answer's headers tell of the key: its limits, its budget and what it has spent. */
    synchronized List<String> headers(Call call) {
        VirtualKey key = get(call);
        List<String> headers = new ArrayList<>();
        addLimit(headers, "x-litellm-key-tpm-limit: ", key.limit("tpm_limit"));
        addLimit(headers, "x-litellm-key-rpm-limit: ", key.limit("rpm_limit"));
        Double budget = key.maxBudget();
        if (budget != null) {
            headers.add("x-litellm-key-max-budget: " + Written.python(budget));
        }
        headers.add("x-litellm-key-spend: " + Written.python(key.spend));
        return headers;
    }

    /** What is left of the limits; a stream does not tell it. */
    synchronized List<String> remaining(Call call, Instant now) {
        VirtualKey key = get(call);
        List<String> headers = new ArrayList<>();
        addRemaining(headers, "requests", key.limit("rpm_limit"), key.requests(now));
        addRemaining(headers, "max_parallel_requests", key.limit("max_parallel_requests"), key.running);
        addRemaining(headers, "tokens", key.limit("tpm_limit"), key.tokens(now));
        return headers;
    }

    private static void addLimit(List<String> headers, String name, @Nullable Long limit) {
        if (limit != null) {
            headers.add(name + limit);
        }
    }

    private static void addRemaining(List<String> headers, String type, @Nullable Long limit, long used) {
        if (limit != null) {
            headers.add("x-ratelimit-api_key-remaining-" + type + ": " + Math.max(0, limit - used));
            headers.add("x-ratelimit-api_key-limit-" + type + ": " + limit);
        }
    }

    /** A key that was deleted while its call ran is counted on an entry of its own. */
    private VirtualKey get(Call call) {
        VirtualKey key = keys.get(call.key());
        return key != null ? key : new VirtualKey(call.key(), false, Instant.EPOCH);
    }

    /**
     * {@code 30s}, {@code 5m}, {@code 2h}, {@code 30d}.
     *
     * @throws IllegalArgumentException for anything else
     */
    static Duration duration(String text) {
        if (!text.matches("\\d{1,6}[smhd]")) {
            throw new IllegalArgumentException("no duration such as 30s, 5m, 2h or 30d: " + text);
        }
        return Duration.parse((text.endsWith("d") ? "P" : "PT") + text.toUpperCase(java.util.Locale.ROOT));
    }

    private String random(int bytes) {
        byte[] value = new byte[bytes];
        random.nextBytes(value);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(value);
    }
}

package dev.perdure.testkit.internal.gateway;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One key, what it may do and what it did. Guarded by its {@link Keys}. */
final class VirtualKey {
    static final Duration WINDOW = Duration.ofSeconds(60);

    final String value;
    /** What its maker said, by LiteLLM's names. */
    final Map<String, @Nullable Object> fields = new LinkedHashMap<>();

    /** Made by somebody, and not only seen. */
    final boolean minted;

    final Instant created;
    Instant updated;

    @Nullable
    Instant lastActive;

    @Nullable
    Instant expires;

    @Nullable
    Boolean blocked;

    double spend;

    private @Nullable Instant window;
    private long requests;
    private long tokens;
    long running;

    VirtualKey(String value, boolean minted, Instant now) {
        this.value = value;
        this.minted = minted;
        created = now;
        updated = now;
    }

    @Nullable
    Double maxBudget() {
        return fields.get("max_budget") instanceof Number number ? number.doubleValue() : null;
    }

    @Nullable
    Long limit(String name) {
        return fields.get(name) instanceof Number number ? number.longValue() : null;
    }

    List<String> models() {
        return fields.get("models") instanceof List<?> names
                ? names.stream().map(String::valueOf).toList()
                : List.of();
    }

    String text(String name) {
        return fields.get(name) instanceof String text ? text : "";
    }

    long requests(Instant now) {
        roll(now);
        return requests;
    }

    long tokens(Instant now) {
        roll(now);
        return tokens;
    }

    void count(Instant now, long moreRequests, long moreTokens) {
        roll(now);
        requests += moreRequests;
        tokens += moreTokens;
    }

    Instant windowEnd(Instant now) {
        return roll(now).plus(WINDOW);
    }

    /** Windows are fixed: one begins with the first call after the end of the one before. */
    private Instant roll(Instant now) {
        Instant begun = window;
        if (begun == null || !now.isBefore(begun.plus(WINDOW))) {
            begun = now;
            window = begun;
            requests = 0;
            tokens = 0;
        }
        return begun;
    }
}

package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.AdminHttp;
import dev.perdure.litellm.internal.governance.Fields;
import dev.perdure.litellm.internal.governance.KeyHash;
import dev.perdure.litellm.internal.governance.Pages;
import dev.perdure.litellm.internal.governance.Rotation;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's virtual keys. A key's value is known to whoever minted it; the gateway keeps its SHA-256, which is its id. Wherever a key is asked for, id or
 * value will do; only {@link #mint} ever sends a value. Thread-safe; errors as {@link Governance}.
 */
public final class Keys {
    private final AdminHttp http;

    Keys(AdminHttp http) {
        this.http = http;
    }

    /**
     * Makes a key. Not safe to repeat after an unknown outcome, unless it has an alias or a value of its own: then the repeat is refused.
     *
     * @throws ModelException {@code BAD_REQUEST} when the alias is taken; or when a key with this value is there (LiteLLM itself would answer as if it were new
     *     and change nothing); {@code ACCESS} for fields that need a licence: {@code tags}, {@code model_max_budget}, {@code guardrails}
     */
    public Minted mint(KeyRequest request) {
        Optional<String> own = request.findValue();
        if (own.isPresent() && find(own.get()).isPresent()) {
            throw ModelException.builder(
                            Kind.BAD_REQUEST,
                            http.place() + " has a key with this value already, id " + KeyHash.of(own.get())
                                    + ": use it, change it with update(…), or mint another value")
                    .status(409)
                    .build();
        }
        return generate(request);
    }

    /** As {@link #mint}, without looking whether the value is there: the gateway then leaves that key as it is. */
    Minted generate(KeyRequest request) {
        Optional<String> own = request.findValue();
        Json answer = http.post(
                "key/generate",
                own.map(value -> request.fields().with("key", value)).orElse(request.fields()));
        String value = own.orElseGet(() -> Fields.text(answer, "key"));
        if (value.isEmpty()) {
            throw ModelException.of(Kind.PROTOCOL, http.place() + " has made a key and not said its value");
        }
        return new Minted(value, Key.of(answer.with("key", KeyHash.of(value))));
    }

    /** Empty when the gateway knows no such key. An expired one is found. */
    public Optional<Key> find(String idOrValue) {
        return http.find("key/info", Map.of("key", KeyHash.id(idOrValue))).map(Key::of);
    }

    /** The key that asks. */
    Key itself() {
        return Key.of(http.get("key/info", Map.of()));
    }

    /**
     * Changes what {@code changes} says. Safe to repeat; a lifetime counts anew from each time. A key that has expired lives again with a new lifetime.
     *
     * @throws ModelException {@code BAD_REQUEST} with status 404 for an unknown key
     * @throws IllegalArgumentException when {@code changes} has a value: a key keeps its own
     */
    public Key update(String idOrValue, KeyRequest changes) {
        if (changes.findValue().isPresent()) {
            throw new IllegalArgumentException("the value of a key cannot be changed: rotate(…) makes a new one");
        }
        String id = KeyHash.id(idOrValue);
        http.post("key/update", changes.fields().with("key", id));
        // Its own answer leaves the soft budget out.
        return find(id).orElseThrow(() -> unknown(id));
    }

    /** Calls with the key are refused until {@link #unblock}; other workers of the gateway may take some seconds to notice. Safe to repeat. */
    public void block(String idOrValue) {
        http.post("key/block", Json.EMPTY.with("key", KeyHash.id(idOrValue)));
    }

    /** Ends {@link #block}. Safe to repeat. */
    public void unblock(String idOrValue) {
        http.post("key/unblock", Json.EMPTY.with("key", KeyHash.id(idOrValue)));
    }

    /**
     * Deletes the key. What it has spent stays in the ledger. Safe to repeat. A key minted with the same value later goes on with what this one has spent for as long
     * as the gateway's processes live, which count by the value's hash.
     *
     * @return false when there was none
     */
    public boolean revoke(String idOrValue) {
        return http.findByPost("key/delete", Json.EMPTY.with("keys", List.of(KeyHash.id(idOrValue))))
                .isPresent();
    }

    /**
     * Mints a key with the settings of an old one, its alias and its end included, and lets the old one expire after {@code grace}, or revokes it at once when that
     * is zero. (LiteLLM's own regeneration needs a licence.) The new key's spend begins at zero.
     *
     * <p>Not atomic: when it fails half-way, the old key is still valid, under an alias that ends in {@code .rotated-} and a part of its id. Safe to repeat then, unless
     * the new key is there already: the repeat is refused because its alias is taken.
     *
     * @throws ModelException {@code BAD_REQUEST} with status 404 for an unknown key, with 409 for one that has expired
     * @throws IllegalArgumentException when {@code grace} is negative or no whole number of seconds
     */
    public Minted rotate(String idOrValue, Duration grace) {
        String id = KeyHash.id(idOrValue);
        Key old = find(id).orElseThrow(() -> unknown(id));
        Rotation rotation = Rotation.of(http.place(), id, old.all(), grace);
        rotation.findAsideAlias()
                .ifPresent(aside -> update(id, KeyRequest.create().alias(aside)));
        Minted fresh = generate(request(rotation.fields()));
        if (grace.isZero()) {
            revoke(id);
        } else if (rotation.outlivesGrace()) {
            update(id, KeyRequest.create().lifetime(grace));
        }
        return fresh;
    }

    /** All keys, newest first, fetched page by page. What is deleted meanwhile may hide others: collect before deleting. */
    public Stream<Key> list() {
        return list(Map.of());
    }

    public Stream<Key> ofTeam(String id) {
        return list(Map.of("team_id", id));
    }

    public Stream<Key> ofUser(String id) {
        return list(Map.of("user_id", id));
    }

    /** Those whose alias begins like this; order and paging as {@link #list}. */
    public Stream<Key> withAlias(String prefix) {
        return list(Map.of("key_alias", prefix, "substring_matching", "true"))
                .filter(key -> key.findAlias().orElse("").startsWith(prefix));
    }

    /** The newest deleted key of this id. */
    Optional<Key> findRevoked(String id) {
        return list(Map.of("key_hash", id, "status", "deleted")).findFirst();
    }

    private Stream<Key> list(Map<String, String> filter) {
        return Pages.of(page -> page(filter, page), key -> Fields.text(key, "token"))
                .map(Key::of);
    }

    private Pages.Page page(Map<String, String> filter, int page) {
        Map<String, String> query = new LinkedHashMap<>(filter);
        query.put("page", Integer.toString(page));
        query.put("size", Integer.toString(Pages.SIZE));
        query.put("return_full_object", "true");
        Json answer = http.get("key/list", query);
        return new Pages.Page(
                answer.find("keys").map(Json::elements).orElse(List.of()), Fields.count(answer, "total_pages"));
    }

    private ModelException unknown(String id) {
        return ModelException.builder(Kind.BAD_REQUEST, http.place() + " knows no key with id " + id)
                .status(404)
                .build();
    }

    private static KeyRequest request(Json fields) {
        KeyRequest request = KeyRequest.create();
        for (String name : fields.names()) {
            request = request.with(name, fields.find(name).orElse(Json.NULL));
        }
        return request;
    }

    /**
     * A key just made.
     *
     * @param value with which calls are made; said this once, and not in {@link #toString}
     */
    public record Minted(String value, Key key) {
        public String id() {
            return key.id();
        }

        @Override
        public String toString() {
            return "Minted[id=" + key.id() + ", alias=" + key.findAlias().orElse("") + "]";
        }
    }

    /**
     * A key as the gateway knows it.
     *
     * @param id SHA-256 of its value, in hexadecimal
     * @param spend US dollars since the budget began to count; a few seconds late
     * @param expiresAt by the gateway's clock; null for never
     * @param all of the gateway's answer
     */
    public record Key(
            String id,
            @Nullable String alias,
            BigDecimal spend,
            Quota quota,
            @Nullable Instant expiresAt,
            boolean blocked,
            @Nullable String user,
            @Nullable String team,
            Json metadata,
            Json all) {

        static Key of(Json answer) {
            Json info = answer.find("info").filter(Json::isObject).orElse(answer);
            String id = Fields.text(info, "token");
            return new Key(
                    id.isEmpty() ? Fields.text(answer, "key") : id,
                    Fields.textOrNull(info, "key_alias"),
                    Fields.money(info, "spend"),
                    Quota.of(info),
                    Fields.instantOrNull(info, "expires"),
                    Fields.isTrue(info, "blocked"),
                    Fields.textOrNull(info, "user_id"),
                    Fields.textOrNull(info, "team_id"),
                    Fields.object(info, "metadata"),
                    info);
        }

        public Optional<String> findAlias() {
            return Optional.ofNullable(alias);
        }

        public Optional<Instant> findExpiresAt() {
            return Optional.ofNullable(expiresAt);
        }

        public Optional<String> findUser() {
            return Optional.ofNullable(user);
        }

        public Optional<String> findTeam() {
            return Optional.ofNullable(team);
        }

        /** US dollars of its own budget; zero when more is spent, empty when it has none. Those of its team and user hold as well. */
        public Optional<BigDecimal> findLeft() {
            return quota.findUsd().map(most -> most.subtract(spend).max(BigDecimal.ZERO));
        }
    }
}

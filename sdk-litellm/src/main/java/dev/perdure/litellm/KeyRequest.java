package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.WireDuration;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.session.Json;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a key shall be, or what of it shall change: what is not said here is the gateway's default, or stays as it is. Immutable: each method gives a changed
 * copy. Starts with {@link #create}.
 */
public final class KeyRequest {
    private static final KeyRequest NOTHING = new KeyRequest(Json.EMPTY, null);

    private final Json fields;
    private final @Nullable String value;

    private KeyRequest(Json fields, @Nullable String value) {
        this.fields = fields;
        this.value = value;
    }

    /** Nothing said: a key of nobody, without limits, that never expires. */
    public static KeyRequest create() {
        return NOTHING;
    }

    /**
     * A value of one's own, for a key that can be derived instead of kept. Only when minting.
     *
     * @throws IllegalArgumentException unless it is {@code sk-} and 13 to 197 letters, digits, {@code _} or {@code -}; it is not quoted
     */
    public KeyRequest value(String value) {
        if (!Settings.requireGiven("value", value).matches("sk-[A-Za-z0-9_-]{13,197}")) {
            throw new IllegalArgumentException(
                    "a key begins with sk-, then come 13 to 197 letters, digits, _ or -; this one has " + value.length()
                            + " characters in all");
        }
        return new KeyRequest(fields, value);
    }

    /** A name for people, unique in the gateway. */
    public KeyRequest alias(String alias) {
        return with("key_alias", requireText("alias", alias));
    }

    /** From now on; default for ever. A whole number of seconds from 1 s on. The gateway counts by its own clock. */
    public KeyRequest lifetime(Duration lifetime) {
        return with("duration", WireDuration.text("lifetime", lifetime));
    }

    public KeyRequest quota(Quota quota) {
        return new KeyRequest(quota.in(fields), value);
    }

    /** Whose budget and models hold as well, beside the key's own. */
    public KeyRequest team(String id) {
        return with("team_id", requireText("team", id));
    }

    public KeyRequest user(String id) {
        return with("user_id", requireText("user", id));
    }

    /** The budget of {@link Governance#budgets} that holds for it. */
    public KeyRequest budget(String id) {
        return with("budget_id", requireText("budget", id));
    }

    /** For models only: such a key can read and change nothing of the gateway's, not even what itself has left. */
    public KeyRequest callsOnly() {
        return with("key_type", "llm_api");
    }

    /** Kept with the key. In an update this replaces all that was there. */
    public KeyRequest metadata(Json metadata) {
        if (!metadata.isObject()) {
            throw new IllegalArgumentException("metadata is a JSON object, but this is " + metadata.text());
        }
        return with("metadata", metadata);
    }

    /**
     * Any field of LiteLLM's {@code /key/generate} or {@code /key/update}, for what has no method here; null lifts what is set.
     *
     * @throws IllegalArgumentException for {@code key}, which {@link #value} sets
     */
    public KeyRequest with(String field, @Nullable Object content) {
        if (field.equals("key") || field.equals("new_key")) {
            throw new IllegalArgumentException("the key's value is set by KeyRequest.value(…)");
        }
        return new KeyRequest(fields.with(field, content), value);
    }

    Json fields() {
        return fields;
    }

    Optional<Duration> findLifetime() {
        return fields.findText("duration").flatMap(WireDuration::parse);
    }

    Optional<String> findValue() {
        return Optional.ofNullable(value);
    }

    /** The fields; not the value. */
    @Override
    public String toString() {
        return "KeyRequest" + fields;
    }

    private static String requireText(String name, String text) {
        if (Objects.requireNonNull(text, name).isBlank()) {
            throw new IllegalArgumentException(name + " is not blank");
        }
        return text;
    }
}

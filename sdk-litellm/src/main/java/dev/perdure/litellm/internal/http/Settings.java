package dev.perdure.litellm.internal.http;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.Wire;
import dev.perdure.model.ModelParameters;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link LiteLlm} was told. Changed only while a copy is made, never once a client holds it. */
public final class Settings {
    public final Endpoint endpoint;
    public final boolean gateway;

    @Nullable
    public String key;

    @Nullable
    public String model;

    public Wire wire = Wire.CHAT;
    public ModelParameters parameters = ModelParameters.DEFAULT;
    public List<String> tags = List.of();
    public Duration connectTimeout = Duration.ofSeconds(5);
    public Duration firstByteTimeout = Duration.ofMinutes(5);
    public Duration chunkTimeout = Duration.ofMinutes(2);
    public Duration totalTimeout = Duration.ofMinutes(10);
    // Only what somebody chose is told to the gateway: there it wins over the times of each deployment.
    public boolean tellsFirstByteTimeout;
    public boolean tellsTotalTimeout;

    public Settings(Endpoint endpoint, boolean gateway) {
        this.endpoint = endpoint;
        this.gateway = gateway;
    }

    public Settings copy() {
        Settings copy = new Settings(endpoint, gateway);
        copy.key = key;
        copy.model = model;
        copy.wire = wire;
        copy.parameters = parameters;
        copy.tags = tags;
        copy.connectTimeout = connectTimeout;
        copy.firstByteTimeout = firstByteTimeout;
        copy.chunkTimeout = chunkTimeout;
        copy.totalTimeout = totalTimeout;
        copy.tellsFirstByteTimeout = tellsFirstByteTimeout;
        copy.tellsTotalTimeout = tellsTotalTimeout;
        return copy;
    }

    /** What a gateway calls the key in its tables and messages; null without a key. Not a secret. */
    public @Nullable String keyId() {
        return key == null ? null : Hashes.sha256(key);
    }

    /** The model for a request with these parameters. */
    public Optional<String> findModel(ModelParameters request) {
        return request.or(parameters).findModel().or(() -> Optional.ofNullable(model));
    }

    /** What is null here mostly comes from an environment variable. */
    public static String requireGiven(String name, String value) {
        return Objects.requireNonNull(value, () -> name + " is null: is the environment variable set?");
    }

    public static String requireKey(String key) {
        requireGiven("key", key);
        // The key is not quoted: this message ends in logs.
        if (!key.matches("[\\x21-\\x7e]+")) {
            throw new IllegalArgumentException(
                    "a key has visible ASCII characters only, at least one; is there a line end in this one, of "
                            + key.length() + " characters?");
        }
        return key;
    }

    public static Duration requirePositive(String name, Duration timeout) {
        Objects.requireNonNull(timeout, name);
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException(name + " is positive, but this is " + timeout);
        }
        return timeout;
    }
}

package dev.perdure.litellm;

import dev.perdure.model.ModelParameters;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link LiteLlm} was told. Changed only while a copy is made, never once a client holds it. */
final class Settings {
    final Endpoint endpoint;
    final boolean gateway;

    @Nullable
    String key;

    @Nullable
    String model;

    ModelParameters parameters = ModelParameters.DEFAULT;
    List<String> tags = List.of();
    Duration connectTimeout = Duration.ofSeconds(5);
    Duration firstByteTimeout = Duration.ofMinutes(5);
    Duration chunkTimeout = Duration.ofMinutes(2);
    Duration totalTimeout = Duration.ofMinutes(10);
    // Only what somebody chose is told to the gateway: there it wins over the times of each deployment.
    boolean tellsFirstByteTimeout;
    boolean tellsTotalTimeout;

    Settings(Endpoint endpoint, boolean gateway) {
        this.endpoint = endpoint;
        this.gateway = gateway;
    }

    Settings copy() {
        Settings copy = new Settings(endpoint, gateway);
        copy.key = key;
        copy.model = model;
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

    /** The model for a request with these parameters. */
    Optional<String> findModel(ModelParameters request) {
        return request.or(parameters).findModel().or(() -> Optional.ofNullable(model));
    }

    /** What is null here mostly comes from an environment variable. */
    static String requireGiven(String name, String value) {
        return Objects.requireNonNull(value, () -> name + " is null: is the environment variable set?");
    }

    static String requireKey(String key) {
        requireGiven("key", key);
        // The key is not quoted: this message ends in logs.
        if (!key.matches("[\\x21-\\x7e]+")) {
            throw new IllegalArgumentException(
                    "a key has visible ASCII characters only, at least one; is there a line end in this one, of "
                            + key.length() + " characters?");
        }
        return key;
    }

    static Duration requirePositive(String name, Duration timeout) {
        Objects.requireNonNull(timeout, name);
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException(name + " is positive, but this is " + timeout);
        }
        return timeout;
    }
}

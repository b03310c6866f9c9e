package dev.perdure.litellm.internal.http;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.Wire;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link LiteLlm} was told. Changed only while a copy is made, never once a client holds it. */
public final class Settings {
    private static final Duration LONGEST = Duration.ofDays(365);

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
    // Found at the first call; two threads that find it at once find the same.
    private @Nullable String keyId;

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
        String known = keyId;
        if (known == null && key != null) {
            known = Hashes.sha256(key);
            keyId = known;
        }
        return known;
    }

    /** The model for a request with these parameters. */
    public Optional<String> findModel(ModelParameters request) {
        return request.or(parameters).findModel().or(() -> Optional.ofNullable(model));
    }

    /** @throws IllegalStateException when neither request nor client names a model */
    public String requireModel(ModelRequest request) {
        return findModel(request.parameters())
                .orElseThrow(
                        () -> new IllegalStateException("no model: call LiteLlm.model(…), or name one in the request"));
    }

    /** These for a call that may not take longer than so. */
    public Settings within(Duration most) {
        Settings shorter = copy();
        shorter.totalTimeout = most.compareTo(totalTimeout) < 0 ? most : totalTimeout;
        return shorter;
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

    /** No more than a year, so that it fits whatever counts it in nanoseconds. */
    public static Duration atMost(Duration duration) {
        return duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
    }

    public static Duration requirePositive(String name, Duration timeout) {
        Objects.requireNonNull(timeout, name);
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException(name + " is positive, but this is " + timeout);
        }
        return atMost(timeout);
    }
}

package dev.perdure.model;

import dev.perdure.session.Json;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a model is to answer. Immutable; what is not set is left to the provider. */
public final class ModelParameters {
    /** Nothing set. */
    public static final ModelParameters DEFAULT = new ModelParameters(null, null, null, Json.EMPTY);

    private final @Nullable String model;
    private final @Nullable Double temperature;
    private final @Nullable Integer maxTokens;
    private final Json extra;

    private ModelParameters(
            @Nullable String model, @Nullable Double temperature, @Nullable Integer maxTokens, Json extra) {
        this.model = model;
        this.temperature = temperature;
        this.maxTokens = maxTokens;
        this.extra = extra;
    }

    /** Another model than the client's own. */
    public ModelParameters model(String name) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("a model's name is not blank");
        }
        return new ModelParameters(name, temperature, maxTokens, extra);
    }

    /** @param value 0 to 2 */
    public ModelParameters temperature(double value) {
        if (!(value >= 0 && value <= 2)) {
            throw new IllegalArgumentException("temperature is 0 to 2, but this is " + value);
        }
        return new ModelParameters(model, value, maxTokens, extra);
    }

    /** @param value most tokens of the reply, at least 1 */
    public ModelParameters maxTokens(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("maxTokens is at least 1, but this is " + value);
        }
        return new ModelParameters(model, temperature, value, extra);
    }

    /** A field of the provider's own, put into the request as it is. */
    public ModelParameters extra(String field, Object value) {
        return new ModelParameters(model, temperature, maxTokens, extra.with(field, value));
    }

    public Optional<String> findModel() {
        return Optional.ofNullable(model);
    }

    public Optional<Double> findTemperature() {
        return Optional.ofNullable(temperature);
    }

    public Optional<Integer> findMaxTokens() {
        return Optional.ofNullable(maxTokens);
    }

    /** Further fields; an empty object when there are none. */
    public Json extra() {
        return extra;
    }

    /** These, and where something is not set here, {@code defaults}. */
    public ModelParameters or(ModelParameters defaults) {
        Json merged = defaults.extra;
        for (String name : extra.names()) {
            merged = merged.with(name, extra.find(name).orElse(Json.NULL));
        }
        return new ModelParameters(
                model != null ? model : defaults.model,
                temperature != null ? temperature : defaults.temperature,
                maxTokens != null ? maxTokens : defaults.maxTokens,
                merged);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ModelParameters p
                && java.util.Objects.equals(p.model, model)
                && java.util.Objects.equals(p.temperature, temperature)
                && java.util.Objects.equals(p.maxTokens, maxTokens)
                && p.extra.equals(extra);
    }

    @Override
    public int hashCode() {
        return java.util.Objects.hash(model, temperature, maxTokens, extra);
    }

    @Override
    public String toString() {
        return "ModelParameters[model=" + model + ", temperature=" + temperature + ", maxTokens=" + maxTokens
                + ", extra=" + extra + "]";
    }
}

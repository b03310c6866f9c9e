package dev.perdure.litellm;

import dev.perdure.session.Cost;
import dev.perdure.session.Usage;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Texts as vectors.
 *
 * @param vectors one for each text, in the order of the texts; not copied
 * @param model that answered, as reported
 * @param gatewayCallId to find the call at the gateway
 */
public record Embeddings(
        List<float[]> vectors,
        Usage usage,
        Cost cost,
        String model,
        @Nullable String gatewayCallId) {
    public Embeddings {
        vectors = List.copyOf(vectors);
        Objects.requireNonNull(usage, "usage");
        Objects.requireNonNull(cost, "cost");
        Objects.requireNonNull(model, "model");
    }

    /** How many, of how many numbers; not the numbers. */
    @Override
    public String toString() {
        return "Embeddings[" + vectors.size() + " of " + (vectors.isEmpty() ? 0 : vectors.get(0).length) + ", model="
                + model + ", usage=" + usage + ", cost=" + cost + "]";
    }
}

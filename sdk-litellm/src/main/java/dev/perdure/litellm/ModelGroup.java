package dev.perdure.litellm;

import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.Usage;
import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a gateway tells of a name under which it has one or several deployments of a model. Immutable.
 *
 * @param providers of its deployments
 * @param maxInputTokens of one request; null when the gateway does not know
 * @param maxOutputTokens of one reply; likewise
 * @param inputUsdPerToken US dollars for each token read; likewise
 * @param outputUsdPerToken US dollars for each token written; likewise
 * @param supportsTools calls of tools
 * @param supportsParallelTools several calls in one reply
 * @param supportsVision images in a request
 * @param supportsReasoning reasoning before the reply
 * @param all as the gateway says it
 */
public record ModelGroup(
        String name,
        List<String> providers,
        @Nullable Long maxInputTokens,
        @Nullable Long maxOutputTokens,
        @Nullable BigDecimal inputUsdPerToken,
        @Nullable BigDecimal outputUsdPerToken,
        boolean supportsTools,
        boolean supportsParallelTools,
        boolean supportsVision,
        boolean supportsReasoning,
        Json all) {
    public ModelGroup {
        Objects.requireNonNull(name, "name");
        providers = List.copyOf(providers);
        Objects.requireNonNull(all, "all");
    }

    public OptionalLong findMaxInputTokens() {
        return maxInputTokens == null ? OptionalLong.empty() : OptionalLong.of(maxInputTokens);
    }

    public OptionalLong findMaxOutputTokens() {
        return maxOutputTokens == null ? OptionalLong.empty() : OptionalLong.of(maxOutputTokens);
    }

    /**
     * What so many tokens cost by these prices, cached ones at the full price; empty without prices, or when they are all zero, as they are where nobody has set
     * any.
     */
    public Optional<Cost> estimate(Usage usage) {
        if (inputUsdPerToken == null || outputUsdPerToken == null) {
            return Optional.empty();
        }
        if (inputUsdPerToken.signum() == 0 && outputUsdPerToken.signum() == 0) {
            return Optional.empty();
        }
        BigDecimal usd = inputUsdPerToken
                .multiply(BigDecimal.valueOf(usage.input()))
                .add(outputUsdPerToken.multiply(BigDecimal.valueOf(usage.output())));
        return Optional.of(new Cost(usd, Cost.Source.ESTIMATED));
    }
}

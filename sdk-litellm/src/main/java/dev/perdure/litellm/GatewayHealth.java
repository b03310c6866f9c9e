package dev.perdure.litellm;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a gateway is. Immutable.
 *
 * @param alive its process answers
 * @param ready it takes calls
 * @param database it has one and reaches it: without, there are no keys, teams, budgets and no ledger
 * @param version of LiteLLM; null when the key may not know it, as most may not
 */
public record GatewayHealth(
        boolean alive,
        boolean ready,
        boolean database,
        @Nullable String version) {

    public Optional<String> findVersion() {
        return Optional.ofNullable(version);
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.session.Cost;
import java.math.BigDecimal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a call cost, as the gateway says it. The digits are kept as they come, float noise included. */
public final class ReportedCost {
    private ReportedCost() {}

    /** @param zeroIsFree whether zero is an amount, or means that nobody knows it */
    public static Cost of(@Nullable String header, @Nullable String usage, boolean zeroIsFree) {
        return find(header, Cost.Source.HEADER)
                .filter(cost -> zeroIsFree || cost.usd().signum() > 0)
                .or(() -> find(usage, Cost.Source.USAGE))
                .filter(cost -> zeroIsFree || cost.usd().signum() > 0)
                .orElse(Cost.UNKNOWN);
    }

    private static Optional<Cost> find(@Nullable String text, Cost.Source source) {
        if (text == null || text.isBlank() || text.length() > 64) {
            return Optional.empty();
        }
        try {
            BigDecimal usd = new BigDecimal(text.trim());
            // An exponent beyond that is no amount of money, and the sum with it would fill the memory.
            boolean sane = usd.signum() >= 0 && Math.abs((long) usd.scale()) <= 60;
            return sane ? Optional.of(new Cost(usd, source)) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}

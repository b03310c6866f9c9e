package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.session.Cost;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a call cost, as the gateway says it. The digits are kept as they come, float noise included. */
public final class ReportedCost {
    private ReportedCost() {}

    /**
     * @param header null for a stream, whose headers were sent before anybody knew
     * @param zeroIsFree whether zero is an amount, or means that nobody knows it
     */
    public static Cost of(@Nullable String header, @Nullable String usage, boolean zeroIsFree) {
        return find(header, Cost.Source.HEADER, zeroIsFree)
                .or(() -> find(usage, Cost.Source.USAGE, zeroIsFree))
                .orElse(Cost.UNKNOWN);
    }

    private static Optional<Cost> find(@Nullable String text, Cost.Source source, boolean zeroIsFree) {
        if (text == null || text.length() > 64) {
            return Optional.empty();
        }
        return Numbers.parse(text.trim())
                .filter(usd -> zeroIsFree ? usd.signum() >= 0 : usd.signum() > 0)
                .map(usd -> new Cost(usd, source));
    }
}

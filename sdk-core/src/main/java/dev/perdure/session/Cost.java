package dev.perdure.session;

import java.math.BigDecimal;
import java.util.Objects;

/**
 * Money spent on model calls.
 *
 * @param usd amount in US dollars, exact as reported; zero when {@code source} is {@link Source#UNKNOWN}
 * @param source where the amount comes from; of a sum: its least certain part
 */
public record Cost(BigDecimal usd, Source source) {
    /** Where an amount comes from, the most certain first. */
    public enum Source {
        /** Read back from the gateway's ledger. */
        LEDGER,
        /** A header of the gateway's answer. */
        HEADER,
        /** A field of the answer's usage. */
        USAGE,
        /** Computed from prices, or assumed because the call's own cost was not reported. */
        ESTIMATED,
        /** Nobody said. */
        UNKNOWN
    }

    public static final Cost UNKNOWN = new Cost(BigDecimal.ZERO, Source.UNKNOWN);
    /** The sum of no calls. */
    public static final Cost NONE = new Cost(BigDecimal.ZERO, Source.LEDGER);

    public Cost {
        Objects.requireNonNull(usd, "usd");
        Objects.requireNonNull(source, "source");
        if (usd.signum() < 0) {
            throw new IllegalArgumentException("a cost is not negative: " + usd);
        }
    }

    public Cost plus(Cost other) {
        return new Cost(usd.add(other.usd), source.compareTo(other.source) >= 0 ? source : other.source);
    }
}

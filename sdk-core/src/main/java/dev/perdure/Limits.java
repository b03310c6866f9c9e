package dev.perdure;

import java.math.BigDecimal;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What one turn may consume, and with {@link #perSession} all turns of a session together. Checked before each model call: a call may
 * overshoot, the next is not made, and the turn fails with a problem of kind {@code limit}. Time spent waiting for humans does not count.
 * Immutable.
 */
public final class Limits {
    private static final Limits NONE = new Limits(null, null, null, null);

    private final @Nullable Integer steps;
    private final @Nullable Long tokens;
    private final @Nullable BigDecimal usd;
    private final @Nullable Limits session;

    private Limits(@Nullable Integer steps, @Nullable Long tokens, @Nullable BigDecimal usd, @Nullable Limits session) {
        this.steps = steps;
        this.tokens = tokens;
        this.usd = usd;
        this.session = session;
    }

    /** No limit. */
    public static Limits none() {
        return NONE;
    }

    /** @param value most model calls, at least 1 */
    public Limits steps(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("steps is at least 1, but this is " + value);
        }
        return new Limits(value, tokens, usd, session);
    }

    /**
     * Tokens that were not reported, and those of failed attempts that may have used some, count as an estimate.
     *
     * @param value most tokens read and written together, at least 1
     */
    public Limits tokens(long value) {
        if (value < 1) {
            throw new IllegalArgumentException("tokens is at least 1, but this is " + value);
        }
        return new Limits(steps, value, usd, session);
    }

    /**
     * @param value most US dollars, a decimal number above 0, for example {@code "0.50"}. Needs a model client that {@linkplain
     *     dev.perdure.spi.ModelClient#reportsCost() reports cost}.
     */
    public Limits usd(String value) {
        Objects.requireNonNull(value, "usd");
        BigDecimal amount;
        try {
            amount = new BigDecimal(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "usd is a decimal number such as \"0.50\", but this is \"" + value + "\"", e);
        }
        if (amount.signum() <= 0) {
            throw new IllegalArgumentException("usd is above 0, but this is " + value);
        }
        return new Limits(steps, tokens, amount, session);
    }

    /** What all turns of a session together may consume. */
    public Limits perSession(Limits whole) {
        if (Objects.requireNonNull(whole, "perSession").session != null) {
            throw new IllegalArgumentException("the limits of a session have no further limits per session");
        }
        return new Limits(steps, tokens, usd, whole);
    }

    /** @throws IllegalStateException when an agent has a limit in money and nobody tells the prices */
    static void requirePrices(Agent agent) {
        Limits given = agent.limits();
        boolean money = given.findUsd().isPresent()
                || given.findPerSession().flatMap(Limits::findUsd).isPresent();
        if (money && !agent.model().reportsCost()) {
            throw new IllegalStateException(
                    "agent \"" + agent.name() + "\" has a limit in US dollars, but its model client does not"
                            + " report cost: limit tokens instead, or call through a gateway that has prices");
        }
    }

    public OptionalInt findSteps() {
        return steps == null ? OptionalInt.empty() : OptionalInt.of(steps);
    }

    public OptionalLong findTokens() {
        return tokens == null ? OptionalLong.empty() : OptionalLong.of(tokens);
    }

    public Optional<BigDecimal> findUsd() {
        return Optional.ofNullable(usd);
    }

    public Optional<Limits> findPerSession() {
        return Optional.ofNullable(session);
    }

    @Override
    public String toString() {
        return "Limits[steps=" + steps + ", tokens=" + tokens + ", usd=" + usd + ", perSession=" + session + "]";
    }
}

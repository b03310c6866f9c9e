package dev.perdure.spi;

import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * On whose behalf and within what bounds a model call is made.
 *
 * @param callId of this attempt, unique; sent to the gateway, which adopts it
 * @param timeout for the whole call; positive
 * @param tags for attribution, for example {@code agent} and {@code tenant}
 * @param budgetLeft in US dollars; null without a limit in money
 */
public record CallScope(
        SessionId session,
        int turn,
        String callId,
        Duration timeout,
        Interruption interruption,
        Map<String, String> tags,
        @Nullable BigDecimal budgetLeft,
        Deltas deltas) {
    public CallScope {
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(callId, "callId");
        Objects.requireNonNull(timeout, "timeout");
        Objects.requireNonNull(interruption, "interruption");
        tags = Map.copyOf(tags);
        Objects.requireNonNull(deltas, "deltas");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("a timeout is positive: " + timeout);
        }
    }

    public Optional<BigDecimal> findBudgetLeft() {
        return Optional.ofNullable(budgetLeft);
    }

    /** Receives a reply while it comes in, on the caller's thread. */
    public interface Deltas {
        /** Nobody listens: a client need not stream. */
        Deltas UNWANTED = new Deltas() {
            @Override
            public boolean wanted() {
                return false;
            }

            @Override
            public void text(String more) {}

            @Override
            public void discard() {}
        };

        default boolean wanted() {
            return true;
        }

        /** More text of the reply; never empty. */
        void text(String more);

        /** More reasoning. */
        default void thinking(String more) {}

        /** The text so far is void; the reply starts again. */
        void discard();
    }
}

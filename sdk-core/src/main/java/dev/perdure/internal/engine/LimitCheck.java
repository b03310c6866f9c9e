package dev.perdure.internal.engine;

import dev.perdure.Limits;
import dev.perdure.session.Cost;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.session.Usage;
import java.math.BigDecimal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Whether one more model call may be made. */
final class LimitCheck {
    private LimitCheck() {}

    static Optional<Problem> exceeded(Limits limits, SessionView view, TurnView turn) {
        return exceeded("turn", limits, turn.steps(), turn.usage(), turn.cost())
                .or(() -> limits.findPerSession()
                        .flatMap(whole -> exceeded("session", whole, view.steps(), view.usage(), view.cost())));
    }

    private static Optional<Problem> exceeded(String what, Limits limits, int steps, Usage usage, Cost cost) {
        if (limits.findSteps().isPresent() && steps >= limits.findSteps().getAsInt()) {
            return limit(what, "steps", steps, limits.findSteps().getAsInt());
        }
        if (limits.findTokens().isPresent()
                && usage.total() >= limits.findTokens().getAsLong()) {
            return limit(what, "tokens", usage.total(), limits.findTokens().getAsLong());
        }
        if (limits.findUsd().isPresent()
                && cost.usd().compareTo(limits.findUsd().get()) >= 0) {
            return limit(
                    what,
                    "US dollars",
                    cost.usd().toPlainString(),
                    limits.findUsd().get());
        }
        return Optional.empty();
    }

    private static Optional<Problem> limit(String what, String unit, Object used, Object most) {
        return Optional.of(Problem.of(
                "limit",
                "the " + what + " has used " + used + " of " + most + " " + unit + "; no further model call is made"));
    }

    /** Dollars that the next call may cost; null without a limit in money. */
    static @Nullable BigDecimal budgetLeft(Limits limits, SessionView view, TurnView turn) {
        BigDecimal left = left(limits, turn.cost());
        BigDecimal whole =
                limits.findPerSession().map(l -> left(l, view.cost())).orElse(null);
        if (left == null || whole == null) {
            return left == null ? whole : left;
        }
        return left.min(whole);
    }

    private static @Nullable BigDecimal left(Limits limits, Cost cost) {
        return limits.findUsd()
                .map(most -> most.subtract(cost.usd()).max(BigDecimal.ZERO))
                .orElse(null);
    }
}

package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.Fields;
import dev.perdure.litellm.internal.governance.WireDuration;
import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How much a key, team, user, customer, tag or budget may use. What is null is not limited; in an update it stays as it is. Immutable: each method gives a
 * changed copy.
 *
 * <pre>{@code
 * Quota.none().usd("2.50").every(Duration.ofDays(30)).models("gpt-5-mini").requestsPerMinute(60)
 * }</pre>
 *
 * @param usd US dollars until the budget is spent. LiteLLM looks before a call and adds after it, so that the last calls may go beyond; a call that it expects to go
 *     beyond it may refuse while something is left
 * @param softUsd US dollars from which on the gateway warns; below {@code usd}
 * @param every after which the spend counts from zero again. LiteLLM 1.96 resets 1 day at midnight UTC, 7 days on a Monday and 30 days on the first of the month
 * @param models that may be used; empty for all. A customer, budget or tag has none
 */
public record Quota(
        @Nullable BigDecimal usd,
        @Nullable BigDecimal softUsd,
        @Nullable Duration every,
        List<String> models,
        @Nullable Integer tokensPerMinute,
        @Nullable Integer requestsPerMinute,
        @Nullable Integer parallel) {
    private static final Quota NONE = new Quota(null, null, null, List.of(), null, null, null);

    /** @throws IllegalArgumentException when a limit is negative, or {@code every} is no whole number of seconds from 1 s on */
    public Quota {
        requireMoney("usd", usd);
        requireMoney("softUsd", softUsd);
        if (usd != null && softUsd != null && softUsd.compareTo(usd) >= 0) {
            throw new IllegalArgumentException("softUsd is below usd, but " + softUsd + " is not below " + usd);
        }
        if (every != null) {
            WireDuration.text("every", every);
        }
        models = List.copyOf(models);
        if (models.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("a model's name is not blank: " + models);
        }
        requireCount("tokensPerMinute", tokensPerMinute);
        requireCount("requestsPerMinute", requestsPerMinute);
        requireCount("parallel", parallel);
    }

    /** Nothing is limited. */
    public static Quota none() {
        return NONE;
    }

    /** @throws IllegalArgumentException when it is no number */
    public Quota usd(String amount) {
        return usd(money("usd", amount));
    }

    /** @param amount null for no limit */
    public Quota usd(@Nullable BigDecimal amount) {
        return new Quota(amount, softUsd, every, models, tokensPerMinute, requestsPerMinute, parallel);
    }

    /** @throws IllegalArgumentException when it is no number */
    public Quota softUsd(String amount) {
        return new Quota(usd, money("softUsd", amount), every, models, tokensPerMinute, requestsPerMinute, parallel);
    }

    public Quota every(Duration duration) {
        Objects.requireNonNull(duration, "duration");
        return new Quota(usd, softUsd, duration, models, tokensPerMinute, requestsPerMinute, parallel);
    }

    public Quota models(String... names) {
        return new Quota(usd, softUsd, every, List.of(names), tokensPerMinute, requestsPerMinute, parallel);
    }

    public Quota tokensPerMinute(int most) {
        return new Quota(usd, softUsd, every, models, most, requestsPerMinute, parallel);
    }

    public Quota requestsPerMinute(int most) {
        return new Quota(usd, softUsd, every, models, tokensPerMinute, most, parallel);
    }

    /** Most calls at a time. */
    public Quota parallel(int most) {
        return new Quota(usd, softUsd, every, models, tokensPerMinute, requestsPerMinute, most);
    }

    public Optional<BigDecimal> findUsd() {
        return Optional.ofNullable(usd);
    }

    public Optional<BigDecimal> findSoftUsd() {
        return Optional.ofNullable(softUsd);
    }

    /** Empty also for a length that is none, such as LiteLLM's {@code 1mo}. */
    public Optional<Duration> findEvery() {
        return Optional.ofNullable(every);
    }

    public Optional<Integer> findTokensPerMinute() {
        return Optional.ofNullable(tokensPerMinute);
    }

    public Optional<Integer> findRequestsPerMinute() {
        return Optional.ofNullable(requestsPerMinute);
    }

    public Optional<Integer> findParallel() {
        return Optional.ofNullable(parallel);
    }

    /** {@code body} with what is limited here. */
    Json in(Json body) {
        Json all = body;
        all = usd == null ? all : all.with("max_budget", usd);
        all = softUsd == null ? all : all.with("soft_budget", softUsd);
        all = every == null ? all : all.with("budget_duration", WireDuration.text("every", every));
        all = models.isEmpty() ? all : all.with("models", models);
        all = tokensPerMinute == null ? all : all.with("tpm_limit", tokensPerMinute);
        all = requestsPerMinute == null ? all : all.with("rpm_limit", requestsPerMinute);
        return parallel == null ? all : all.with("max_parallel_requests", parallel);
    }

    /** What an answer says, itself or in the budget that it carries. What cannot be a quota counts as not limited. */
    static Quota of(Json answer) {
        Json budget = Fields.object(answer, "litellm_budget_table");
        BigDecimal usd = money(answer, budget, "max_budget");
        BigDecimal soft = money(answer, budget, "soft_budget");
        return new Quota(
                usd,
                usd != null && soft != null && soft.compareTo(usd) >= 0 ? null : soft,
                WireDuration.parse(Fields.text(answer, "budget_duration"))
                        .or(() -> WireDuration.parse(Fields.text(budget, "budget_duration")))
                        .orElse(null),
                Fields.texts(answer, "models").stream()
                        .filter(name -> !name.isBlank())
                        .toList(),
                count(answer, budget, "tpm_limit"),
                count(answer, budget, "rpm_limit"),
                count(answer, budget, "max_parallel_requests"));
    }

    private static @Nullable BigDecimal money(Json answer, Json budget, String name) {
        BigDecimal own = Fields.decimalOrNull(answer, name);
        BigDecimal amount = own != null ? own : Fields.decimalOrNull(budget, name);
        return amount == null || amount.signum() < 0 ? null : amount;
    }

    private static @Nullable Integer count(Json answer, Json budget, String name) {
        Integer own = Fields.integerOrNull(answer, name);
        Integer most = own != null ? own : Fields.integerOrNull(budget, name);
        return most == null || most < 0 ? null : most;
    }

    private static BigDecimal money(String name, String amount) {
        try {
            return new BigDecimal(amount);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " is a number of US dollars, but this is \"" + amount + "\"", e);
        }
    }

    private static void requireMoney(String name, @Nullable BigDecimal amount) {
        if (amount != null && amount.signum() < 0) {
            throw new IllegalArgumentException(name + " is not negative, but this is " + amount);
        }
    }

    private static void requireCount(String name, @Nullable Integer most) {
        if (most != null && most < 0) {
            throw new IllegalArgumentException(name + " is not negative, but this is " + most);
        }
    }
}

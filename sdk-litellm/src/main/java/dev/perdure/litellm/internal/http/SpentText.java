package dev.perdure.litellm.internal.http;

import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelException.Spent;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the sums and counts out of a refusal's words: LiteLLM has them nowhere else. */
final class SpentText {
    private static final String NUMBER = "(-?\\d{1,30}(?:\\.\\d{1,40})?(?:[eE][-+]?\\d{1,3})?)";
    private static final Pattern BUDGET = Pattern.compile(
            "(?:\\b(Key|Team|User|End User|Tag|Organization|Project|Customer)=.{0,200}? )?Current cost: " + NUMBER
                    + ", Max budget: " + NUMBER);
    private static final Pattern EXCEEDED = Pattern.compile(
            "ExceededBudget: ([A-Za-z ]{1,30})=.{0,200}? over budget\\. Spend=" + NUMBER + ", Budget=" + NUMBER);
    private static final Pattern SESSION_BUDGET =
            Pattern.compile("Current spend: \\$?" + NUMBER + ", max_budget_per_session: \\$?" + NUMBER);
    private static final Pattern ITERATIONS =
            Pattern.compile("Current count: " + NUMBER + ", max_iterations: " + NUMBER);
    private static final Pattern RATE =
            Pattern.compile("Rate limit exceeded for ([a-z_]{1,30}): .{0,200}?\\. Limit type: "
                    + "([a-z_]{1,30})\\. Current limit: " + NUMBER);
    private static final Pattern RETRIED = Pattern.compile("LiteLLM Retried: (\\d{1,4}) times");
    private static final int LONGEST = 20_000;

    private SpentText() {}

    /** Null when the message does not say. */
    static @Nullable Spent of(Kind kind, String message) {
        String text = head(message);
        return switch (kind) {
            case BUDGET -> budget(text);
            case SESSION_LIMIT -> session(text);
            case RATE_LIMIT -> rate(text);
            default -> null;
        };
    }

    /** How often the gateway had tried again; null when it does not say. */
    static @Nullable Integer retries(String message) {
        Matcher found = RETRIED.matcher(head(message));
        return found.find() ? Integer.valueOf(found.group(1)) : null;
    }

    private static Spent budget(String text) {
        Matcher found = BUDGET.matcher(text);
        if (found.find()) {
            return usd(found.group(1) == null ? "key" : found.group(1), found.group(2), found.group(3));
        }
        found = EXCEEDED.matcher(text);
        if (found.find()) {
            return usd(found.group(1), found.group(2), found.group(3));
        }
        boolean provider =
                text.contains("quota") || text.contains("crossed budget") || text.contains("Exceeded budget for");
        return new Spent(provider ? "provider" : "key", null, null, "usd");
    }

    private static @Nullable Spent session(String text) {
        Matcher found = SESSION_BUDGET.matcher(text);
        if (found.find()) {
            return usd("session", found.group(1), found.group(2));
        }
        found = ITERATIONS.matcher(text);
        return found.find()
                ? new Spent("session", new BigDecimal(found.group(1)), new BigDecimal(found.group(2)), "calls")
                : null;
    }

    private static @Nullable Spent rate(String text) {
        Matcher found = RATE.matcher(text);
        if (!found.find()) {
            return null;
        }
        String unit = found.group(2).equals("max_parallel_requests") ? "parallel" : found.group(2);
        return new Spent(found.group(1), null, new BigDecimal(found.group(3)), unit);
    }

    private static Spent usd(String scope, String used, String limit) {
        String name = scope.toLowerCase(Locale.ROOT).replace(' ', '_');
        return new Spent(name, new BigDecimal(used), new BigDecimal(limit), "usd");
    }

    private static String head(String message) {
        return message.length() > LONGEST ? message.substring(0, LONGEST) : message;
    }
}

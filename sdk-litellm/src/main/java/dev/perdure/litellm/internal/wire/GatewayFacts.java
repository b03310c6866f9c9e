package dev.perdure.litellm.internal.wire;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;

/** What a gateway's headers say of a call, as the JSON object that goes into the log. Read back by {@code CallFacts}. */
final class GatewayFacts {
    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9]\\d{0,30})(\\.\\d{1,40})?([eE][-+]?\\d{1,3})?");
    private static final int LONGEST = 200;
    private static final String LIMITS = "x-ratelimit-";

    private static final Map<String, String> NUMBERS = Map.of(
            "x-litellm-attempted-retries", "retries",
            "x-litellm-attempted-fallbacks", "fallbacks",
            "x-litellm-overhead-duration-ms", "overheadMillis",
            "x-litellm-response-duration-ms", "millis",
            "x-litellm-key-spend", "keySpend",
            "x-litellm-key-max-budget", "keyBudget",
            "x-litellm-key-rpm-limit", "keyRpm",
            "x-litellm-key-tpm-limit", "keyTpm");

    private static final Map<String, String> TEXTS = Map.of(
            "x-litellm-model-group", "group",
            "x-litellm-model-name", "deploymentModel",
            "x-litellm-cache-key", "cacheKey",
            "x-litellm-applied-guardrails", "guardrails",
            "llm_provider-x-request-id", "providerRequest");

    private GatewayFacts() {}

    /**
     * @param key the gateway's name of the key that was used; null without a key
     * @param restarted whether another deployment than the one in the headers wrote the reply
     */
    static String of(Headers headers, @Nullable String key, boolean restarted) {
        StringBuilder json = new StringBuilder(256).append('{');
        if (key != null) {
            text(json, "key", key);
        }
        if (restarted) {
            field(json, "restarted").append("true");
        }
        StringBuilder limits = new StringBuilder();
        Matcher number = NUMBER.matcher("");
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.name(i).toLowerCase(Locale.ROOT);
            add(json, limits, name, headers.value(i), number);
        }
        if (limits.length() > 0) {
            field(json, "limits").append('{').append(limits).append('}');
        }
        return json.append('}').toString();
    }

    /** @param ofNumber one for all, as it is dearer than the header it looks at */
    private static void add(StringBuilder json, StringBuilder limits, String name, String value, Matcher ofNumber) {
        String number = NUMBERS.get(name);
        if (number != null) {
            number(json, number, value, ofNumber);
            return;
        }
        String text = TEXTS.get(name);
        if (text != null) {
            text(json, text, value);
        } else if (name.startsWith(LIMITS) && isOfGateway(name)) {
            number(limits, name.substring(LIMITS.length()), value, ofNumber);
        }
    }

    /** The others are the provider's: {@code x-ratelimit-remaining-requests} has no scope in it. */
    private static boolean isOfGateway(String name) {
        return !name.startsWith("limit-", LIMITS.length())
                && !name.startsWith("remaining-", LIMITS.length())
                && !name.startsWith("reset-", LIMITS.length());
    }

    private static void number(StringBuilder json, String name, String value, Matcher ofNumber) {
        if (value.length() <= LONGEST && ofNumber.reset(value).matches()) {
            field(json, name).append(value);
        }
    }

    private static void text(StringBuilder json, String name, String value) {
        if (value.isEmpty() || value.equals("None")) {
            return;
        }
        field(json, name).append('"');
        for (int i = 0; i < Math.min(LONGEST, value.length()); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\');
            }
            // Header values have no control characters but the tab.
            json.append(c == '\t' ? ' ' : c);
        }
        json.append('"');
    }

    private static StringBuilder field(StringBuilder json, String name) {
        if (json.length() > 0 && json.charAt(json.length() - 1) != '{') {
            json.append(',');
        }
        return json.append('"').append(name).append("\":");
    }
}

package dev.perdure.litellm.internal.http;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes of a gateway's message what a user needs: short, one line, without its routes, deployments and keys. */
public final class ErrorText {
    private static final int LONGEST = 500;
    /** From here on a gateway tells of its own configuration, of its retries, or repeats itself. */
    private static final List<String> NOISE = List.of(
            "No fallback model group found",
            "Received Model Group",
            "Available Model Group Fallbacks",
            "Error doing the fallback",
            "LiteLLM Retried:",
            "pre-call-checks=",
            "Deployment Info:",
            "Traceback (most recent call last)");

    private static final Pattern TAG = Pattern.compile("<(style|script)[^>]*>.*?</\\1>|<[^>]{1,200}>", Pattern.DOTALL);
    private static final Pattern SPACE = Pattern.compile("[\\s\\p{Cntrl}]+");
    private static final Pattern KEY_HASH = Pattern.compile("\\b([0-9a-f]{8})[0-9a-f]{48,}\\b");
    private static final Pattern DANGLING = Pattern.compile("[\\s.,:]*$");

    private ErrorText() {}

    /** @param key is taken out wherever it stands */
    public static String clean(String message, @Nullable String key) {
        String text = message.length() > 20_000 ? message.substring(0, 20_000) : message;
        if (key != null && !key.isEmpty()) {
            text = text.replace(key, "***");
        }
        text = withoutNoise(text);
        if (text.contains("<") && text.contains("</")) {
            text = TAG.matcher(text).replaceAll(" ");
        }
        text = KEY_HASH.matcher(text).replaceAll("$1…");
        return cut(SPACE.matcher(text).replaceAll(" ").trim());
    }

    private static String withoutNoise(String text) {
        int end = text.length();
        for (String noise : NOISE) {
            int at = text.indexOf(noise);
            end = at >= 0 ? Math.min(end, at) : end;
        }
        return end == text.length()
                ? text
                : DANGLING.matcher(text.substring(0, end)).replaceFirst("");
    }

    private static String cut(String text) {
        if (text.length() <= LONGEST) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(LONGEST - 1)) ? LONGEST - 1 : LONGEST;
        return text.substring(0, end) + "…";
    }
}

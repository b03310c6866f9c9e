package dev.perdure.litellm.internal.http;

import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** How long an answer asks to be left alone, at most a year: whoever retries decides what is too long. */
public final class RetryAfter {
    private static final Pattern SECONDS = Pattern.compile("\\d{1,9}(\\.\\d{1,9})?");
    private static final Pattern IN_TEXT = Pattern.compile("Try again in (\\d{1,9}(?:\\.\\d{1,9})?) seconds");

    private RetryAfter() {}

    /** From the headers, else from the message; null when neither says it. */
    static @Nullable Duration of(Response response, String message) {
        String header = response.header("retry-after");
        if (header == null) {
            header = response.header("llm_provider-retry-after");
        }
        if (header != null) {
            return parse(header, sentAt(response));
        }
        Matcher text = IN_TEXT.matcher(message);
        return text.find() ? seconds(text.group(1)) : null;
    }

    /** Seconds or an HTTP date; null when it is neither. */
    static @Nullable Duration parse(String value, Instant now) {
        String text = value.trim();
        if (SECONDS.matcher(text).matches()) {
            return seconds(text);
        }
        try {
            Instant until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            return until.isBefore(now) ? Duration.ZERO : Settings.atMost(Duration.between(now, until));
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    /** By the peer's own clock where it tells it: ours may differ. */
    private static Instant sentAt(Response response) {
        java.util.Date date = response.headers().getDate("Date");
        return date != null ? date.toInstant() : Instant.ofEpochMilli(response.receivedResponseAtMillis());
    }

    private static Duration seconds(String text) {
        return Settings.atMost(Duration.ofNanos((long) (Double.parseDouble(text) * 1e9)));
    }
}

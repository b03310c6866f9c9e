package dev.perdure.litellm.internal.governance;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** LiteLLM's durations, such as {@code 30d}. */
public final class WireDuration {
    private static final Pattern TEXT = Pattern.compile("([1-9]\\d{0,8})(s|m|h|d|w)");
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private WireDuration() {}

    /** @throws IllegalArgumentException unless it is a whole number of seconds, at least one and at most 36,500 days */
    public static String text(String name, Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 1 || !duration.equals(Duration.ofSeconds(seconds)) || duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    name + " is a whole number of seconds, from 1 s to 36,500 days, but this is " + duration);
        }
        if (seconds % 86_400 == 0) {
            return seconds / 86_400 + "d";
        }
        if (seconds % 3_600 == 0) {
            return seconds / 3_600 + "h";
        }
        return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }

    /** Empty for what has no fixed length, such as {@code 1mo}. */
    public static Optional<Duration> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long number = Long.parseLong(matcher.group(1));
        Duration duration = switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            case "d" -> Duration.ofDays(number);
            default -> Duration.ofDays(7 * number);
        };
        return Optional.of(duration).filter(d -> d.compareTo(LONGEST) <= 0);
    }
}

package dev.perdure.session;

import org.jspecify.annotations.Nullable;

/**
 * Tokens of one or many model calls.
 *
 * @param input tokens read, cached ones included
 * @param output tokens written, reasoning included
 * @param cachedInput part of {@code input} that was read from a provider's cache
 * @param reasoning part of {@code output} that was spent on reasoning
 * @param estimated true when a part of it was not reported and is a guess by the length of texts; null else
 */
public record Usage(
        long input,
        long output,
        long cachedInput,
        long reasoning,
        @Nullable Boolean estimated) {
    public static final Usage NONE = new Usage(0, 0, 0, 0);

    public Usage(long input, long output, long cachedInput, long reasoning) {
        this(input, output, cachedInput, reasoning, null);
    }

    public static Usage of(long input, long output) {
        return new Usage(input, output, 0, 0);
    }

    /** What nobody reported. */
    public static Usage estimated(long input, long output) {
        return new Usage(input, output, 0, 0, true);
    }

    public Usage plus(Usage other) {
        return new Usage(
                input + other.input,
                output + other.output,
                cachedInput + other.cachedInput,
                reasoning + other.reasoning,
                estimated == null ? other.estimated : estimated);
    }

    /** {@code input + output}. */
    public long total() {
        return input + output;
    }
}

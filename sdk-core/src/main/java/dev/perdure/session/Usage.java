package dev.perdure.session;

/**
 * Tokens of one or many model calls.
 *
 * @param input tokens read, cached ones included
 * @param output tokens written, reasoning included
 * @param cachedInput part of {@code input} that was read from a provider's cache
 * @param reasoning part of {@code output} that was spent on reasoning
 */
public record Usage(long input, long output, long cachedInput, long reasoning) {
    public static final Usage NONE = new Usage(0, 0, 0, 0);

    public static Usage of(long input, long output) {
        return new Usage(input, output, 0, 0);
    }

    public Usage plus(Usage other) {
        return new Usage(
                input + other.input,
                output + other.output,
                cachedInput + other.cachedInput,
                reasoning + other.reasoning);
    }

    /** {@code input + output}. */
    public long total() {
        return input + output;
    }
}

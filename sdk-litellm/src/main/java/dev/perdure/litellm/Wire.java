package dev.perdure.litellm;

import dev.perdure.model.ModelParameters;

/**
 * The route that carries requests and replies. All of them carry the same: text, images, tools, their results, reasoning, structured output. What a reply of
 * one has kept for its provider goes back on the same wire as it came; another wire leaves out what it cannot carry, never the text, the calls and
 * their results.
 *
 * <p>On each of them {@linkplain ModelParameters#extra extra parameters} are fields of that route's own; {@code tools} among them come after those of the
 * request.
 */
public enum Wire {
    /** {@code /chat/completions}: what every provider is reached by, and the only one that reports the cost of each call. */
    CHAT,

    /**
     * {@code /responses}. What it gives more: the reasoning of OpenAI's models goes back to them, encrypted, between calls of tools ({@code store} is false, and
     * with an extra parameter {@code reasoning} the encrypted form is asked for, which other models refuse), and tools that the provider or the gateway runs
     * itself, MCP servers among them, as extra {@code tools}. Whatever such a tool leaves in the reply is kept and goes back, too.
     *
     * <p>The gateway (seen in LiteLLM 1.96) mostly tells no cost here; then it is estimated from its prices.
     */
    RESPONSES,

    /**
     * {@code /messages}, Anthropic's own. What it gives more: thinking with its signatures as Anthropic writes it, whether a tool's result is an error, and
     * extra parameters such as {@code thinking}, {@code cache_control} and {@code context_management}.
     *
     * <p>This route insists on a limit of the reply: 8,192 tokens unless {@link ModelParameters#maxTokens} says otherwise. Thinking without a signature, as other
     * providers' is, does not go back. The gateway (seen in LiteLLM 1.96) tells no cost here; then it is estimated from its prices. When a provider behind it
     * fails in mid-stream, the gateway may end the reply as if it were whole.
     */
    MESSAGES
}

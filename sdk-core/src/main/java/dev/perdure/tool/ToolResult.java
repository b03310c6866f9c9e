package dev.perdure.tool;

import dev.perdure.session.Json;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a tool gives back to the model. A tool may return any other value instead, which becomes {@link #of}.
 *
 * @param text what the model sees
 * @param error whether it says that the call failed
 */
public record ToolResult(String text, boolean error) {
    public ToolResult {
        Objects.requireNonNull(text, "text");
    }

    /** A text as it is, null as {@code done}, anything else as its JSON. */
    public static ToolResult of(@Nullable Object value) {
        if (value instanceof ToolResult result) {
            return result;
        }
        if (value instanceof CharSequence text) {
            return new ToolResult(text.toString(), false);
        }
        return new ToolResult(value == null ? "done" : Json.of(value).text(), false);
    }

    /** The call failed, and the model should know why. */
    public static ToolResult error(String text) {
        return new ToolResult(text, true);
    }
}

package dev.perdure.model;

import dev.perdure.session.Part;
import java.util.List;
import java.util.Objects;

/** One message of the conversation that a model sees. Immutable. Instructions are not a message. */
public sealed interface Message {

    /** Somebody's input. */
    record User(List<Part> parts) implements Message {
        public User {
            parts = List.copyOf(parts);
        }
    }

    /** An earlier reply of the model, to be sent back as it came. */
    record Assistant(List<Part> parts) implements Message {
        public Assistant {
            parts = List.copyOf(parts);
        }
    }

    /**
     * The result of one call. Directly follows the reply that asked for it, in the order of the calls.
     *
     * @param providerId of the {@link Part.ToolUse} it answers
     */
    record ToolResult(String providerId, String tool, String output, boolean error) implements Message {
        public ToolResult {
            Objects.requireNonNull(providerId, "providerId");
            Objects.requireNonNull(tool, "tool");
            Objects.requireNonNull(output, "output");
        }
    }
}

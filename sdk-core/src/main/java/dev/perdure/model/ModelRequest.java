package dev.perdure.model;

import dev.perdure.session.Json;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One request to a model.
 *
 * @param instructions the system text; may be empty
 * @param messages oldest first
 * @param outputSchema JSON Schema that the reply's text must fit; null for free text
 */
public record ModelRequest(
        String instructions,
        List<Message> messages,
        List<ToolSpec> tools,
        ModelParameters parameters,
        @Nullable Json outputSchema) {
    public ModelRequest {
        Objects.requireNonNull(instructions, "instructions");
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        Objects.requireNonNull(parameters, "parameters");
    }

    /** Free text with default parameters. */
    public static ModelRequest of(String instructions, List<Message> messages, List<ToolSpec> tools) {
        return new ModelRequest(instructions, messages, tools, ModelParameters.DEFAULT, null);
    }

    public Optional<Json> findOutputSchema() {
        return Optional.ofNullable(outputSchema);
    }
}

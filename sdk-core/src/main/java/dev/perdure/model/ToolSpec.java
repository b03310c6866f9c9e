package dev.perdure.model;

import dev.perdure.session.Json;
import java.util.Objects;

/**
 * What a model is told of a tool.
 *
 * @param name 1 to 64 of {@code A-Z a-z 0-9 _ -}, as every provider takes it
 * @param schema JSON Schema of the arguments, an object
 */
public record ToolSpec(String name, String description, Json schema) {
    public ToolSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(schema, "schema");
        if (!name.matches("[A-Za-z0-9_-]{1,64}")) {
            throw new IllegalArgumentException(
                    "a tool's name has 1 to 64 letters, digits, '_' or '-', but this is \"" + name + "\"");
        }
        if (!schema.isObject()) {
            throw new IllegalArgumentException("the schema of tool " + name + " is no JSON object: " + schema);
        }
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.session.Json;
import java.io.InputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads events and answers whole, for the wires whose events are few kinds of large things. */
final class Trees {
    private Trees() {}

    static ObjectNode read(byte[] data, int length) {
        return object(WireJson.JSON.readTree(data, 0, length));
    }

    static ObjectNode read(InputStream data) {
        return object(WireJson.JSON.readTree(data));
    }

    private static ObjectNode object(JsonNode json) {
        if (json instanceof ObjectNode object) {
            return object;
        }
        throw new NotTheProtocolException("no JSON object");
    }

    /** The text of a field; empty when it is missing, null or no text. */
    static String text(JsonNode json, String field) {
        JsonNode value = json.path(field);
        return value.isString() ? value.stringValue() : "";
    }

    static long number(JsonNode json, String field) {
        return json.path(field).asLong(0);
    }

    /**
     * As the log keeps it.
     *
     * @throws JacksonException when it is nested deeper than a log takes
     */
    static Json json(JsonNode json) {
        return Json.parse(json.toString());
    }
}

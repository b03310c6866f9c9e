package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.session.Json;
import java.io.InputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.node.ObjectNode;

/** Reads events and answers whole, for the wires whose events are few kinds of large things. */
final class Trees {
    /** An event is one object: what stands behind it would be lost. */
    private static final ObjectReader EVENT =
            WireJson.JSON.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** Tokens that a reply may have. What says more is wrong, and sums with it would run over. */
    private static final double MOST = 1e15;

    private Trees() {}

    static ObjectNode read(byte[] data, int length) {
        return object(EVENT.readTree(data, 0, length));
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

    /** A count of tokens; 0 for what is none. */
    static long number(JsonNode json, String field) {
        return count(json.path(field).asDouble(0));
    }

    static long count(double number) {
        return number > 0 && number <= MOST ? (long) number : 0;
    }

    /**
     * As the log keeps it.
     *
     * @throws NotTheProtocolException when it is nested deeper, or has longer numbers or names, than a log takes
     */
    static Json json(JsonNode json) {
        String text;
        try {
            text = json.toString();
        } catch (JacksonException e) {
            throw notToBeKept();
        }
        return json(text);
    }

    static Json json(String json) {
        try {
            return Json.parse(json);
        } catch (IllegalArgumentException | JacksonException e) {
            throw notToBeKept();
        }
    }

    /** Without the parser's own words, which may quote what came. */
    private static NotTheProtocolException notToBeKept() {
        return new NotTheProtocolException("a value that came is nested too deep or too long to be kept");
    }
}

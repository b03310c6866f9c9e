package dev.perdure.litellm.internal.http;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What a body says of an error, whatever its shape: OpenAI's {@code error}, FastAPI's {@code detail}, a bare text, HTML.
 *
 * @param message as it came, perhaps long
 * @param type empty when missing, null or the text {@code None}
 * @param code likewise; of a gateway usually the status
 */
public record ErrorBody(String message, String type, String code) {

    public static ErrorBody parse(String body) {
        try {
            return of(WireJson.JSON.readTree(body), body);
        } catch (JacksonException | NumberFormatException e) {
            return new ErrorBody(body, "", "");
        }
    }

    private static ErrorBody of(JsonNode json, String body) {
        if (json.hasNonNull("error")) {
            return ofError(json.get("error"), json.path("message").asString(""));
        }
        if (json.hasNonNull("detail")) {
            return ofDetail(json.get("detail"));
        }
        if (json.hasNonNull("message")) {
            return ofError(json, null);
        }
        return new ErrorBody(json.isString() ? json.asString() : body, "", "");
    }

    /** @param otherwise the message when {@code error} itself has none */
    public static ErrorBody ofError(JsonNode error, @Nullable String otherwise) {
        if (!error.isObject()) {
            return new ErrorBody(error.isString() ? error.asString() : error.toString(), "", "");
        }
        String message = field(error, "message");
        if (message.isEmpty()) {
            message = otherwise == null || otherwise.isEmpty() ? error.toString() : otherwise;
        }
        return new ErrorBody(message, field(error, "type"), field(error, "code"));
    }

    private static ErrorBody ofDetail(JsonNode detail) {
        // Of MCP's routes: a word for what it is, and a sentence.
        if (field(detail, "error").matches("[a-z_]+") && detail.path("message").isString()) {
            return new ErrorBody(field(detail, "message"), field(detail, "error"), "");
        }
        if (detail.hasNonNull("error")) {
            return ofError(detail.get("error"), null);
        }
        JsonNode first = detail.isArray() && !detail.isEmpty() ? detail.get(0) : detail;
        if (first.hasNonNull("msg")) {
            return new ErrorBody(first.get("msg").asString("") + " at " + first.path("loc"), "", "");
        }
        return ofError(detail, null);
    }

    private static String field(JsonNode error, String name) {
        JsonNode value = error.path(name);
        String text = value.isValueNode() && !value.isNull() ? value.asString("") : "";
        return text.equals("None") ? "" : text;
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * Collects the fields of an answer that {@link ModelReply} has no place for, over all chunks: arrays are joined, objects merged, of anything else the last one
 * counts; null and what is empty is left out. Confined.
 */
public final class Details {
    private final ObjectNode fields = WireJson.JSON.createObjectNode();

    /** The field whose value the parser is at. A text that is known already, as each chunk repeats some, costs no allocation. */
    void add(JsonParser in, String name, @Nullable JsonToken value) {
        if (value == null || value == JsonToken.VALUE_NULL) {
            return;
        }
        if (value != JsonToken.VALUE_STRING) {
            add(name, WireJson.JSON.readTree(in));
            return;
        }
        JsonNode known = fields.get(name);
        if (known == null || !known.isString() || !isAt(in, known.stringValue())) {
            add(name, StringNode.valueOf(in.getString()));
        }
    }

    private static boolean isAt(JsonParser in, String text) {
        if (in.getStringLength() != text.length()) {
            return false;
        }
        char[] chars = in.getStringCharacters();
        int offset = in.getStringOffset();
        for (int i = 0; i < text.length(); i++) {
            if (chars[offset + i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** @param value is kept, and changed */
    void add(String name, JsonNode value) {
        // Some providers repeat a whole list, such as that of their sources, in every chunk.
        if (!value.isArray() || !value.equals(fields.get(name))) {
            add(fields, name, value);
        }
    }

    private static void add(ObjectNode into, String name, JsonNode value) {
        if (value.isNull() || value.isMissingNode() || (value.isContainer() && value.isEmpty())) {
            return;
        }
        JsonNode known = into.get(name);
        if (value instanceof ArrayNode more && known instanceof ArrayNode array) {
            array.addAll(more);
        } else if (value instanceof ObjectNode more) {
            ObjectNode object = known instanceof ObjectNode before ? before : WireJson.JSON.createObjectNode();
            more.properties().forEach(field -> add(object, field.getKey(), field.getValue()));
            if (!object.isEmpty()) {
                into.set(name, object);
            }
        } else {
            into.set(name, value);
        }
    }

    void clear() {
        fields.removeAll();
    }

    /**
     * For {@link ModelReply#details()}: what was collected, as field {@code reply}.
     *
     * @param gateway a JSON object for the field of this name; null for none
     */
    public Json json(@Nullable String gateway) {
        if (fields.isEmpty() && gateway == null) {
            return Json.EMPTY;
        }
        String reply = fields.isEmpty() ? "" : "\"reply\":" + fields;
        String joint = fields.isEmpty() || gateway == null ? "" : ",";
        return Trees.json("{" + (gateway == null ? "" : "\"gateway\":" + gateway) + joint + reply + "}");
    }
}

package dev.perdure.litellm;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a stream or an answer says by the plainest reading there is: the whole text, split into lines, each event a tree. It is slow, and
 * it knows nothing of the reader that it is held against.
 */
final class StreamReading {
    private static final JsonMapper ONE_VALUE = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    /** What stands behind an answer is nobody's. */
    private static final JsonMapper FIRST_VALUE = ONE_VALUE
            .rebuild()
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Whether it is a whole reply: every event is an object and none an error, and the mark is there. */
    boolean whole;
    /** Whether what is said can be compared: no role but at the start, no field twice, nothing that is not UTF-8. */
    boolean clear = true;

    final StringBuilder text = new StringBuilder();
    int argumentLength;
    private boolean spoke;

    static StreamReading ofStream(byte[] bytes) {
        StreamReading reading = new StreamReading();
        String all = reading.decoded(bytes);
        for (String event : events(all.startsWith("\ufeff") ? all.substring(1) : all)) {
            if (event.equals("[DONE]")) {
                reading.whole = true;
                break;
            }
            if (!reading.take(event, ONE_VALUE)) {
                break;
            }
        }
        return reading;
    }

    /** Of another wire, of which no more is read than whether one of these events ends it. */
    static StreamReading ofEvents(byte[] bytes, String... ends) {
        StreamReading reading = new StreamReading();
        String all = reading.decoded(bytes);
        for (String event : events(all.startsWith("\ufeff") ? all.substring(1) : all)) {
            try {
                reading.whole |= Set.of(ends)
                        .contains(ONE_VALUE.readTree(event).path("type").asString(""));
            } catch (JacksonException e) {
                reading.clear &= !isDuplicate(e);
                break;
            }
        }
        return reading;
    }

    static StreamReading ofAnswer(byte[] bytes) {
        StreamReading reading = new StreamReading();
        reading.whole = reading.take(reading.decoded(bytes), FIRST_VALUE);
        return reading;
    }

    private String decoded(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            clear = false;
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /** The data of each event that is whole; of what stands after the last empty line, only the mark. */
    private static List<String> events(String all) {
        List<String> events = new ArrayList<>();
        String lines = all.replace("\r\n", "\n").replace('\r', '\n');
        StringBuilder data = null;
        for (int from = 0; from <= lines.length(); ) {
            int end = lines.indexOf('\n', from);
            boolean last = end < 0;
            String line = last ? lines.substring(from) : lines.substring(from, end);
            from = last ? lines.length() + 1 : end + 1;
            if (line.equals("data") || line.startsWith("data:")) {
                String value = line.equals("data") ? "" : line.substring(5);
                value = value.startsWith(" ") ? value.substring(1) : value;
                data = data == null ? new StringBuilder() : data.append('\n');
                data.append(value);
            }
            boolean marked = last && data != null && data.toString().equals("[DONE]");
            if (data != null && (marked || (line.isEmpty() && !last))) {
                if (!data.isEmpty()) {
                    events.add(data.toString());
                }
                data = null;
            }
        }
        return events;
    }

    private boolean take(String event, JsonMapper mapper) {
        JsonNode tree;
        try {
            tree = mapper.readTree(event);
        } catch (JacksonException e) {
            clear &= !isDuplicate(e);
            return false;
        }
        if (!tree.isObject() || tree.hasNonNull("error")) {
            return false;
        }
        for (JsonNode choice : tree.path("choices")) {
            if (choice.isObject()
                    && choice.path("index").isValueNode()
                    && !choice.path("index").isInt()) {
                clear = false;
            } else if (choice.isObject() && choice.path("index").asInt(0) == 0) {
                take(choice.path("delta"));
                take(choice.path("message"));
            }
        }
        return true;
    }

    /** A field twice is odd, not wrong; more cannot be said of it here. */
    private static boolean isDuplicate(JacksonException e) {
        return String.valueOf(e.getOriginalMessage()).startsWith("Duplicate");
    }

    private void take(JsonNode delta) {
        if (!delta.isObject()) {
            return;
        }
        // A role in the midst may be another model that begins anew.
        clear &= !(delta.path("role").isString() && spoke);
        spoke = true;
        for (Map.Entry<String, JsonNode> field : delta.properties()) {
            if (field.getKey().equals("content") || field.getKey().equals("refusal")) {
                content(field.getValue());
            }
        }
        for (JsonNode call : delta.path("tool_calls")) {
            JsonNode arguments = call.path("function").path("arguments");
            argumentLength += arguments.isObject()
                    ? arguments.toString().length()
                    : arguments.isString() ? arguments.stringValue().length() : 0;
        }
    }

    private void content(JsonNode content) {
        if (content.isString()) {
            text.append(content.stringValue());
        } else if (content.isArray()) {
            content.forEach(part -> text.append(part.path("text").asString("")));
        }
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.ErrorBody;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.session.Usage;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.node.ObjectNode;

/** Reads a chunk of a stream, or a plain answer, which has the same shape but for a name. Unknown fields are details. */
public final class ChunkParser {
    private ChunkParser() {}

    public static Chunk parse(byte[] data, int length, Details details) {
        try (JsonParser in = WireJson.JSON.createParser(data, 0, length)) {
            return parse(in, details);
        }
    }

    public static Chunk parse(InputStream data, Details details) {
        try (JsonParser in = WireJson.JSON.createParser(data)) {
            return parse(in, details);
        }
    }

    /** @param in stands before the chunk; is read no further than to its end */
    static Chunk parse(JsonParser in, Details details) {
        if (in.nextToken() != JsonToken.START_OBJECT) {
            throw new NotTheProtocolException("no JSON object");
        }
        Chunk chunk = new Chunk();
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "model" -> chunk.model = text(in, value);
                case "choices" -> choices(in, value, chunk, details);
                case "usage" -> usage(in, value, chunk);
                case "error" ->
                    chunk.error =
                            value == JsonToken.VALUE_NULL ? null : ErrorBody.ofError(WireJson.JSON.readTree(in), null);
                case "object", "created" -> in.skipChildren();
                default -> details.add(in, name, value);
            }
        }
        return chunk;
    }

    private static void choices(JsonParser in, JsonToken value, Chunk chunk, Details details) {
        if (value != JsonToken.START_ARRAY) {
            in.skipChildren();
            return;
        }
        while (nextObject(in)) {
            Chunk.Choice choice = choice(in, details);
            // Others come only when somebody asks for several answers; the first is the reply.
            if (choice.index == 0) {
                if (chunk.choice != null) {
                    throw new NotTheProtocolException("two choices with index 0 at once");
                }
                chunk.choice = choice;
            }
        }
    }

    /** Goes to the next element of an array that is an object. False at the end of the array. */
    private static boolean nextObject(JsonParser in) {
        JsonToken element = in.nextToken();
        while (element != JsonToken.START_OBJECT && element != JsonToken.END_ARRAY) {
            in.skipChildren();
            element = in.nextToken();
        }
        return element == JsonToken.START_OBJECT;
    }

    private static Chunk.Choice choice(JsonParser in, Details details) {
        Chunk.Choice choice = new Chunk.Choice();
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "index" -> choice.index = number(in, value) == 0 ? 0 : 1;
                case "finish_reason" -> choice.finishReason = textOrNull(in, value);
                case "delta", "message" -> delta(in, value, choice, details);
                default -> detail(in, name, value, choice, details);
            }
        }
        return choice;
    }

    private static void detail(JsonParser in, String name, JsonToken value, Chunk.Choice choice, Details details) {
        if (choice.index == 0) {
            details.add(in, name, value);
        } else {
            in.skipChildren();
        }
    }

    private static void delta(JsonParser in, JsonToken start, Chunk.Choice choice, Details details) {
        if (start != JsonToken.START_OBJECT) {
            in.skipChildren();
            return;
        }
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "role" -> choice.role = textOrNull(in, value);
                case "content", "refusal" -> choice.text = joined(choice.text, content(in, value));
                case "reasoning_content", "reasoning" -> choice.thinking = longer(choice.thinking, text(in, value));
                case "thinking_blocks" -> thinkingBlocks(in, value, choice);
                case "tool_calls" -> toolCalls(in, value, choice);
                default -> detail(in, name, value, choice, details);
            }
        }
    }

    /** Some servers send the same reasoning under both names. */
    private static String longer(String one, String other) {
        return other.length() > one.length() ? other : one;
    }

    private static String joined(String one, String other) {
        return one.isEmpty() ? other : one + other;
    }

    /** A text, or the texts of a list of typed parts. */
    private static String content(JsonParser in, JsonToken value) {
        if (value != JsonToken.START_ARRAY) {
            return text(in, value);
        }
        StringBuilder texts = new StringBuilder();
        WireJson.JSON
                .readTree(in)
                .forEach(part -> texts.append(part.path("text").asString("")));
        return texts.toString();
    }

    private static void thinkingBlocks(JsonParser in, JsonToken value, Chunk.Choice choice) {
        if (value != JsonToken.START_ARRAY) {
            in.skipChildren();
            return;
        }
        WireJson.JSON.readTree(in).forEach(block -> {
            if (block instanceof ObjectNode object) {
                choice.add(object);
            }
        });
    }

    private static void toolCalls(JsonParser in, JsonToken value, Chunk.Choice choice) {
        if (value != JsonToken.START_ARRAY) {
            in.skipChildren();
            return;
        }
        while (nextObject(in)) {
            choice.add(toolPiece(in));
        }
    }

    private static Chunk.ToolPiece toolPiece(JsonParser in) {
        Chunk.ToolPiece piece = new Chunk.ToolPiece();
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "index" -> piece.index = integerOrNull(in, value);
                case "id" -> piece.id = text(in, value);
                case "function" -> function(in, value, piece);
                default -> in.skipChildren();
            }
        }
        return piece;
    }

    private static void function(JsonParser in, JsonToken start, Chunk.ToolPiece piece) {
        if (start != JsonToken.START_OBJECT) {
            in.skipChildren();
            return;
        }
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "name" -> piece.name = text(in, value);
                // Some servers send the arguments as an object, not as its text.
                case "arguments" ->
                    piece.arguments = value == JsonToken.START_OBJECT
                            ? WireJson.JSON.readTree(in).toString()
                            : text(in, value);
                default -> in.skipChildren();
            }
        }
    }

    private static void usage(JsonParser in, JsonToken start, Chunk chunk) {
        if (start != JsonToken.START_OBJECT) {
            in.skipChildren();
            return;
        }
        long input = 0;
        long output = 0;
        long cached = 0;
        long reasoning = 0;
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            JsonToken value = in.nextToken();
            switch (name) {
                case "prompt_tokens" -> input = count(in, value);
                case "completion_tokens" -> output = count(in, value);
                case "prompt_tokens_details" -> cached = Math.max(cached, count(in, value, "cached_tokens"));
                case "cache_read_input_tokens" -> cached = Math.max(cached, count(in, value));
                case "completion_tokens_details" -> reasoning = count(in, value, "reasoning_tokens");
                case "cost" -> chunk.cost = value.isNumeric() ? in.getString() : textOrNull(in, value);
                default -> in.skipChildren();
            }
        }
        chunk.usage = new Usage(input, output, cached, reasoning);
    }

    private static long count(JsonParser in, JsonToken start, String wanted) {
        if (start != JsonToken.START_OBJECT) {
            in.skipChildren();
            return 0;
        }
        long found = 0;
        for (String name = in.nextName(); name != null; name = in.nextName()) {
            long count = count(in, in.nextToken());
            found = name.equals(wanted) ? count : found;
        }
        return found;
    }

    /** A count of tokens, perhaps as a text or with a point; 0 for what is none. */
    private static long count(JsonParser in, JsonToken value) {
        return Trees.count(number(in, value));
    }

    private static double number(JsonParser in, JsonToken value) {
        if (value.isNumeric() || value == JsonToken.VALUE_STRING) {
            return in.getValueAsDouble(0);
        }
        in.skipChildren();
        return 0;
    }

    private static String text(JsonParser in, @Nullable JsonToken value) {
        if (value == JsonToken.VALUE_STRING) {
            return in.getString();
        }
        in.skipChildren();
        return "";
    }

    private static @Nullable String textOrNull(JsonParser in, JsonToken value) {
        if (value == JsonToken.VALUE_STRING) {
            return in.getString();
        }
        in.skipChildren();
        return null;
    }

    private static @Nullable Integer integerOrNull(JsonParser in, JsonToken value) {
        if (value == JsonToken.VALUE_NUMBER_INT) {
            return in.getIntValue();
        }
        in.skipChildren();
        return null;
    }
}

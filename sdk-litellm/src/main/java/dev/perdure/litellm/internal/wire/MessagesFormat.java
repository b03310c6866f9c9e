package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.ErrorBody;
import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Usage;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Anthropic's messages. */
final class MessagesFormat implements WireFormat {
    /** Fields that a reply has a place for, or that say nothing. */
    private static final Set<String> PLACED =
            Set.of("type", "role", "content", "model", "stop_reason", "usage", "delta");

    private final Details details;
    /** Tool calls and blocks of other kinds that have begun and not ended, by index. */
    private final TreeMap<Integer, Block> open = new TreeMap<>();

    private String id = "";
    private boolean whole;
    private long input;
    private long cacheWritten;
    private long cacheRead;
    private long output;

    MessagesFormat(Details details) {
        this.details = details;
    }

    /** @param input as far as it has come */
    private record Block(ObjectNode json, StringBuilder input) {}

    @Override
    public String route() {
        return "messages";
    }

    @Override
    public JsonBody body(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return MessagesBody.of(request, model, parameters, streamed);
    }

    @Override
    public void plain(InputStream data, Consumer<Chunk> to) {
        ObjectNode message = Trees.read(data);
        if (message.hasNonNull("error")) {
            to.accept(Chunk.of(ErrorBody.ofError(message.get("error"), null)));
            return;
        }
        if (!message.path("content").isArray()) {
            throw new NotTheProtocolException("there is no content in the answer");
        }
        to.accept(begin(message));
        int index = 0;
        for (JsonNode block : message.get("content")) {
            to.accept(Chunk.of(begin(index, block)));
            end(index++, to);
        }
    }

    @Override
    public void event(byte[] data, int length, Consumer<Chunk> to) {
        ObjectNode event = Trees.read(data, length);
        if (event.hasNonNull("error")) {
            to.accept(Chunk.of(ErrorBody.ofError(event.get("error"), null)));
            return;
        }
        int index = event.path("index").asInt(0);
        switch (Trees.text(event, "type")) {
            case "message_start" -> {
                open.clear();
                to.accept(begin(event.path("message")));
            }
            case "content_block_start" -> to.accept(Chunk.of(begin(index, event.path("content_block"))));
            case "content_block_delta" -> to.accept(Chunk.of(delta(index, event.path("delta"))));
            case "content_block_stop" -> end(index, to);
            case "message_delta" -> {
                addDetails(event);
                addDetails(event.path("delta"));
                to.accept(counted(event, stopped(event.path("delta"))));
            }
            case "message_stop" -> {
                while (!open.isEmpty()) {
                    end(open.firstKey(), to);
                }
                // Once more, as a reply that starts again drops what was known before.
                details.add("id", StringNode.valueOf(id));
                whole = true;
            }
            default -> {}
        }
    }

    private Chunk begin(JsonNode message) {
        addDetails(message);
        Chunk.Choice choice = stopped(message);
        choice.role = "assistant";
        Chunk chunk = counted(message, choice);
        chunk.model = Trees.text(message, "model");
        id = Trees.text(message, "id");
        return chunk;
    }

    private void addDetails(JsonNode json) {
        json.properties().forEach(field -> {
            if (!PLACED.contains(field.getKey())) {
                details.add(field.getKey(), field.getValue());
            }
        });
    }

    /** In the words of chat completions. */
    private static Chunk.Choice stopped(JsonNode json) {
        Chunk.Choice choice = new Chunk.Choice();
        String reason = Trees.text(json, "stop_reason");
        choice.finishReason = switch (reason) {
            case "" -> null;
            case "end_turn", "stop_sequence" -> "stop";
            case "tool_use" -> "tool_calls";
            case "max_tokens", "model_context_window_exceeded" -> "length";
            case "refusal" -> "content_filter";
            default -> reason;
        };
        return choice;
    }

    /** The counts grow in the course of a stream; its begin may say 0 of what only its end knows. */
    private Chunk counted(JsonNode json, Chunk.Choice choice) {
        JsonNode usage = json.path("usage");
        Chunk chunk = Chunk.of(choice);
        if (!usage.isObject()) {
            return chunk;
        }
        input = Math.max(input, Trees.number(usage, "input_tokens"));
        cacheWritten = Math.max(cacheWritten, Trees.number(usage, "cache_creation_input_tokens"));
        cacheRead = Math.max(cacheRead, Trees.number(usage, "cache_read_input_tokens"));
        output = Math.max(output, Trees.number(usage, "output_tokens"));
        // Anthropic's input leaves out what was written to the cache and read from it.
        chunk.usage = new Usage(input + cacheWritten + cacheRead, output, cacheRead, 0);
        chunk.cost = usage.path("cost").isNumber() ? usage.get("cost").asString() : null;
        return chunk;
    }

    /** A block as it begins, or whole. */
    private Chunk.Choice begin(int index, JsonNode json) {
        Chunk.Choice choice = new Chunk.Choice();
        if (!(json instanceof ObjectNode block)) {
            return choice;
        }
        switch (Trees.text(block, "type")) {
            case "text" -> {
                choice.text = Trees.text(block, "text");
                details.add("citations", block.path("citations"));
            }
            case "thinking", "redacted_thinking" -> choice.add(block);
            case "tool_use" -> {
                Chunk.ToolPiece piece = toolPiece(index, choice);
                piece.id = Trees.text(block, "id");
                piece.name = Trees.text(block, "name");
                open(index, block);
            }
            default -> open(index, block);
        }
        return choice;
    }

    private void open(int index, ObjectNode block) {
        JsonNode whole = block.path("input");
        open.put(index, new Block(block, new StringBuilder(whole.isEmpty() ? "" : whole.toString())));
    }

    private Chunk.Choice delta(int index, JsonNode delta) {
        Chunk.Choice choice = new Chunk.Choice();
        switch (Trees.text(delta, "type")) {
            case "text_delta" -> choice.text = Trees.text(delta, "text");
            case "thinking_delta" -> thinkingPiece(choice).put("thinking", Trees.text(delta, "thinking"));
            case "signature_delta" ->
                thinkingPiece(choice).put("thinking", "").put("signature", Trees.text(delta, "signature"));
            case "citations_delta" ->
                details.add("citations", WireJson.JSON.createArrayNode().add(delta.path("citation")));
            case "input_json_delta" -> {
                Block block = open.get(index);
                if (block != null) {
                    block.input.append(Trees.text(delta, "partial_json"));
                }
            }
            default -> {}
        }
        return choice;
    }

    private static ObjectNode thinkingPiece(Chunk.Choice choice) {
        ObjectNode piece = WireJson.JSON.createObjectNode().put("type", "thinking");
        choice.add(piece);
        return piece;
    }

    private static Chunk.ToolPiece toolPiece(int index, Chunk.Choice choice) {
        Chunk.ToolPiece piece = new Chunk.ToolPiece();
        piece.index = index;
        choice.add(piece);
        return piece;
    }

    private void end(int index, Consumer<Chunk> to) {
        Block block = open.remove(index);
        if (block == null) {
            return;
        }
        String input = block.input.toString();
        Chunk.Choice choice = new Chunk.Choice();
        if (Trees.text(block.json, "type").equals("tool_use")) {
            toolPiece(index, choice).arguments = input.isEmpty() ? "{}" : input;
        } else {
            if (!input.isEmpty()) {
                block.json.set("input", WireJson.JSON.readTree(Arguments.asObject(input)));
            }
            choice.others = List.of(Kept.other(Kept.BLOCK, block.json));
        }
        to.accept(Chunk.of(choice));
    }

    @Override
    public boolean isWhole() {
        return whole;
    }

    @Override
    public boolean isOver() {
        return whole;
    }

    @Override
    public void done() {
        // Not said here.
    }

    @Override
    public boolean tellsCost() {
        return false;
    }
}

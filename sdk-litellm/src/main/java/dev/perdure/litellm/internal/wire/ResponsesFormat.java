package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.ErrorBody;
import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Usage;
import java.io.InputStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAI's responses. Text, reasoning and arguments come in pieces or with their whole item, or only with the whole response at the end: what came first is taken, the rest
 * adds what is missing.
 */
final class ResponsesFormat implements WireFormat {
    /** Fields of a response that a reply has a place for, or that repeat the request. */
    private static final Set<String> PLACED = Set.of(
            "object",
            "created_at",
            "completed_at",
            "model",
            "output",
            "status",
            "usage",
            "error",
            "background",
            "frequency_penalty",
            "instructions",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "parallel_tool_calls",
            "presence_penalty",
            "previous_response_id",
            "prompt_cache_key",
            "prompt_cache_retention",
            "reasoning",
            "safety_identifier",
            "store",
            "temperature",
            "text",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "truncation",
            "user");

    private final Details details;
    /** Calls by the id of their item, or its place where it has none. */
    private final Map<String, Call> calls = new HashMap<>();

    private final Set<String> itemsTaken = new HashSet<>();
    private boolean textCame;
    private boolean thinkingCame;
    private boolean whole;
    private boolean over;

    ResponsesFormat(Details details) {
        this.details = details;
    }

    /** A call that has begun. */
    private static final class Call {
        final int index;
        boolean named;
        boolean hasArguments;

        Call(int index) {
            this.index = index;
        }
    }

    @Override
    public String route() {
        return "responses";
    }

    @Override
    public JsonBody body(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return ResponsesBody.of(request, model, parameters, streamed);
    }

    @Override
    public void plain(InputStream data, Consumer<Chunk> to) {
        ObjectNode response = Trees.read(data);
        if (response.hasNonNull("error")) {
            to.accept(error(response.get("error")));
            return;
        }
        if (!response.path("output").isArray()) {
            throw new NotTheProtocolException("there is no output in the answer");
        }
        to.accept(begin(response, ""));
        end(response, to);
        if (!whole) {
            throw new NotTheProtocolException(
                    "the response is not made yet; the extra parameter \"background\" cannot be used here");
        }
    }

    @Override
    public void event(byte[] data, int length, Consumer<Chunk> to) {
        ObjectNode event = Trees.read(data, length);
        JsonNode response = event.path("response");
        switch (Trees.text(event, "type")) {
            case "response.created" -> to.accept(begin(response, Trees.text(event, "model")));
            case "response.output_text.delta", "response.refusal.delta" -> text(Trees.text(event, "delta"), to);
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" ->
                thinking(Trees.text(event, "delta"), to);
            case "response.reasoning_summary_part.added" -> {
                if (Trees.number(event, "summary_index") > 0) {
                    thinking("\n\n", to);
                }
            }
            case "response.function_call_arguments.delta" ->
                arguments(call(key(event, Trees.text(event, "item_id"))), Trees.text(event, "delta"), to);
            case "response.output_item.added" -> added(event, to);
            case "response.output_item.done" -> item(event, event.path("item"), to);
            case "response.completed", "response.incomplete" -> end(response, to);
            case "response.failed" -> to.accept(error(response.path("error")));
            case "error" -> to.accept(error(event.hasNonNull("error") ? event.get("error") : event));
            default -> {
                if (event.hasNonNull("error")) {
                    to.accept(error(event.get("error")));
                }
            }
        }
    }

    /** What kind it is stands in the code here. */
    private static Chunk error(JsonNode json) {
        ErrorBody error = ErrorBody.ofError(json, null);
        boolean unnamed = error.type().isEmpty() || error.type().equals("error");
        return Chunk.of(unnamed ? new ErrorBody(error.message(), error.code(), error.code()) : error);
    }

    /**
     * A second begin in one stream is a fallback to another deployment, or the gateway goes on after it has run tools by itself: what came before, calls included, is not the
     * reply.
     */
    private Chunk begin(JsonNode response, String model) {
        calls.clear();
        itemsTaken.clear();
        textCame = false;
        thinkingCame = false;
        whole = false;
        details.add("id", response.path("id"));
        Chunk.Choice choice = new Chunk.Choice();
        choice.role = "assistant";
        Chunk chunk = Chunk.of(choice);
        // The one that was asked for, where the gateway says both.
        chunk.model = model.isEmpty() ? Trees.text(response, "model") : model;
        return chunk;
    }

    private void addDetails(JsonNode response) {
        response.properties().forEach(field -> {
            if (!PLACED.contains(field.getKey())) {
                details.add(field.getKey(), field.getValue());
            }
        });
    }

    private void text(String more, Consumer<Chunk> to) {
        textCame = true;
        Chunk.Choice choice = new Chunk.Choice();
        choice.text = more;
        to.accept(Chunk.of(choice));
    }

    private void thinking(String more, Consumer<Chunk> to) {
        thinkingCame = true;
        Chunk.Choice choice = new Chunk.Choice();
        choice.thinking = more;
        to.accept(Chunk.of(choice));
    }

    private static String key(JsonNode event, String itemId) {
        return itemId.isEmpty() ? "#" + event.path("output_index").asString("") : itemId;
    }

    private Call call(String key) {
        return calls.computeIfAbsent(key, none -> new Call(calls.size()));
    }

    private void arguments(Call call, String more, Consumer<Chunk> to) {
        call.hasArguments |= !more.isEmpty();
        piece(call, "", "", more, to);
    }

    private static void piece(Call call, String id, String name, String arguments, Consumer<Chunk> to) {
        Chunk.ToolPiece piece = new Chunk.ToolPiece();
        piece.index = call.index;
        piece.id = id;
        piece.name = name;
        piece.arguments = arguments;
        Chunk.Choice choice = new Chunk.Choice();
        choice.add(piece);
        to.accept(Chunk.of(choice));
    }

    /** Takes the place of a call among the parts. */
    private void added(JsonNode event, Consumer<Chunk> to) {
        JsonNode item = event.path("item");
        if (Trees.text(item, "type").equals("function_call")) {
            Call call = call(key(event, Trees.text(item, "id")));
            call.named = true;
            piece(call, Trees.text(item, "call_id"), Trees.text(item, "name"), "", to);
        } else if (Trees.text(item, "type").equals("reasoning")) {
            thinkingCame = false;
        } else if (Trees.text(item, "type").equals("message")) {
            textCame = false;
        }
    }

    /** An item that is whole. */
    private void item(JsonNode event, JsonNode json, Consumer<Chunk> to) {
        if (!(json instanceof ObjectNode item)) {
            return;
        }
        itemsTaken.add(identity(item));
        switch (Trees.text(item, "type")) {
            case "function_call" -> {
                Call call = call(key(event, Trees.text(item, "id")));
                String arguments = call.hasArguments ? "" : Trees.text(item, "arguments");
                call.hasArguments = true;
                piece(
                        call,
                        call.named ? "" : Trees.text(item, "call_id"),
                        call.named ? "" : Trees.text(item, "name"),
                        arguments,
                        to);
            }
            case "message" -> message(item, to);
            case "reasoning" -> reasoning(item, to);
            default -> {
                Chunk.Choice choice = new Chunk.Choice();
                choice.others = List.of(Kept.other(Kept.ITEM, item));
                to.accept(Chunk.of(choice));
            }
        }
    }

    private void message(JsonNode item, Consumer<Chunk> to) {
        StringBuilder text = new StringBuilder();
        for (JsonNode part : item.path("content")) {
            text.append(Trees.text(part, "text")).append(Trees.text(part, "refusal"));
            details.add("annotations", part.path("annotations"));
            details.add("logprobs", part.path("logprobs"));
        }
        if (!textCame) {
            text(text.toString(), to);
        }
    }

    private void reasoning(ObjectNode item, Consumer<Chunk> to) {
        Chunk.Choice choice = new Chunk.Choice();
        choice.add(item);
        if (!thinkingCame) {
            String summary = joined(item.path("summary"));
            choice.thinking = summary.isEmpty() ? joined(item.path("content")) : summary;
        }
        to.accept(Chunk.of(choice));
    }

    private static String joined(JsonNode parts) {
        StringBuilder text = new StringBuilder();
        for (JsonNode part : parts) {
            text.append(text.isEmpty() ? "" : "\n\n").append(Trees.text(part, "text"));
        }
        return text.toString();
    }

    /** Ids of items may differ between their events and the whole response; those of calls do not. */
    private static String identity(JsonNode item) {
        String type = Trees.text(item, "type");
        return switch (type) {
            case "function_call" -> Trees.text(item, "call_id");
            case "message", "reasoning" -> type;
            default -> type + " " + Trees.text(item, "id");
        };
    }

    /** The whole response. */
    private void end(JsonNode response, Consumer<Chunk> to) {
        Set<String> before = Set.copyOf(itemsTaken);
        boolean calledTools = false;
        for (JsonNode item : response.path("output")) {
            calledTools |= Trees.text(item, "type").equals("function_call");
            if (!before.contains(identity(item))) {
                item(response, item, to);
            }
        }
        addDetails(response);
        String status = Trees.text(response, "status");
        whole = status.isEmpty() || status.equals("completed") || status.equals("incomplete");
        Chunk.Choice choice = new Chunk.Choice();
        choice.finishReason = finishReason(response, calledTools || !calls.isEmpty());
        Chunk chunk = Chunk.of(choice);
        count(response.path("usage"), chunk);
        to.accept(chunk);
    }

    /** In the words of chat completions. */
    private static String finishReason(JsonNode response, boolean calledTools) {
        if (Trees.text(response, "status").equals("incomplete")) {
            String reason = Trees.text(response.path("incomplete_details"), "reason");
            return reason.isEmpty() || reason.equals("max_output_tokens") ? "length" : reason;
        }
        return calledTools ? "tool_calls" : "stop";
    }

    private static void count(JsonNode usage, Chunk chunk) {
        if (usage.isObject()) {
            chunk.usage = new Usage(
                    Trees.number(usage, "input_tokens"),
                    Trees.number(usage, "output_tokens"),
                    Trees.number(usage.path("input_tokens_details"), "cached_tokens"),
                    Trees.number(usage.path("output_tokens_details"), "reasoning_tokens"));
            chunk.cost = usage.path("cost").isNumber() ? usage.get("cost").asString() : null;
        }
    }

    @Override
    public boolean isWhole() {
        return whole;
    }

    @Override
    public boolean isOver() {
        return over;
    }

    /** Comes even after half a response; without it, more may follow a whole one. */
    @Override
    public void done() {
        over = true;
    }

    @Override
    public boolean tellsCost() {
        return false;
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.model.Message;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** Writes the conversation. Confined to one request. */
public final class MessageWriter {
    private final JsonGenerator out;
    private final Deque<String> madeIds = new ArrayDeque<>();
    private int position;

    public MessageWriter(JsonGenerator out) {
        this.out = out;
    }

    public void write(String instructions, List<Message> messages) {
        out.writeStartArray();
        if (!instructions.isEmpty()) {
            start("system");
            out.writeStringProperty("content", instructions);
            out.writeEndObject();
        }
        for (Message message : messages) {
            position++;
            write(message);
        }
        out.writeEndArray();
    }

    private void write(Message message) {
        if (message instanceof Message.User user) {
            user(user);
        } else if (message instanceof Message.Assistant assistant) {
            assistant(assistant);
        } else if (message instanceof Message.ToolResult result) {
            toolResult(result);
        }
    }

    private void user(Message.User user) {
        start("user");
        out.writeName("content");
        if (user.parts().size() == 1 && user.parts().get(0) instanceof Part.Text text) {
            out.writeString(text.text());
        } else {
            out.writeStartArray();
            user.parts().forEach(this::content);
            out.writeEndArray();
        }
        out.writeEndObject();
    }

    private void content(Part part) {
        if (part instanceof Part.Text text) {
            out.writeStartObject();
            out.writeStringProperty("type", "text");
            out.writeStringProperty("text", text.text());
            out.writeEndObject();
        } else if (part instanceof Part.Media media) {
            MediaWriter.write(out, media);
        }
    }

    private void assistant(Message.Assistant assistant) {
        start("assistant");
        List<Part.ToolUse> calls = all(assistant, Part.ToolUse.class);
        String text = join(
                all(assistant, Part.Text.class).stream().map(Part.Text::text).toList());
        if (text.isEmpty() && !calls.isEmpty()) {
            out.writeNullProperty("content");
        } else {
            out.writeStringProperty("content", text);
        }
        thinking(all(assistant, Part.Thinking.class));
        toolCalls(calls);
        out.writeEndObject();
    }

    /** Both forms, as they came: a provider that signs its thinking refuses the conversation without the blocks. */
    private void thinking(List<Part.Thinking> parts) {
        String text = join(parts.stream().map(Part.Thinking::text).toList());
        if (!text.isEmpty()) {
            out.writeStringProperty("reasoning_content", text);
        }
        List<Json> blocks = new ArrayList<>();
        for (Part.Thinking part : parts) {
            Json verbatim = part.verbatim() == null ? Json.EMPTY : part.verbatim();
            verbatim.find("thinking_blocks").ifPresent(found -> blocks.addAll(found.elements()));
        }
        if (!blocks.isEmpty()) {
            out.writeName("thinking_blocks");
            out.writeRawValue(Json.of(blocks).text());
        }
    }

    private void toolCalls(List<Part.ToolUse> calls) {
        madeIds.clear();
        if (calls.isEmpty()) {
            return;
        }
        out.writeName("tool_calls");
        out.writeStartArray();
        for (int i = 0; i < calls.size(); i++) {
            toolCall(calls.get(i), i);
        }
        out.writeEndArray();
    }

    private void toolCall(Part.ToolUse call, int ordinal) {
        out.writeStartObject();
        out.writeStringProperty("id", call.providerId().isEmpty() ? madeId(ordinal) : call.providerId());
        out.writeStringProperty("type", "function");
        out.writeName("function");
        out.writeStartObject();
        out.writeStringProperty("name", call.name());
        out.writeStringProperty("arguments", arguments(call.arguments()));
        out.writeEndObject();
        out.writeEndObject();
    }

    /** For a provider that gave none, one that its results find again: they follow in the order of the calls. */
    private String madeId(int ordinal) {
        String id = "call_" + position + "_" + ordinal;
        madeIds.add(id);
        return id;
    }

    /** Gateways parse them for some providers, and would refuse this conversation for ever over a slip of the model. */
    private static String arguments(String written) {
        if (written.isBlank()) {
            return "{}";
        }
        try {
            return Json.parse(written).isObject() ? written : asText(written);
        } catch (IllegalArgumentException e) {
            return asText(written);
        }
    }

    private static String asText(String written) {
        return Json.EMPTY.with("not_an_object", written).text();
    }

    private void toolResult(Message.ToolResult result) {
        String made = result.providerId().isEmpty() ? madeIds.poll() : null;
        start("tool");
        out.writeStringProperty("tool_call_id", made == null ? result.providerId() : made);
        out.writeStringProperty("content", result.output());
        out.writeEndObject();
    }

    private void start(String role) {
        out.writeStartObject();
        out.writeStringProperty("role", role);
    }

    private static <P extends Part> List<P> all(Message.Assistant message, Class<P> kind) {
        return message.parts().stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private static String join(List<String> texts) {
        return String.join("", texts);
    }
}

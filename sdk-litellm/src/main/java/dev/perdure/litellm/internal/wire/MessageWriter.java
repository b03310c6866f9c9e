package dev.perdure.litellm.internal.wire;

import dev.perdure.model.Message;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** Writes the conversation for chat completions. Confined to one request. */
public final class MessageWriter {
    private final JsonGenerator out;
    private final CallIds ids = new CallIds();

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
            ids.at(message);
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
        if (calls.isEmpty()) {
            return;
        }
        out.writeName("tool_calls");
        out.writeStartArray();
        calls.forEach(this::toolCall);
        out.writeEndArray();
    }

    private void toolCall(Part.ToolUse call) {
        out.writeStartObject();
        out.writeStringProperty("id", ids.of(call));
        out.writeStringProperty("type", "function");
        out.writeName("function");
        out.writeStartObject();
        out.writeStringProperty("name", call.name());
        out.writeStringProperty("arguments", Arguments.asObject(call.arguments()));
        out.writeEndObject();
        out.writeEndObject();
    }

    private void toolResult(Message.ToolResult result) {
        start("tool");
        out.writeStringProperty("tool_call_id", ids.of(result));
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

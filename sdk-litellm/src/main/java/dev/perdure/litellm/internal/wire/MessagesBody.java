package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.List;

/** A request in Anthropic's shape. */
public final class MessagesBody extends BodyWriter {
    /** Where nobody says how long a reply may be; every model that is served today takes it. */
    private static final int MOST_TOKENS = 8192;

    private final CallIds ids = new CallIds();

    private MessagesBody(ModelParameters parameters) {
        super(parameters);
    }

    /** @param parameters those of the request completed by the client's */
    public static JsonBody of(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return new MessagesBody(parameters).body(request, model, streamed);
    }

    @Override
    void fields(ModelRequest request, String model, boolean streamed) {
        field("model", model);
        limit("max_tokens", parameters.findMaxTokens().orElse(MOST_TOKENS));
        if (!request.instructions().isEmpty()) {
            field("system", request.instructions());
        }
        name("messages");
        messages(request.messages());
        tools(request.tools(), this::tool);
        request.findOutputSchema()
                .ifPresent(schema -> within(
                        "output_config",
                        "format",
                        Json.EMPTY.with("type", "json_schema").with("schema", schema)));
        temperature();
        stream(streamed);
    }

    private void tool(ToolSpec tool) {
        out.writeStartObject();
        out.writeStringProperty("name", tool.name());
        out.writeStringProperty("description", tool.description());
        out.writeName("input_schema");
        out.writeRawValue(tool.schema().text());
        out.writeEndObject();
    }

    /** All results of a reply's calls are one message of the user. */
    private void messages(List<Message> messages) {
        out.writeStartArray();
        boolean inResults = false;
        for (Message message : messages) {
            ids.at(message);
            if (inResults && !(message instanceof Message.ToolResult)) {
                end();
                inResults = false;
            }
            if (message instanceof Message.User user) {
                user(user);
            } else if (message instanceof Message.Assistant assistant) {
                assistant(assistant);
            } else if (message instanceof Message.ToolResult result) {
                if (!inResults) {
                    start("user");
                    inResults = true;
                }
                toolResult(result);
            }
        }
        if (inResults) {
            end();
        }
        out.writeEndArray();
    }

    private void start(String role) {
        out.writeStartObject();
        out.writeStringProperty("role", role);
        out.writeName("content");
        out.writeStartArray();
    }

    private void end() {
        out.writeEndArray();
        out.writeEndObject();
    }

    private void user(Message.User user) {
        start("user");
        for (Part part : user.parts()) {
            if (part instanceof Part.Text text) {
                text(text);
            } else if (part instanceof Part.Media media) {
                media(media);
            }
        }
        end();
    }

    /** A message without content, and a text without a letter, would be refused. */
    private void assistant(Message.Assistant assistant) {
        List<Part> parts =
                assistant.parts().stream().filter(MessagesBody::isCarried).toList();
        if (parts.isEmpty()) {
            return;
        }
        start("assistant");
        for (Part part : parts) {
            if (part instanceof Part.Text text) {
                text(text);
            } else if (part instanceof Part.ToolUse call) {
                toolUse(call);
            } else {
                Kept.blocks(part).forEach(block -> out.writeRawValue(block.text()));
            }
        }
        end();
    }

    private static boolean isCarried(Part part) {
        return part instanceof Part.Text text
                ? !text.text().isBlank()
                : part instanceof Part.ToolUse || !Kept.blocks(part).isEmpty();
    }

    private void text(Part.Text text) {
        out.writeStartObject();
        out.writeStringProperty("type", "text");
        out.writeStringProperty("text", text.text());
        out.writeEndObject();
    }

    private void toolUse(Part.ToolUse call) {
        out.writeStartObject();
        out.writeStringProperty("type", "tool_use");
        out.writeStringProperty("id", ids.of(call));
        out.writeStringProperty("name", call.name());
        out.writeName("input");
        out.writeRawValue(Arguments.asObject(call.arguments()));
        out.writeEndObject();
    }

    private void toolResult(Message.ToolResult result) {
        out.writeStartObject();
        out.writeStringProperty("type", "tool_result");
        out.writeStringProperty("tool_use_id", ids.of(result));
        out.writeStringProperty("content", result.output());
        if (result.error()) {
            out.writeBooleanProperty("is_error", true);
        }
        out.writeEndObject();
    }

    private void media(Part.Media media) {
        boolean inline = MediaWriter.isInline(media);
        if (media.mediaType().startsWith("audio/")) {
            throw ModelException.of(
                    Kind.BAD_REQUEST,
                    "Anthropic's messages carry no " + media.mediaType() + "; another wire does: LiteLlm.wire(…)");
        }
        boolean image = media.mediaType().startsWith("image/");
        out.writeStartObject();
        out.writeStringProperty("type", image ? "image" : "document");
        out.writeName("source");
        out.writeStartObject();
        out.writeStringProperty("type", inline ? "base64" : "url");
        if (inline) {
            out.writeStringProperty("media_type", media.mediaType());
            out.writeStringProperty("data", MediaWriter.data(media));
        } else {
            out.writeStringProperty("url", media.uri());
        }
        out.writeEndObject();
        if (!image && media.name() != null) {
            out.writeStringProperty("title", media.name());
        }
        out.writeEndObject();
    }
}

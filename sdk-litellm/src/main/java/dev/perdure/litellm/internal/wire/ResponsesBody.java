package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.model.Message;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import dev.perdure.session.Json;
import dev.perdure.session.Part;

/** A request of OpenAI's responses. Nothing is left at the provider unless the extra parameter {@code store} says so: the whole conversation is in it. */
public final class ResponsesBody extends BodyWriter {
    private final CallIds ids = new CallIds();

    private ResponsesBody(ModelParameters parameters) {
        super(parameters);
    }

    /** @param parameters those of the request completed by the client's */
    public static JsonBody of(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return new ResponsesBody(parameters).body(request, model, streamed);
    }

    @Override
    void fields(ModelRequest request, String model, boolean streamed) {
        field("model", model);
        if (!request.instructions().isEmpty()) {
            field("instructions", request.instructions());
        }
        name("input");
        out.writeStartArray();
        request.messages().forEach(this::message);
        out.writeEndArray();
        tools(request.tools(), this::tool);
        request.findOutputSchema()
                .ifPresent(schema -> within(
                        "text",
                        "format",
                        Json.EMPTY
                                .with("type", "json_schema")
                                .with("name", "output")
                                .with("schema", schema)));
        temperature();
        parameters.findMaxTokens().ifPresent(most -> limit("max_output_tokens", most));
        stream(streamed);
        unlessExtra("store", "false");
        // Models that do not reason refuse it, and who wants reasoning says how much.
        if (parameters.extra().find("reasoning").isPresent()) {
            unlessExtra("include", "[\"reasoning.encrypted_content\"]");
        }
    }

    /** Not strict, which is the default here, and asks more of a schema than the other wires do. */
    private void tool(ToolSpec tool) {
        out.writeStartObject();
        out.writeStringProperty("type", "function");
        out.writeStringProperty("name", tool.name());
        out.writeStringProperty("description", tool.description());
        out.writeName("parameters");
        out.writeRawValue(tool.schema().text());
        out.writeBooleanProperty("strict", false);
        out.writeEndObject();
    }

    private void message(Message message) {
        ids.at(message);
        if (message instanceof Message.User user) {
            user(user);
        } else if (message instanceof Message.Assistant assistant) {
            assistant.parts().forEach(this::output);
        } else if (message instanceof Message.ToolResult result) {
            toolResult(result);
        }
    }

    private void user(Message.User user) {
        start("message");
        out.writeStringProperty("role", "user");
        out.writeName("content");
        out.writeStartArray();
        for (Part part : user.parts()) {
            if (part instanceof Part.Text text) {
                text("input_text", text.text());
            } else if (part instanceof Part.Media media) {
                media(media);
            }
        }
        out.writeEndArray();
        out.writeEndObject();
    }

    private void output(Part part) {
        if (part instanceof Part.Text text) {
            if (!text.text().isEmpty()) {
                start("message");
                out.writeStringProperty("role", "assistant");
                out.writeName("content");
                out.writeStartArray();
                text("output_text", text.text());
                out.writeEndArray();
                out.writeEndObject();
            }
        } else if (part instanceof Part.ToolUse call) {
            start("function_call");
            out.writeStringProperty("call_id", ids.of(call));
            out.writeStringProperty("name", call.name());
            out.writeStringProperty("arguments", Arguments.asObject(call.arguments()));
            out.writeEndObject();
        } else {
            Kept.items(part, isStored()).forEach(item -> out.writeRawValue(item.text()));
        }
    }

    private boolean isStored() {
        return parameters
                .extra()
                .find("store")
                .filter(store -> store.text().equals("true"))
                .isPresent();
    }

    private void toolResult(Message.ToolResult result) {
        start("function_call_output");
        out.writeStringProperty("call_id", ids.of(result));
        out.writeStringProperty("output", result.output());
        out.writeEndObject();
    }

    private void media(Part.Media media) {
        boolean inline = MediaWriter.isInline(media);
        out.writeStartObject();
        if (media.mediaType().startsWith("image/")) {
            out.writeStringProperty("type", "input_image");
            out.writeStringProperty("image_url", media.uri());
        } else if (media.mediaType().startsWith("audio/") && inline) {
            MediaWriter.audio(out, media);
        } else {
            out.writeStringProperty("type", "input_file");
            out.writeStringProperty(inline ? "file_data" : "file_url", media.uri());
            if (inline && media.name() != null) {
                out.writeStringProperty("filename", media.name());
            }
        }
        out.writeEndObject();
    }

    private void start(String type) {
        out.writeStartObject();
        out.writeStringProperty("type", type);
    }

    private void text(String type, String text) {
        start(type);
        out.writeStringProperty("text", text);
        out.writeEndObject();
    }
}

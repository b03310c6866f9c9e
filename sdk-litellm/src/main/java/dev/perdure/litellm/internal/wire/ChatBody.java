package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import tools.jackson.core.JsonGenerator;

/** A request of chat completions. */
public final class ChatBody extends BodyWriter {
    private ChatBody(ModelParameters parameters) {
        super(parameters);
    }

    /** @param parameters those of the request completed by the client's */
    public static JsonBody of(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return new ChatBody(parameters).body(request, model, streamed);
    }

    @Override
    void fields(ModelRequest request, String model, boolean streamed) {
        field("model", model);
        name("messages");
        new MessageWriter(out).write(request.instructions(), request.messages());
        tools(request.tools(), tool -> tool(out, tool));
        request.findOutputSchema().ifPresent(schema -> responseFormat(schema.text()));
        temperature();
        parameters.findMaxTokens().ifPresent(most -> limit("max_tokens", most));
        stream(streamed);
        // Without it a stream tells neither tokens nor cost; in a plain request it is an error at some servers.
        reserve("stream_options");
        if (streamed) {
            name("stream_options");
            out.writeRawValue("{\"include_usage\":true}");
        }
    }

    static void tool(JsonGenerator out, ToolSpec tool) {
        out.writeStartObject();
        out.writeStringProperty("type", "function");
        out.writeName("function");
        out.writeStartObject();
        out.writeStringProperty("name", tool.name());
        out.writeStringProperty("description", tool.description());
        out.writeName("parameters");
        out.writeRawValue(tool.schema().text());
        out.writeEndObject();
        out.writeEndObject();
    }

    private void responseFormat(String schema) {
        name("response_format");
        out.writeRawValue("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"schema\":" + schema + "}}");
    }
}

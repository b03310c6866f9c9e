package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.BufferedSink;
import tools.jackson.core.JsonGenerator;

/** A request as JSON. The same request always gives the same bytes, which providers' prompt caches live on. */
public final class ChatBody extends RequestBody {
    private static final MediaType JSON = MediaType.get("application/json");

    private final byte[] bytes;

    private ChatBody(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @param parameters those of the request completed by the client's */
    public static ChatBody of(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        // By way of text: half a surrogate pair, as a tool's cut output may have, becomes '?' where bytes would refuse
        // it.
        StringWriter text = new StringWriter(1024);
        try (JsonGenerator out = WireJson.JSON.createGenerator(text)) {
            new Writer(out, parameters).write(request, model, streamed);
        }
        return new ChatBody(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public MediaType contentType() {
        return JSON;
    }

    @Override
    public long contentLength() {
        return bytes.length;
    }

    /** So that OkHttp sends it once, whatever comes back. */
    @Override
    public boolean isOneShot() {
        return true;
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
        sink.write(bytes);
    }

    /** Writes the fields in a fixed order. */
    private static final class Writer {
        private final JsonGenerator out;
        private final ModelParameters parameters;
        private final Set<String> written = new HashSet<>();

        Writer(JsonGenerator out, ModelParameters parameters) {
            this.out = out;
            this.parameters = parameters;
        }

        void write(ModelRequest request, String model, boolean streamed) {
            out.writeStartObject();
            name("model");
            out.writeString(model);
            name("messages");
            new MessageWriter(out).write(request.instructions(), request.messages());
            if (!request.tools().isEmpty()) {
                name("tools");
                out.writeStartArray();
                request.tools().forEach(this::tool);
                out.writeEndArray();
            }
            request.findOutputSchema().ifPresent(schema -> responseFormat(schema.text()));
            limits();
            stream(streamed);
            extra();
            out.writeEndObject();
        }

        private void tool(ToolSpec tool) {
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
            out.writeRawValue(
                    "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"output\",\"schema\":" + schema + "}}");
        }

        private void limits() {
            parameters.findTemperature().ifPresent(value -> {
                name("temperature");
                out.writeNumber(value);
            });
            parameters.findMaxTokens().ifPresent(value -> {
                name("max_tokens");
                out.writeNumber(value);
            });
        }

        private void stream(boolean streamed) {
            name("stream");
            out.writeBoolean(streamed);
            // Without it a stream tells neither tokens nor cost; in a plain request it is an error at some servers.
            written.add("stream_options");
            if (streamed) {
                out.writeName("stream_options");
                out.writeRawValue("{\"include_usage\":true}");
            }
        }

        private void extra() {
            for (String field : parameters.extra().names()) {
                if (written.contains(field)) {
                    throw new IllegalArgumentException(
                            "an extra parameter cannot be \"" + field + "\", which the client writes itself");
                }
                name(field);
                out.writeRawValue(
                        parameters.extra().find(field).map(Object::toString).orElse("null"));
            }
        }

        private void name(String field) {
            written.add(field);
            out.writeName(field);
        }
    }
}

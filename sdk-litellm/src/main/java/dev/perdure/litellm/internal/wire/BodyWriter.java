package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import dev.perdure.session.Json;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/**
 * Writes a request as JSON, its fields in a fixed order: the same request always gives the same bytes, which providers' prompt caches live on. For one request.
 */
abstract class BodyWriter {
    final ModelParameters parameters;
    // By way of text: half a surrogate pair, as a tool's cut output may have, becomes '?' where bytes would refuse it.
    private final StringWriter text = new StringWriter(256);
    final JsonGenerator out = WireJson.JSON.createGenerator(text);
    private final Set<String> written = new HashSet<>();
    private final Set<String> merged = new HashSet<>();

    /** @param parameters those of the request completed by the client's */
    BodyWriter(ModelParameters parameters) {
        this.parameters = parameters;
    }

    final JsonBody body(ModelRequest request, String model, boolean streamed) {
        try (JsonGenerator all = out) {
            all.writeStartObject();
            fields(request, model, streamed);
            extra();
            all.writeEndObject();
        }
        return new JsonBody(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Writes all but the extra parameters. */
    abstract void fields(ModelRequest request, String model, boolean streamed);

    final void name(String field) {
        written.add(field);
        out.writeName(field);
    }

    final void field(String field, String value) {
        name(field);
        out.writeString(value);
    }

    /** The field is the client's own, even if it is not written. */
    final void reserve(String field) {
        written.add(field);
    }

    final void temperature() {
        parameters.findTemperature().ifPresent(value -> {
            name("temperature");
            out.writeNumber(value);
        });
    }

    final void limit(String field, int tokens) {
        name(field);
        out.writeNumber(tokens);
    }

    final void stream(boolean streamed) {
        name("stream");
        out.writeBoolean(streamed);
    }

    /** Those of the extra parameters, which a provider or gateway runs itself, come after the request's own. */
    final void tools(List<ToolSpec> tools, Consumer<ToolSpec> writer) {
        if (tools.isEmpty()) {
            return;
        }
        name("tools");
        merged.add("tools");
        out.writeStartArray();
        tools.forEach(writer);
        parameters.extra().find("tools").stream()
                .flatMap(more -> more.elements().stream())
                .forEach(tool -> out.writeRawValue(tool.text()));
        out.writeEndArray();
    }

    /** A field of the client's own in an object that may have others by extra parameters. */
    final void within(String object, String field, Json value) {
        name(object);
        merged.add(object);
        Json others = parameters.extra().find(object).filter(Json::isObject).orElse(Json.EMPTY);
        out.writeRawValue(others.with(field, value).text());
    }

    /** A field that an extra parameter may set otherwise. */
    final void unlessExtra(String field, String json) {
        if (!parameters.extra().names().contains(field)) {
            name(field);
            out.writeRawValue(json);
        }
    }

    private void extra() {
        for (String field : parameters.extra().names()) {
            if (merged.contains(field)) {
                continue;
            }
            if (written.contains(field)) {
                throw new IllegalArgumentException(
                        "an extra parameter cannot be \"" + field + "\", which the client writes itself");
            }
            name(field);
            out.writeRawValue(
                    parameters.extra().find(field).map(Object::toString).orElse("null"));
        }
    }
}

package dev.perdure.litellm.internal.plain;

import dev.perdure.litellm.Embeddings;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.wire.ReportedCost;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import dev.perdure.session.Usage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Asks for embeddings. No form of the numbers is asked for, as some providers refuse the word; both are read. */
public final class Embedding {
    private final Settings settings;
    private final GatewayHttp http;

    public Embedding(Settings settings, GatewayHttp http) {
        this.settings = settings;
        this.http = http;
    }

    public Embeddings of(String model, List<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("there is no text to embed");
        }
        Json body = Json.EMPTY.with("model", model).with("input", texts);
        GatewayHttp.Answer answer = http.post(settings.endpoint.at("embeddings"), body, Map.of());
        Json usage = answer.body().find("usage").orElse(Json.EMPTY);
        return new Embeddings(
                vectors(answer.body(), texts.size()),
                Usage.of(Numbers.find(usage, "prompt_tokens").orElse(0), 0),
                ReportedCost.of(
                        answer.headers().get("x-litellm-response-cost"),
                        usage.find("cost").map(Json::plain).orElse(null),
                        true),
                answer.body().findText("model").orElse(model),
                answer.headers().get("x-litellm-call-id"));
    }

    private List<float[]> vectors(Json body, int wanted) {
        Map<Long, float[]> vectors = new HashMap<>();
        long position = 0;
        for (Json entry : body.find("data").map(Json::elements).orElse(List.of())) {
            long index = Numbers.find(entry, "index").orElse(position);
            entry.find("embedding").ifPresent(json -> vectors.put(index, vector(json)));
            position++;
        }
        List<float[]> ordered = new ArrayList<>(wanted);
        for (long index = 0; index < wanted; index++) {
            float[] vector = vectors.get(index);
            if (vector == null) {
                throw wrong(position + " embeddings came for " + wanted + " texts");
            }
            ordered.add(vector);
        }
        return List.copyOf(ordered);
    }

    private float[] vector(Json json) {
        try {
            return json.text().startsWith("\"") ? decoded(json.plain()) : json.as(float[].class);
        } catch (IllegalArgumentException e) {
            throw wrong("an embedding is neither numbers nor their bytes");
        }
    }

    private static float[] decoded(String base64) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
        float[] vector = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(vector);
        return vector;
    }

    private ModelException wrong(String what) {
        return ModelException.of(Kind.PROTOCOL, settings.endpoint + " does not speak OpenAI's embeddings: " + what);
    }
}

package dev.perdure.benchmarks;

import java.io.IOException;
import java.util.Objects;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What one writes without a library for models: OkHttp as it is, and Jackson's trees. Thread-safe. */
final class OkHttpClientByHand implements ChatClient {
    private static final MediaType JSON = MediaType.get("application/json");

    private final OkHttpClient client = new OkHttpClient();
    private final JsonMapper mapper = new JsonMapper();
    private final HttpUrl url;

    OkHttpClientByHand(LoopbackGateway gateway) {
        this.url = HttpUrl.get(gateway.url() + "/v1/chat/completions");
    }

    @Override
    public String name() {
        return "okhttp";
    }

    @Override
    public Answer call(String model) throws IOException {
        ObjectNode body = mapper.createObjectNode().put("model", model);
        body.putArray("messages").addObject().put("role", "user").put("content", LoopbackGateway.QUESTION);
        Request request = new Request.Builder()
                .url(url)
                .header("Authorization", "Bearer sk-bench")
                .post(RequestBody.create(mapper.writeValueAsBytes(body), JSON))
                .build();
        try (Response response = client.newCall(request).execute()) {
            if (!response.isSuccessful()) {
                throw new IOException("status " + response.code());
            }
            Objects.requireNonNull(response.header("x-litellm-response-cost"), "cost");
            JsonNode reply = mapper.readTree(response.body().bytes());
            JsonNode choice = reply.path("choices").path(0);
            return new Answer(
                    choice.path("message").path("content").asString(""),
                    choice.path("finish_reason").asString(""),
                    reply.path("usage").path("completion_tokens").asLong(0));
        }
    }
}

package dev.perdure.examples.gateway;

import dev.perdure.litellm.Governance;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayReply;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The gateway of the example: the one that the environment names, else a fake one in this process.
 *
 * @param client with a model
 * @param fallbackModel a model group whose fallback answers; null when none is known
 * @param governed where keys with budgets are, with a model; null without
 * @param governance of {@code governed}; null without
 */
public record Peer(
        String saying,
        LiteLlm client,
        @Nullable String fallbackModel,
        @Nullable LiteLlm governed,
        @Nullable Governance governance,
        @Nullable FakeGateway fake)
        implements AutoCloseable {

    /** @throws IllegalArgumentException when the environment names half a gateway */
    public static Peer of(Map<String, String> environment) {
        String url = value(environment, "LITELLM_BASE_URL");
        String model = value(environment, "LITELLM_MODEL");
        if (url == null && model == null) {
            return played();
        }
        if (url == null || model == null) {
            throw new IllegalArgumentException(
                    "set both LITELLM_BASE_URL and LITELLM_MODEL to use a gateway, or neither for a fake one");
        }
        String key = value(environment, "LITELLM_API_KEY");
        String database = value(environment, "LITELLM_DB_BASE_URL");
        return new Peer(
                "LiteLLM at " + url + (database == null ? "" : ", keys at " + database),
                client(url, model, key),
                value(environment, "LITELLM_FALLBACK_MODEL"),
                database == null ? null : client(database, model, key),
                database == null ? null : governance(database, key),
                null);
    }

    private static LiteLlm client(String url, String model, @Nullable String key) {
        LiteLlm client = LiteLlm.at(url).model(model);
        return key == null ? client : client.key(key);
    }

    private static Governance governance(String url, @Nullable String key) {
        Governance governance = Governance.at(url);
        return key == null ? governance : governance.key(key);
    }

    private static Peer played() {
        FakeGateway gateway = FakeGateway.answering(request -> {
            GatewayReply reply = GatewayReply.pieces("This ", "is ", "a ", "scripted ", "answer.");
            return request.body().contains("\"model\":\"flaky\"") ? reply.fallback("steady") : reply;
        });
        LiteLlm client = client(gateway.url(), "steady", gateway.masterKey());
        return new Peer(
                "a FAKE one in this process, in the words of LiteLLM 1.96.2 (a real one: set LITELLM_BASE_URL, LITELLM_API_KEY and LITELLM_MODEL)",
                client,
                "flaky",
                client,
                governance(gateway.url(), gateway.masterKey()),
                gateway);
    }

    private static @Nullable String value(Map<String, String> environment, String name) {
        String value = environment.get(name);
        return value == null || value.isBlank() ? null : value;
    }

    @Override
    public void close() {
        if (fake != null) {
            fake.close();
        }
    }

    /** Without keys. */
    @Override
    public String toString() {
        return saying;
    }
}

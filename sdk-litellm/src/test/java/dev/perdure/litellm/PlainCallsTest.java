package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Embeddings, models, prices, tokens and health. */
@Timeout(30)
class PlainCallsTest {
    private static LiteLlm at(FakeGateway gateway) {
        return LiteLlm.at(gateway.url()).key("sk-some-key").model("asked");
    }

    private static FakeGateway playing(String name) {
        return FakeGateway.raw(Recording.of(name)::play);
    }

    private static String line(FakeGateway gateway, int request) {
        return gateway.received().get(request).line();
    }

    @Test
    @Recorded("embeddings")
    void embeddings_areInTheOrderOfTheTexts_withUsageAndCost() throws IOException {
        try (FakeGateway gateway = playing("embeddings")) {
            Embeddings embeddings = at(gateway).embed("scripted-embed", List.of("one", "two words"));

            assertThat(embeddings.vectors()).hasSize(2);
            assertThat(embeddings.vectors().get(0)).hasSize(8).startsWith(0.468907f, -0.208124f);
            assertThat(embeddings.vectors().get(1)).startsWith(0.319458f);
            assertThat(embeddings.usage()).isEqualTo(Usage.of(3, 0));
            assertThat(embeddings.cost()).isEqualTo(new Cost(new BigDecimal("3e-06"), Cost.Source.HEADER));
            assertThat(embeddings.model()).isEqualTo("scripted-embed");
            assertThat(embeddings.gatewayCallId()).isNotBlank();
            assertThat(embeddings.toString()).contains("2 of 8").doesNotContain("0.46");
            assertThat(line(gateway, 0)).isEqualTo("POST /v1/embeddings HTTP/1.1");
            assertThat(gateway.received().get(0).body())
                    .isEqualTo("{\"model\":\"scripted-embed\",\"input\":[\"one\",\"two words\"]}");
        }
    }

    @Test
    void embeddings_asBytes_orInAnotherOrder_areRead_andTooFewAreAnError() throws IOException {
        // 1.0 and -2.5 as little-endian floats
        String bytes = "AACAPwAAIMA=";
        String two = "{\"data\":[{\"index\":1,\"embedding\":[3,4e-1]},{\"index\":0,\"embedding\":\"" + bytes + "\"}]}";
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.json(two))) {
            Embeddings embeddings = at(gateway).embed("m", List.of("a", "b"));

            assertThat(embeddings.vectors().get(0)).containsExactly(1f, -2.5f);
            assertThat(embeddings.vectors().get(1)).containsExactly(3f, 0.4f);
            assertThat(embeddings.cost()).isEqualTo(Cost.UNKNOWN);
            ModelException e =
                    catchThrowableOfType(ModelException.class, () -> at(gateway).embed("m", List.of("a", "b", "c")));
            assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
            assertThat(e.getMessage()).contains("2 embeddings came for 3 texts");
            assertThatThrownBy(() -> at(gateway).embed("m", List.of())).isInstanceOf(IllegalArgumentException.class);
        }
        try (FakeGateway gateway =
                FakeGateway.raw(exchange -> exchange.json("{\"data\":[{\"index\":0,\"embedding\":\"?\"}]}"))) {
            assertThat(catchThrowableOfType(
                                    ModelException.class, () -> at(gateway).embed("m", List.of("a")))
                            .kind())
                    .isEqualTo(Kind.PROTOCOL);
        }
    }

    @ParameterizedTest
    @CsvSource({"models, 13, local", "models-limited-key, 2, scripted"})
    void models_areThoseThatTheKeyMayUse(String name, int count, String first) throws IOException {
        try (FakeGateway gateway = playing(name)) {
            assertThat(at(gateway).models()).hasSize(count).startsWith(first);
            assertThat(line(gateway, 0)).isEqualTo("GET /v1/models HTTP/1.1");
        }
    }

    @Test
    @Recorded("model-group-info")
    void modelGroup_hasLimitsPricesAndAbilities() throws IOException {
        try (FakeGateway gateway = playing("model-group-info")) {
            ModelGroup group = at(gateway).findModelGroup("scripted").orElseThrow();

            assertThat(group.name()).isEqualTo("scripted");
            assertThat(group.providers()).containsExactly("openai");
            assertThat(group.findMaxInputTokens()).hasValue(8192);
            assertThat(group.findMaxOutputTokens()).hasValue(4096);
            assertThat(group.supportsTools()).isTrue();
            assertThat(group.supportsReasoning()).isTrue();
            assertThat(group.supportsVision()).isFalse();
            assertThat(group.supportsParallelTools()).isFalse();
            assertThat(group.all().findText("mode")).contains("chat");
            assertThat(group.estimate(Usage.of(4, 7)).orElseThrow().usd()).isEqualByComparingTo("0.00025");
            assertThat(line(gateway, 0)).isEqualTo("GET /model_group/info?model_group=scripted HTTP/1.1");
            assertThat(at(gateway).findModelGroup("other")).isEmpty();
        }
    }

    @Test
    void modelGroupThatNobodyKnows_isEmpty_andWithoutPricesThereIsNoEstimate() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.json("{\"data\":[]}"))) {
            assertThat(at(gateway).findModelGroup("x")).isEmpty();
        }
        for (String prices : List.of("", ",\"input_cost_per_token\":0.0,\"output_cost_per_token\":0.0")) {
            try (FakeGateway gateway =
                    FakeGateway.raw(exchange -> exchange.json("{\"data\":[{\"model_group\":\"x\"" + prices + "}]}"))) {
                ModelGroup group = at(gateway).findModelGroup("x").orElseThrow();
                assertThat(group.estimate(Usage.of(1, 1))).isEmpty();
                assertThat(group.findMaxInputTokens()).isEmpty();
            }
        }
    }

    @Test
    @Recorded("token-counter")
    void tokens_areCountedOfInstructionsMessagesAndTools() throws IOException {
        ModelRequest request = ModelRequest.of(
                "Be brief.", List.of(new Message.User(List.of(new Part.Text("hi")))), List.of(Calls.WEATHER));
        try (FakeGateway gateway = playing("token-counter")) {
            assertThat(at(gateway).countTokens(request)).isEqualTo(10);
            assertThat(line(gateway, 0)).isEqualTo("POST /utils/token_counter HTTP/1.1");
            assertThat(gateway.received().get(0).body())
                    .isEqualTo("{\"model\":\"asked\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                            + "{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\",\"function\":"
                            + "{\"name\":\"get_weather\",\"description\":\"Weather of a city\",\"parameters\":"
                            + Calls.WEATHER.schema() + "}}]}");
        }
    }

    /** Plain routes that no method has yet, as whoever adds one will find them. */
    @ParameterizedTest
    @CsvSource({"messages-count-tokens, input_tokens, 12", "spend-calculate, cost, 0.00008", "model-info, data, -"})
    void otherPlainAnswers_areRead(String name, String field, String value) throws IOException {
        try (FakeGateway gateway = playing(name)) {
            LiteLlm client = at(gateway);
            Json found = new GatewayHttp(client.settings(), new Transport())
                    .get("some/route", Map.of())
                    .find(field)
                    .orElseThrow();
            if (value.equals("-")) {
                assertThat(found.elements()).hasSizeGreaterThan(10);
            } else {
                assertThat(new BigDecimal(found.text())).isEqualByComparingTo(value);
            }
        }
    }

    @Test
    @Recorded({"liveliness", "readiness", "readiness-details"})
    void health_isAskedOfThreeRoutes() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            String line = exchange.request().line();
            Recording.of(
                            line.contains("details")
                                    ? "readiness-details"
                                    : line.contains("readiness") ? "readiness" : "liveliness")
                    .play(exchange);
        })) {
            assertThat(at(gateway).health()).isEqualTo(new GatewayHealth(true, true, false, "1.96.2"));
        }
    }

    @Test
    void healthOfWhatIsNotThere_orNotReady_isAnAnswer() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            if (exchange.request().line().contains("liveliness")) {
                exchange.json("\"I'm alive!\"");
            } else {
                exchange.whole(
                        503, "application/json", "{\"detail\":{\"status\":\"unhealthy\",\"db\":\"disconnected\"}}");
            }
        })) {
            GatewayHealth health = at(gateway).health();
            assertThat(health).isEqualTo(new GatewayHealth(true, false, false, null));
            assertThat(health.findVersion()).isEmpty();
        }
        FakeGateway gone = FakeGateway.raw(FakeGateway.Exchange::cut);
        gone.close();
        assertThat(at(gone).health()).isEqualTo(new GatewayHealth(false, false, false, null));
    }

    private static final String PRICES =
            "{\"data\":[{\"model_group\":\"asked\",\"input_cost_per_token\":1e-05,\"output_cost_per_token\":3e-05}]}";

    private static FakeGateway withoutCosts(FakeGateway.Answer prices) {
        return FakeGateway.raw(exchange -> {
            if (exchange.request().line().contains("model_group")) {
                prices.play(exchange);
            } else {
                exchange.json("{\"model\":\"asked\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"}}],"
                        + "\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":7}}");
            }
        });
    }

    @Test
    void costThatNobodyTells_isEstimatedFromPrices_askedForOnce() throws IOException {
        try (FakeGateway gateway = withoutCosts(exchange -> exchange.json(PRICES))) {
            LiteLlm client = at(gateway);
            ModelReply first = client.call(Calls.saying("hi"), Calls.plain());
            ModelReply second = client.tags("a").call(Calls.saying("hi"), Calls.plain());

            assertThat(first.cost().source()).isEqualTo(Cost.Source.ESTIMATED);
            assertThat(first.cost().usd()).isEqualByComparingTo("0.00025");
            assertThat(second.cost()).isEqualTo(first.cost());
            assertThat(gateway.received()).hasSize(3);
        }
    }

    @Test
    void pricesThatCannotBeHad_failNoCall_andAreNotAskedForAgainAtOnce() throws IOException {
        List<FakeGateway.Answer> answers = List.of(
                exchange -> exchange.whole(500, "text/plain", "no"),
                exchange -> exchange.json("{\"data\":[]}"),
                exchange -> exchange.json("[]"),
                exchange -> exchange.json("nonsense"),
                FakeGateway.Exchange::cut);
        for (FakeGateway.Answer answer : answers) {
            try (FakeGateway gateway = withoutCosts(answer)) {
                LiteLlm client = at(gateway);
                assertThat(client.call(Calls.saying("hi"), Calls.plain()).cost())
                        .isEqualTo(Cost.UNKNOWN);
                assertThat(client.call(Calls.saying("hi"), Calls.plain()).cost())
                        .isEqualTo(Cost.UNKNOWN);
                assertThat(gateway.received()).hasSize(3);
            }
        }
    }

    @Test
    void otherServers_areNotAskedForPrices() throws IOException {
        try (FakeGateway gateway = withoutCosts(exchange -> exchange.json(PRICES))) {
            ModelReply reply =
                    LiteLlm.openAiCompatible(gateway.url()).model("asked").call(Calls.saying("hi"), Calls.plain());

            assertThat(reply.cost()).isEqualTo(Cost.UNKNOWN);
            assertThat(gateway.received()).hasSize(1);
        }
    }
}

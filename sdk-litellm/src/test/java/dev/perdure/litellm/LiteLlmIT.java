package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import java.io.InputStream;
import java.math.BigDecimal;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Against a real LiteLLM gateway with the test configuration (scripted upstream, local model): {@code LITELLM_BASE_URL} and
 * {@code LITELLM_API_KEY}. Without them these tests say that they were not asked for, or fail when {@code
 * PERDURE_REQUIRE_GATEWAY=true}.
 */
@Timeout(60)
class LiteLlmIT {
    private static LiteLlm gateway = LiteLlm.at("http://unset");

    @BeforeAll
    static void findGateway() {
        String url = System.getenv("LITELLM_BASE_URL");
        if (url == null || url.isBlank()) {
            String missing = "no gateway: LITELLM_BASE_URL is not set";
            if ("true".equals(System.getenv("PERDURE_REQUIRE_GATEWAY"))) {
                fail(missing + ", but PERDURE_REQUIRE_GATEWAY=true");
            }
            abort(missing);
        }
        String key = System.getenv("LITELLM_API_KEY");
        gateway = LiteLlm.at(url).key(key == null ? "sk-test-only" : key);
    }

    @Test
    void streamedAnswer_comesInPieces_withUsageAndCost() {
        Heard heard = new Heard();

        ModelReply reply = gateway.model("scripted").call(Calls.saying("[[words n=30]] go"), Calls.streaming(heard));

        assertThat(reply.text()).startsWith("w0 w1 ").endsWith("w29 ").isEqualTo(heard.text.toString());
        assertThat(heard.pieces).isGreaterThan(10);
        assertThat(reply.finishReason()).isEqualTo("stop");
        assertThat(reply.usage().output()).isEqualTo(30);
        assertThat(reply.cost().source()).isEqualTo(Cost.Source.USAGE);
        assertThat(reply.cost().usd()).isPositive();
        assertThat(reply.deployment()).isEqualTo("dep-scripted");
    }

    @Test
    void plainAnswer_hasItsCostInAHeader_andTheCallIdThatWasSent() {
        var scope = Calls.plain();

        ModelReply reply = gateway.model("scripted").call(Calls.saying("hi"), scope);

        assertThat(reply.text()).isEqualTo("scripted answer to: hi");
        assertThat(reply.cost().source()).isEqualTo(Cost.Source.HEADER);
        assertThat(reply.cost().usd()).isPositive();
        assertThat(reply.gatewayCallId()).isEqualTo(scope.callId());
    }

    @Test
    void parallelToolCalls_inFragments_areWhole() {
        ModelReply reply = gateway.model("scripted")
                .call(Calls.withTools("[[tools]] Paris and Tokyo?"), Calls.streaming(new Heard()));

        assertThat(reply.finishReason()).isEqualTo("tool_calls");
        assertThat(Calls.toolUses(reply)).extracting("name").containsExactly("get_weather", "get_time");
        assertThat(Calls.toolUses(reply))
                .extracting("arguments")
                .containsExactly("{\"city\":\"Paris\",\"unit\":\"c\"}", "{\"zone\":\"Asia/Tokyo\"}");
    }

    @Test
    void fallbackInMidStream_discardsWhatCameBefore() {
        Heard heard = new Heard();

        ModelReply reply = gateway.model("scripted-fallback-midstream")
                .call(Calls.saying("one two three four"), Calls.streaming(heard));

        assertThat(heard.discards).isEqualTo(1);
        assertThat(reply.text())
                .isEqualTo("scripted answer to: one two three four")
                .isEqualTo(heard.text.toString());
        assertThat(reply.deployment()).isNull();
    }

    @Test
    void upstream503_isUnavailable_andRetryable() {
        ModelException e = Calls.failure(
                gateway.model("scripted"),
                Calls.saying("[[flaky n=9 key=" + System.nanoTime() + " status=503]]"),
                Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.retryable()).isTrue();
        assertThat(e.findStatus()).contains(503);
        assertThat(e.getMessage()).doesNotContain("Fallbacks").doesNotContain("scripted-fallback");
    }

    @Test
    void upstream429_isARateLimit() {
        ModelException e =
                Calls.failure(gateway.model("scripted"), Calls.saying("[[429 after=0]]"), Calls.streaming(new Heard()));

        assertThat(e.kind()).isEqualTo(Kind.RATE_LIMIT);
    }

    @Test
    void errorInMidStream_isTyped() {
        ModelException e = Calls.failure(
                gateway.model("scripted"), Calls.saying("[[error-mid]] a b c d"), Calls.streaming(new Heard()));

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void wrongKey_isNamed_notShown() {
        ModelException e =
                Calls.failure(gateway.key("sk-wrong-and-secret").model("scripted"), Calls.saying("hi"), Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.AUTH);
        assertThat(e.getMessage()).contains("LiteLlm.key").doesNotContain("wrong-and-secret");
    }

    @Test
    void spentBudget_isNotRetryable() {
        ModelException e =
                Calls.failure(gateway.key("sk-test-broke").model("scripted"), Calls.saying("hi"), Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.BUDGET);
        assertThat(e.retryable()).isFalse();
    }

    @Test
    void interruptionOfAStalledStream_endsItAtOnce() {
        Interruption interruption = new Interruption();
        Heard heard = new Heard(() -> interruption.request("enough"));
        long start = System.nanoTime();

        ModelException e = Calls.failure(
                gateway.model("scripted"),
                Calls.saying("[[stall after=3 ms=20000]] a b c d e f"),
                Calls.scope(heard, interruption, Duration.ofSeconds(30)));

        assertThat(e.kind()).isEqualTo(Kind.INTERRUPTED);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void localModel_answers_plainAndStreamed() {
        LiteLlm local = gateway.model("local").parameters(ModelParameters.DEFAULT.maxTokens(24));

        assertThat(local.call(Calls.saying("Say hello."), Calls.plain()).text()).isNotBlank();
        Heard heard = new Heard();
        ModelReply reply = local.call(Calls.saying("Say hello."), Calls.streaming(heard));
        assertThat(reply.text()).isNotBlank().isEqualTo(heard.text.toString());
        assertThat(reply.cost().usd()).isPositive();
    }

    @Test
    void localModel_keepsToASchema() {
        Json schema = Json.parse(
                "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"],\"additionalProperties\":false}");
        ModelRequest free = Calls.saying("Give me a number as JSON.");
        ModelRequest request =
                new ModelRequest("", free.messages(), List.of(), ModelParameters.DEFAULT.maxTokens(40), schema);

        ModelReply reply = gateway.model("local").call(request, Calls.plain());

        assertThat(Json.parse(reply.text()).names()).containsExactly("n");
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void everyWire_answers_plainAndStreamed(Wire wire) {
        LiteLlm client = gateway.model("scripted").wire(wire);
        Heard heard = new Heard();

        ModelReply plain = client.call(Calls.saying("hi"), Calls.plain());
        ModelReply streamed = client.call(Calls.saying("[[words n=30]] go"), Calls.streaming(heard));

        assertThat(plain.text()).isEqualTo("scripted answer to: hi");
        assertThat(plain.finishReason()).isEqualTo("stop");
        assertThat(streamed.text()).startsWith("w0 w1 ").endsWith("w29 ").isEqualTo(heard.text.toString());
        assertThat(heard.pieces).isGreaterThan(10);
        for (ModelReply reply : List.of(plain, streamed)) {
            assertThat(reply.usage().input()).isPositive();
            assertThat(reply.usage().output()).isPositive();
            assertThat(reply.cost().usd()).isPositive();
            assertThat(reply.deployment()).isEqualTo("dep-scripted");
            assertThat(reply.details().find("reply").orElseThrow().findText("id"))
                    .isPresent();
        }
        // By the prices of the test configuration, whether the gateway says it or an estimate does.
        BigDecimal expected = new BigDecimal("0.00001")
                .multiply(BigDecimal.valueOf(streamed.usage().input()))
                .add(new BigDecimal("0.00003")
                        .multiply(BigDecimal.valueOf(streamed.usage().output())));
        assertThat(streamed.cost().usd()).isCloseTo(expected, Offset.offset(new BigDecimal("0.0000001")));
        assertThat(streamed.cost().source())
                .isIn(
                        wire == Wire.MESSAGES
                                ? List.of(Cost.Source.ESTIMATED)
                                : List.of(Cost.Source.USAGE, Cost.Source.ESTIMATED));
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void everyWire_callsATool_andTakesItsResult(Wire wire) {
        LiteLlm client = gateway.model("scripted").wire(wire);
        for (CallScope scope : List.of(Calls.plain(), Calls.streaming(new Heard()))) {
            ModelRequest asking = Calls.withTools("[[tool]] Paris?");
            ModelReply calls = client.call(asking, scope);

            assertThat(calls.finishReason()).isEqualTo("tool_calls");
            Part.ToolUse use = Calls.toolUses(calls).get(0);
            assertThat(use.name()).isEqualTo("get_weather");
            assertThat(use.arguments()).isEqualTo("{\"city\":\"Paris\",\"unit\":\"c\"}");
            List<Message> messages = List.of(
                    asking.messages().get(0),
                    new Message.Assistant(calls.parts()),
                    new Message.ToolResult(use.providerId(), use.name(), "21 C", true),
                    new Message.User(List.of(new Part.Text("and now?"))));

            ModelReply reply = client.call(ModelRequest.of("Be brief.", messages, asking.tools()), Calls.plain());

            assertThat(reply.text()).isEqualTo("scripted answer to: and now?");
        }
    }

    /** The scripted provider shows what it got. */
    @ParameterizedTest
    @EnumSource(Wire.class)
    void everyWire_carriesInstructionsImagesToolsAndASchema(Wire wire) throws Exception {
        String image =
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";
        String marker = "marker " + System.nanoTime();
        ModelRequest request = new ModelRequest(
                "Be very brief.",
                List.of(new Message.User(
                        List.of(new Part.Text("what is it? " + marker), new Part.Media("image/png", null, image)))),
                List.of(Calls.WEATHER),
                ModelParameters.DEFAULT.maxTokens(77),
                Json.parse("{\"type\":\"object\",\"properties\":{\"marker_of_schema\":{\"type\":\"integer\"}}}"));

        LiteLlm client = gateway.model("scripted").wire(wire);
        String last = "";
        // Others may use the same provider.
        for (int i = 0; i < 20 && !last.contains(marker); i++) {
            assertThat(client.call(request, Calls.plain()).text()).startsWith("scripted answer to: what is it?");
            last = lastRequestOfTheProvider();
        }
        assertThat(last)
                .contains("Be very brief.")
                .contains("iVBORw0KGgo")
                .contains("get_weather")
                .contains("marker_of_schema")
                .contains("77")
                .contains(marker);
    }

    /** The scripted provider is on the gateway's machine. */
    private static String lastRequestOfTheProvider() throws Exception {
        String host = URI.create(System.getenv("LITELLM_BASE_URL")).getHost();
        HttpURLConnection connection = (HttpURLConnection)
                URI.create("http://" + host + ":8002/__last").toURL().openConnection();
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void errorsOfTheOtherWires_areTyped() {
        for (Wire wire : List.of(Wire.RESPONSES, Wire.MESSAGES)) {
            ModelException key = Calls.failure(
                    gateway.key("sk-wrong-and-secret").model("scripted").wire(wire), Calls.plain());
            assertThat(key.kind()).isEqualTo(Kind.AUTH);
            ModelException model = Calls.failure(gateway.model("no-such-model").wire(wire), Calls.plain());
            assertThat(model.kind()).isEqualTo(Kind.BAD_REQUEST);
            ModelException budget =
                    Calls.failure(gateway.key("sk-test-broke").model("scripted").wire(wire), Calls.plain());
            assertThat(budget.kind()).isEqualTo(Kind.BUDGET);
        }
        for (String marker : List.of("[[error-mid]] one two three", "[[eof]] one two three")) {
            ModelException e = Calls.failure(
                    gateway.model("scripted").wire(Wire.RESPONSES), Calls.saying(marker), Calls.streaming(new Heard()));
            assertThat(e.kind()).isIn(Kind.UNAVAILABLE, Kind.CUT_STREAM);
        }
    }

    @Test
    void embeddings_haveUsageAndCost() {
        Embeddings embeddings = gateway.embed("scripted-embed", List.of("one", "two words"));

        assertThat(embeddings.vectors())
                .hasSize(2)
                .allSatisfy(vector -> assertThat(vector).hasSize(8));
        assertThat(embeddings.vectors().get(0))
                .isNotEqualTo(embeddings.vectors().get(1));
        assertThat(embeddings.usage().input()).isEqualTo(3);
        assertThat(embeddings.cost().source()).isEqualTo(Cost.Source.HEADER);
    }

    @Test
    void models_theirLimitsAndPrices_areTold() {
        assertThat(gateway.models()).contains("scripted", "local", "scripted-embed");
        assertThat(gateway.key("sk-test-limited").models()).containsExactlyInAnyOrder("scripted", "local");
        ModelGroup group = gateway.findModelGroup("scripted").orElseThrow();
        assertThat(group.findMaxInputTokens()).hasValue(8192);
        assertThat(group.supportsTools()).isTrue();
        assertThat(group.estimate(Usage.of(1000, 0)).orElseThrow().usd()).isEqualByComparingTo("0.01");
        assertThat(gateway.findModelGroup("no-such-model")).isEmpty();
    }

    @Test
    void tokens_areCounted() {
        LiteLlm client = gateway.model("scripted");
        long few = client.countTokens(Calls.saying("count these tokens"));

        assertThat(few).isBetween(3L, 30L);
        assertThat(client.countTokens(Calls.saying("count these tokens, and these as well")))
                .isGreaterThan(few);
        // Those of tools are not counted here, which the javadoc says.
        assertThat(client.countTokens(Calls.withTools("count these tokens"))).isGreaterThanOrEqualTo(few);
    }

    @Test
    void health_isTold() {
        assertThat(gateway.health()).isEqualTo(new GatewayHealth(true, true, false, "1.96.2"));
        assertThat(gateway.key("sk-test-alice").health().findVersion()).isEmpty();
    }
}

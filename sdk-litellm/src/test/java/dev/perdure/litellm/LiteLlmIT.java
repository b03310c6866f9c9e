package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
}

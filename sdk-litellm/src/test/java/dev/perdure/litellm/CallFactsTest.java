package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What recorded answers say of their calls. */
class CallFactsTest {
    private static ModelReply reply(String name) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of(name)::play)) {
            return LiteLlm.at(gateway.url()).key("sk-test-only").model("m").call(Calls.saying("hi"), Calls.plain());
        }
    }

    @Test
    void plainCall() throws IOException {
        CallFacts facts = CallFacts.of(reply("chat"));

        assertThat(facts.findKeyId()).contains(keyId());
        assertThat(facts.findModelGroup()).contains("scripted");
        assertThat(facts.findDeploymentModel()).contains("openai/ok");
        assertThat(facts.findRetries()).contains(0);
        assertThat(facts.findFallbacks()).contains(0);
        assertThat(facts.findOverhead()).contains(Duration.ofNanos(21_849_000));
        assertThat(facts.findDuration()).contains(Duration.ofNanos(1_127_549_000));
        assertThat(facts.findKeySpend()).contains(new BigDecimal("0.00025"));
        assertThat(facts.findProviderRequest()).contains("req-fake-1");
        assertThat(facts.restarted()).isFalse();
        assertThat(facts.findCacheKey()).isEmpty();
        assertThat(facts.limits()).isEmpty();
    }

    private static String keyId() {
        return dev.perdure.litellm.internal.http.Hashes.sha256("sk-test-only");
    }

    @Test
    void stream_hasTypedHeaders_too() throws IOException {
        assertThat(CallFacts.of(reply("chat-stream")).findOverhead()).contains(Duration.ofNanos(2_881_000));
    }

    @Test
    void limitsOfTheGateway_notOfTheProvider() throws IOException {
        assertThat(CallFacts.of(reply("limit-rpm-1")).limits())
                .containsOnly(entry("api_key-limit-requests", 3L), entry("api_key-remaining-requests", 2L));
    }

    @Test
    void fallback_isCounted_andOneInMidStreamIsSeen() throws IOException {
        assertThat(CallFacts.of(reply("fallback")).findFallbacks()).contains(1);
        assertThat(CallFacts.of(reply("fallback-midstream")).restarted()).isTrue();
    }

    @Test
    void eventInTheLog_saysTheSame() throws IOException {
        ModelReply reply = reply("chat");
        Event.ModelReplied replied = new Event.ModelReplied(
                Event.Purpose.ANSWER,
                1,
                reply.parts(),
                reply.finishReason(),
                reply.usage(),
                reply.cost(),
                reply.model(),
                reply.deployment(),
                reply.gatewayCallId(),
                1,
                null,
                reply.details());

        Event read = Event.of(Json.parse(replied.json().text()));

        assertThat(CallFacts.of((Event.ModelReplied) read))
                .hasToString(CallFacts.of(reply).toString());
        assertThat(replied.json().text()).doesNotContain("sk-test-only");
    }

    @Test
    void headersThatAreNoNumbers_areLeftOut() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.raw("HTTP/1.1 200 OK\r\n"
                        + "x-litellm-overhead-duration-ms: soon\r\nx-litellm-key-spend: 1e999999\r\nx-litellm-model-group: a\"\\b\r\n"
                        + "x-ratelimit-api_key-limit-requests: NaN\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
                        + "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}")
                .cut())) {
            CallFacts facts =
                    CallFacts.of(LiteLlm.at(gateway.url()).model("m").call(Calls.saying("hi"), Calls.plain()));

            assertThat(facts.findOverhead()).isEmpty();
            assertThat(facts.findKeySpend()).isEmpty();
            assertThat(facts.limits()).isEmpty();
            assertThat(facts.findModelGroup()).contains("a\"\\b");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            nullValues = "-",
            value = {
                "budget-broke,         key,      0.02,                   0.01,   usd,      -",
                "db-budget-key-3,      key,      0.0005400000000000001,  0.0004, usd,      -",
                "db-budget-team-2,     team,     0.00013000000000000002, 1e-05,  usd,      -",
                "db-budget-tag-2,      tag,      0.00013000000000000002, 1e-06,  usd,      -",
                "db-budget-user-2,     user,     0.00013000000000000002, 1e-05,  usd,      -",
                "db-budget-end-user-2, end_user, 0.00013000000000000002, 1e-06,  usd,      -",
                "upstream-quota,       provider, -,                      -,      usd,      1",
                "session-iterations-3, session,  3,                      2,      calls,    -",
                "limit-rpm-4,          api_key,  -,                      3,      requests, -",
                "limit-tpm-2,          api_key,  -,                      40,     tokens,   -",
                "limit-parallel,       api_key,  -,                      1,      parallel, -"
            })
    void refusal_saysWhatIsSpent_andHowOftenTheGatewayTried(
            String name, String scope, BigDecimal used, BigDecimal limit, String unit, Integer retries)
            throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of(name)::play)) {
            ModelException e = Calls.failure(LiteLlm.at(gateway.url()).model("m"), Calls.plain());

            assertThat(e.findSpent()).contains(new ModelException.Spent(scope, used, limit, unit));
            assertThat(e.findGatewayRetries().stream().boxed().findFirst())
                    .isEqualTo(java.util.Optional.ofNullable(retries));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "No deployments available - crossed budget: Exceeded budget for provider openai: 0.0007 >= 1e-12 | BUDGET",
                "litellm.RateLimitError: You exceeded your current quota, please check your plan. Please retry in 20s | RATE_LIMIT",
                "No deployments available for selected model. Try again in 5 seconds | UNAVAILABLE"
            })
    void wordsThatLookAlike_areToldApart(String message, ModelException.Kind kind) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.whole(
                429,
                "application/json",
                "{\"error\":{\"message\":\"" + message + "\",\"type\":\"None\",\"code\":\"429\"}}"))) {
            assertThat(Calls.failure(LiteLlm.at(gateway.url()).model("m"), Calls.plain())
                            .kind())
                    .isEqualTo(kind);
        }
    }

    @Test
    void gatewaysOwnRetries_areInTheMessage() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of("upstream-500")::play)) {
            ModelException e = Calls.failure(LiteLlm.at(gateway.url()).model("m"), Calls.plain());

            assertThat(e.findGatewayRetries()).hasValue(1);
            assertThat(e).hasMessageContaining("the gateway had tried 1 times more");
        }
    }
}

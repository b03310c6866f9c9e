package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the client makes of answers that a real gateway has given. */
class RecordedTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            chat                          | scripted answer to: What is a gateway? | stop   | 0.00025                | HEADER
            chat-stream                   | scripted answer to: What is a gateway? | stop   | 0.00025                | USAGE
            chat-length                   | scripted answer to: a long one         | length | 0.00022                | HEADER
            chat-stream-no-usage-asked    | scripted answer to: What is a gateway? | stop   | 0                      | UNKNOWN
            chat-unicode-stream           | Grüße 東京 👩‍👩‍👧 é 𝄞                        | stop   | 0.00016                | USAGE
            chat-reasoning                | scripted answer to: why?               | stop   | 0.00026000000000000003 | HEADER
            chat-reasoning-stream         | scripted answer to: why?               | stop   | 0.00026000000000000003 | USAGE
            chat-empty-stream             | ''                                     | stop   | 0.00004                | USAGE
            fallback                      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            fallback-stream               | scripted answer to: hi                 | stop   | 0.00013000000000000002 | USAGE
            fallback-midstream            | scripted answer to: one two three four | stop   | 0.00079                | USAGE
            """)
    void replies(String name, String text, String finishReason, BigDecimal usd, Cost.Source source) throws IOException {
        Heard heard = new Heard();

        ModelReply reply = reply(name, Calls.streaming(heard));

        assertThat(reply.text()).isEqualTo(heard.text.toString());
        assertThat(java.text.Normalizer.normalize(reply.text(), java.text.Normalizer.Form.NFC))
                .isEqualTo(text);
        assertThat(reply.finishReason()).isEqualTo(finishReason);
        assertThat(reply.cost()).isEqualTo(new Cost(usd, source));
        assertThat(reply.gatewayCallId()).isNotBlank();
    }

    @ParameterizedTest
    @CsvSource({"chat-tools", "chat-tools-stream"})
    void parallelToolCalls(String name) throws IOException {
        ModelReply reply = reply(name, Calls.streaming(new Heard()));

        assertThat(reply.parts())
                .containsExactly(
                        new Part.ToolUse("call_paris_1", "get_weather", "{\"city\":\"Paris\",\"unit\":\"c\"}"),
                        new Part.ToolUse("call_tokyo_2", "get_time", "{\"zone\":\"Asia/Tokyo\"}"));
        assertThat(reply.finishReason()).isEqualTo("tool_calls");
        assertThat(reply.cost().usd()).isEqualTo("0.0005200000000000001");
    }

    @Test
    void reasoning_comesFirst_andIsCounted() throws IOException {
        Heard heard = new Heard();

        ModelReply reply = reply("chat-reasoning-stream", Calls.streaming(heard));

        assertThat(reply.parts().get(0)).isEqualTo(new Part.Thinking("Let me think about this.", null));
        assertThat(heard.thinking).hasToString("Let me think about this.");
        assertThat(reply.usage()).isEqualTo(new Usage(2, 8, 0, 4));
    }

    @Test
    void cachedTokens_areCounted() throws IOException {
        assertThat(reply("chat-upstream-cached-tokens", Calls.plain()).usage()).isEqualTo(new Usage(8, 9, 4, 0));
    }

    @Test
    void fallbackInMidStream_isADiscard_andNamesNoDeployment() throws IOException {
        Heard heard = new Heard();

        ModelReply reply = reply("fallback-midstream", Calls.streaming(heard));

        assertThat(heard.discards).isEqualTo(1);
        assertThat(reply.model()).isEqualTo("scripted");
        assertThat(reply.deployment()).isNull();
    }

    @Test
    void fallbackBeforeTheFirstByte_namesTheDeploymentThatAnswered() throws IOException {
        assertThat(reply("fallback-stream", Calls.streaming(new Heard())).deployment())
                .isEqualTo("dep-scripted");
    }

    @Test
    void unknownFields_areSkipped() throws IOException {
        assertThat(reply("local-chat-stream", Calls.streaming(new Heard())).text())
                .isNotBlank();
    }

    /** Not a wish but a fact to know of: see the javadoc of {@link LiteLlm}. */
    @Test
    void streamThatTheProviderCut_looksComplete() throws IOException {
        assertThat(reply("stream-eof-without-done", Calls.streaming(new Heard()))
                        .finishReason())
                .isEqualTo("stop");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            auth-bad-key                 | AUTH           | 401 | -  | LiteLlm.key
            auth-blocked                 | AUTH           | 401 | -  | Key is blocked
            auth-expired                 | AUTH           | 401 | -  | Expired Key
            db-auth-bad-key              | AUTH           | 401 | -  | LiteLlm.key
            upstream-401                 | AUTH           | 401 | -  | gateway's own key
            auth-model-denied            | ACCESS         | 403 | -  | not allowed to access model
            db-auth-model-denied-team    | ACCESS         | 403 | -  | team not allowed
            db-auth-management-key       | ACCESS         | 403 | -  | not allowed to call this route
            upstream-403                 | ACCESS         | 403 | -  | region is not supported
            budget-broke                 | BUDGET         | 429 | -  | Max budget: 0.01
            db-budget-key-3              | BUDGET         | 429 | -  | Budget has been exceeded
            db-budget-end-user-2         | BUDGET         | 429 | -  | over budget
            upstream-quota               | BUDGET         | 429 | -  | exceeded your current quota
            session-iterations-3         | SESSION_LIMIT  | 429 | -  | max_iterations: 2
            limit-rpm-4                  | RATE_LIMIT     | 429 | 60 | Limit type: requests
            limit-tpm-2                  | RATE_LIMIT     | 429 | 60 | Limit type: tokens
            limit-parallel               | RATE_LIMIT     | 429 | 60 | max_parallel_requests
            upstream-429                 | RATE_LIMIT     | 429 | -  | Rate limit reached
            cooldown-1                   | RATE_LIMIT     | 429 | -  | Rate limit reached
            cooldown-3                   | UNAVAILABLE    | 429 | 7  | No deployments available
            local-context-exceeded       | CONTEXT_WINDOW | 400 | -  | ContextWindowExceededError
            upstream-context             | CONTEXT_WINDOW | 400 | -  | maximum context length is 8192
            upstream-policy              | CONTENT_POLICY | 400 | -  | safety system
            upstream-filter              | CONTENT_POLICY | 400 | -  | content management policy
            bad-messages-type            | BAD_REQUEST    | 400 | -  | Invalid request format
            unknown-model                | BAD_REQUEST    | 400 | -  | no-such-model
            client-api-base-refused      | BAD_REQUEST    | 401 | -  | api_base is not allowed
            bad-path                     | BAD_REQUEST    | 404 | -  | base URL
            bad-method                   | BAD_REQUEST    | 405 | -  | base URL
            upstream-400                 | BAD_REQUEST    | 400 | -  | temperature
            upstream-404                 | BAD_REQUEST    | 404 | -  | does not exist
            upstream-502                 | UNAVAILABLE    | 502 | -  | 502 Bad Gateway
            upstream-503                 | UNAVAILABLE    | 503 | -  | overloaded
            upstream-refused             | UNAVAILABLE    | 500 | -  | Connection error
            fallback-disabled-by-client  | UNAVAILABLE    | 500 | -  | server had an error
            stream-error-mid             | UNAVAILABLE    | 500 | -  | error while streaming
            stream-cut-mid               | UNAVAILABLE    | 500 | -  | not completed
            stream-stall                 | UNAVAILABLE    | 500 | -  | Timeout on reading
            upstream-timeout             | TIMEOUT        | 408 | -  | timed out
            stream-client-hangs-up       | CUT_STREAM     | 200 | -  | before it was whole
            """)
    void errors(String name, Kind kind, int status, Integer retryAfter, String words) throws IOException {
        for (CallScope scope : List.of(Calls.plain(), Calls.streaming(new Heard()))) {
            ModelException e = failure(name, scope);

            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e.findStatus()).contains(status);
            assertThat(e.findRetryAfter())
                    .isEqualTo(java.util.Optional.ofNullable(retryAfter).map(Duration::ofSeconds));
            assertThat(e.getMessage())
                    .contains(words)
                    .hasSizeLessThan(750)
                    .doesNotContain("Model Group")
                    .doesNotContain("scripted-fallback")
                    .doesNotContain("dep-cool")
                    .doesNotContain("\n")
                    .doesNotContainPattern("[0-9a-f]{40}");
        }
    }

    private static ModelReply reply(String name, CallScope scope) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of(name)::play)) {
            return LiteLlm.at(gateway.url()).model("asked").call(Calls.saying("hi"), scope);
        }
    }

    private static ModelException failure(String name, CallScope scope) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of(name)::play)) {
            return Calls.failure(LiteLlm.at(gateway.url()).key("sk-some-key").model("asked"), scope);
        }
    }
}

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
import org.junit.jupiter.params.provider.ValueSource;

/** What the client makes of answers that a real gateway has given. */
class RecordedTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            chat                             | scripted answer to: What is a gateway? | stop   | 0.00025                | HEADER
            chat-stream                      | scripted answer to: What is a gateway? | stop   | 0.00025                | USAGE
            chat-length                      | scripted answer to: a long one         | length | 0.00022                | HEADER
            chat-stream-no-usage-asked       | scripted answer to: What is a gateway? | stop   | 0                      | UNKNOWN
            chat-unicode-stream              | Grüße 東京 👩‍👩‍👧 é 𝄞                     | stop   | 0.00016                | USAGE
            chat-reasoning                   | scripted answer to: why?               | stop   | 0.00026000000000000003 | HEADER
            chat-reasoning-stream            | scripted answer to: why?               | stop   | 0.00026000000000000003 | USAGE
            chat-empty-stream                | ''                                     | stop   | 0.00004                | USAGE
            fallback                         | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            fallback-stream                  | scripted answer to: hi                 | stop   | 0.00013000000000000002 | USAGE
            fallback-midstream               | scripted answer to: one two three four | stop   | 0.00079                | USAGE
            fallback-by-client               | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            fallback-content-policy          | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            fallback-context-window          | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            budget-used-up-1                 | 'w0 w1 w2 w3 w4 w5 w6 w7 '             | stop   | 0.00027                | HEADER
            budget-used-up-2                 | 'w0 w1 w2 w3 w4 w5 w6 w7 '             | stop   | 0.00027                | HEADER
            chat-cache-hit                   | scripted answer to: cache me           | stop   | 0.00017                | HEADER
            chat-cache-hit-stream            | scripted answer to: cache me           | stop   | 0.00017                | USAGE
            chat-cache-miss                  | scripted answer to: cache me           | stop   | 0.00017                | HEADER
            chat-json                        | {"answer": 42, "unit": "none"}         | stop   | 0.00013000000000000002 | HEADER
            chat-mock                        | mock answer from the gateway           | stop   | 0.00022500000000000002 | HEADER
            chat-mock-response-allowed       | from the client                        | stop   | 0.0007000000000000001  | HEADER
            chat-mock-response-stripped      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            chat-mock-stream                 | mock answer from the gateway           | stop   | 0.00007000000000000001 | USAGE
            chat-tool-result                 | scripted answer to: tool results: 21 C | stop   | 0.00024                | HEADER
            chat-upstream-comments-stream    | scripted answer to: a b c              | stop   | 0.00022                | USAGE
            chat-upstream-crlf-stream        | scripted answer to: a b c              | stop   | 0.00022                | USAGE
            key-in-x-api-key                 | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            key-in-x-litellm-api-key         | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            limit-rpm-1                      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            limit-rpm-2                      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            limit-rpm-3                      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            limit-tpm-1                      | 'w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21 w22 w23 w24 w25 w26 w27 w28 w29 ' | stop   | 0.0009699999999999999  | HEADER
            own-call-id                      | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            retry-ok-after-one-500           | scripted answer to: hi                 | stop   | 0.00016                | HEADER
            session-iterations-1             | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            session-iterations-2             | scripted answer to: hi                 | stop   | 0.00013000000000000002 | HEADER
            upstream-slow-first-token-stream | scripted answer to: a b c              | stop   | 0.00023                | USAGE
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

    @ParameterizedTest
    @CsvSource({
        "local-chat, 12, true",
        "local-json-schema, 20, true",
        "local-tool, 80, true",
        "local-tool-stream, 80, false"
    })
    void aRealModel_saysMoreThanAReplyHolds_andItIsKept(String name, long output, boolean timings) throws IOException {
        ModelReply reply = reply(name, Calls.streaming(new Heard()));

        assertThat(reply.text()).isNotBlank();
        assertThat(reply.usage().output()).isEqualTo(output);
        assertThat(reply.details().find("reply").orElseThrow().names())
                .containsExactlyElementsOf(
                        timings ? List.of("id", "system_fingerprint", "timings") : List.of("id", "system_fingerprint"));
    }

    /** The scripted provider answers with the request that it got. */
    @ParameterizedTest
    @ValueSource(strings = {"body-tags", "litellm-metadata", "session-and-trace", "header-num-retries-timeout"})
    void whatTheGatewayIsTold_doesNotReachTheProvider(String name) throws IOException {
        ModelReply reply = reply(name, Calls.plain());

        assertThat(reply.text())
                .contains("\"messages\"")
                .doesNotContain("x-litellm")
                .doesNotContain("traceparent");
        assertThat(reply.cost().source()).isEqualTo(Cost.Source.HEADER);
    }

    @Test
    @Recorded("completions")
    void textCompletion_isNoMessage() throws IOException {
        ModelReply reply = reply("completions", Calls.plain());

        assertThat(reply.parts()).isEmpty();
        assertThat(reply.details().find("reply").orElseThrow().findText("text")).contains(" there was a gateway.");
    }

    @Test
    void theIdOfTheResponse_isKept_asTheLedgerIsSearchedByIt() throws IOException {
        assertThat(reply("chat-stream", Calls.streaming(new Heard()))
                        .details()
                        .find("reply")
                        .orElseThrow())
                .hasToString("{\"id\":\"chatcmpl-fake-6b0392ad-37\",\"system_fingerprint\":\"fp_fake\"}");
        assertThat(reply("fallback-midstream", Calls.streaming(new Heard()))
                        .details()
                        .find("reply")
                        .orElseThrow())
                .hasToString("{\"id\":\"chatcmpl-fake-6b0392ad-73\",\"system_fingerprint\":\"fp_fake\"}");
    }

    @Test
    @Recorded("chat-upstream-cached-tokens")
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
    @Recorded("stream-eof-without-done")
    void streamThatTheProviderCut_looksComplete() throws IOException {
        assertThat(reply("stream-eof-without-done", Calls.streaming(new Heard()))
                        .finishReason())
                .isEqualTo("stop");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            auth-bad-key                        | AUTH           | 401 | -  | LiteLlm.key
            auth-blocked                        | AUTH           | 401 | -  | Key is blocked
            auth-expired                        | AUTH           | 401 | -  | Expired Key
            db-auth-bad-key                     | AUTH           | 401 | -  | LiteLlm.key
            upstream-401                        | AUTH           | 401 | -  | gateway's own key
            auth-model-denied                   | ACCESS         | 403 | -  | not allowed to access model
            db-auth-model-denied-team           | ACCESS         | 403 | -  | team not allowed
            db-auth-management-key              | ACCESS         | 403 | -  | not allowed to call this route
            upstream-403                        | ACCESS         | 403 | -  | region is not supported
            budget-broke                        | BUDGET         | 429 | -  | Max budget: 0.01
            db-budget-key-3                     | BUDGET         | 429 | -  | Budget has been exceeded
            db-budget-end-user-2                | BUDGET         | 429 | -  | over budget
            upstream-quota                      | BUDGET         | 429 | -  | exceeded your current quota
            session-iterations-3                | SESSION_LIMIT  | 429 | -  | max_iterations: 2
            limit-rpm-4                         | RATE_LIMIT     | 429 | 60 | Limit type: requests
            limit-tpm-2                         | RATE_LIMIT     | 429 | 60 | Limit type: tokens
            limit-parallel                      | RATE_LIMIT     | 429 | 60 | max_parallel_requests
            upstream-429                        | RATE_LIMIT     | 429 | -  | Rate limit reached
            cooldown-1                          | RATE_LIMIT     | 429 | -  | Rate limit reached
            cooldown-3                          | UNAVAILABLE    | 429 | 7  | No deployments available
            local-context-exceeded              | CONTEXT_WINDOW | 400 | -  | ContextWindowExceededError
            upstream-context                    | CONTEXT_WINDOW | 400 | -  | maximum context length is 8192
            upstream-policy                     | CONTENT_POLICY | 400 | -  | safety system
            upstream-filter                     | CONTENT_POLICY | 400 | -  | content management policy
            bad-messages-type                   | BAD_REQUEST    | 400 | -  | Invalid request format
            unknown-model                       | BAD_REQUEST    | 400 | -  | no-such-model
            client-api-base-refused             | BAD_REQUEST    | 401 | -  | api_base is not allowed
            bad-path                            | BAD_REQUEST    | 404 | -  | base URL
            bad-method                          | BAD_REQUEST    | 405 | -  | base URL
            upstream-400                        | BAD_REQUEST    | 400 | -  | temperature
            upstream-404                        | BAD_REQUEST    | 404 | -  | does not exist
            upstream-502                        | UNAVAILABLE    | 502 | -  | 502 Bad Gateway
            upstream-503                        | UNAVAILABLE    | 503 | -  | overloaded
            upstream-refused                    | UNAVAILABLE    | 500 | -  | Connection error
            fallback-disabled-by-client         | UNAVAILABLE    | 500 | -  | server had an error
            stream-error-mid                    | UNAVAILABLE    | 500 | -  | error while streaming
            stream-cut-mid                      | UNAVAILABLE    | 500 | -  | not completed
            stream-stall                        | UNAVAILABLE    | 500 | -  | Timeout on reading
            upstream-timeout                    | TIMEOUT        | 408 | -  | timed out
            stream-client-hangs-up              | CUT_STREAM     | 200 | -  | before it was whole
            admin-route-denied                  | ACCESS         | 401 | -  | Only proxy admin
            auth-missing                        | AUTH           | 401 | -  | No api key
            auth-not-a-key                      | AUTH           | 401 | -  | LiteLlm.key
            bad-json                            | BAD_REQUEST    | 400 | -  | Invalid JSON
            bad-no-messages                     | BAD_REQUEST    | 400 | -  | Missing required parameter
            bad-no-model                        | BAD_REQUEST    | 400 | -  | model=None
            budget-used-up-3                    | BUDGET         | 429 | -  | Max budget: 0.0005
            budget-used-up-4                    | BUDGET         | 429 | -  | Current cost: 0.00054
            cooldown-2                          | RATE_LIMIT     | 429 | -  | Rate limit reached
            limit-rpm-5                         | RATE_LIMIT     | 429 | 60 | Limit type: requests
            limit-rpm-stream                    | RATE_LIMIT     | 429 | 60 | Limit type: requests
            limit-tpm-3                         | RATE_LIMIT     | 429 | 60 | Limit type: tokens
            master-key-generate-no-db           | UNAVAILABLE    | 500 | -  | needs a database
            master-key-info-no-db               | UNAVAILABLE    | 500 | -  | Database not connected
            metrics                             | PROTOCOL       | 200 | -  | text/plain
            metrics-no-key                      | AUTH           | 401 | -  | No api key
            metrics-redirect                    | PROTOCOL       | 307 | -  | redirects
            model-one                           | ACCESS         | 401 | -  | Only proxy admin
            spend-logs-no-db                    | UNAVAILABLE    | 500 | -  | Database not connected
            stream-error-first                  | UNAVAILABLE    | 500 | -  | The server had an error
            stream-malformed-mid                | UNAVAILABLE    | 500 | -  | or: APIConnectionError: OpenAIException
            stream-reset-mid                    | UNAVAILABLE    | 500 | -  | not completed
            team-new-no-db                      | UNAVAILABLE    | 500 | -  | No db connected
            upstream-408                        | TIMEOUT        | 408 | -  | Request timed out
            upstream-422                        | BAD_REQUEST    | 422 | -  | Unprocessable
            upstream-429-stream                 | RATE_LIMIT     | 429 | -  | Rate limit reached
            upstream-500                        | UNAVAILABLE    | 500 | -  | The server had an error
            upstream-500-stream                 | UNAVAILABLE    | 500 | -  | The server had an error
            upstream-context-stream             | CONTEXT_WINDOW | 400 | -  | maximum context length is 8192
            upstream-malformed                  | UNAVAILABLE    | 500 | -  | Unterminated string
            upstream-reset-before               | UNAVAILABLE    | 500 | -  | Connection error
            upstream-timeout-first-token-stream | TIMEOUT        | 408 | -  | timed out
            upstream-timeout-impatient          | TIMEOUT        | 408 | -  | timed out
            messages-bad-key                    | AUTH           | 401 | -  | LiteLlm.key
            messages-upstream-429               | RATE_LIMIT     | 429 | -  | Rate limit reached
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

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An application that calls by itself, without an agent. */
@Timeout(60)
class AskTest {
    private static final String OK =
            "{\"model\":\"m\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}";
    private static final String BUSY = "{\"error\":{\"message\":\"overloaded\",\"type\":null,\"code\":\"503\"}}";

    private final List<FakeGateway> gateways = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (FakeGateway gateway : gateways) {
            gateway.close();
        }
    }

    private LiteLlm at(FakeGateway.Answer answer) {
        FakeGateway gateway = FakeGateway.raw(answer);
        gateways.add(gateway);
        return LiteLlm.at(gateway.url()).key("sk-secret").model("m");
    }

    private List<FakeGateway.Received> received() {
        return gateways.get(0).received();
    }

    /** Fails {@code failures} times with a status, then answers. */
    private LiteLlm failing(int failures, int status, String body) {
        AtomicInteger calls = new AtomicInteger();
        return at(exchange -> {
            if (calls.incrementAndGet() <= failures) {
                exchange.whole(status, "application/json", body);
            } else {
                exchange.json(OK);
            }
        });
    }

    private static ModelException failure(LiteLlm client, CallOptions options) {
        return catchThrowableOfType(ModelException.class, () -> client.ask(Calls.saying("hi"), options));
    }

    @Test
    void oneText_isAnswered() {
        assertThat(at(exchange -> exchange.json(OK)).ask("is it?").text()).isEqualTo("yes");
        assertThat(received().get(0).body()).contains("\"content\":\"is it?\"").contains("\"stream\":false");
    }

    @Test
    void failureThatMayPass_isRetried_withACallIdOfItsOwn() {
        ModelReply reply = failing(2, 503, BUSY).ask(Calls.saying("hi"), CallOptions.DEFAULT);

        assertThat(reply.text()).isEqualTo("yes");
        assertThat(received()).hasSize(3);
        assertThat(received().stream().map(call -> call.headers().get("x-litellm-call-id")))
                .doesNotHaveDuplicates()
                .doesNotContainNull();
    }

    @Test
    void retriesAreCounted() {
        ModelException e = failure(failing(9, 503, BUSY), CallOptions.DEFAULT.retries(1));

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(received()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"error\":{\"message\":\"Budget has been exceeded! Current cost: 2, Max budget: 1\",\"type\":\"budget_exceeded\",\"code\":\"429\"}}",
                "{\"error\":{\"message\":\"Max iterations exceeded for session s. Current count: 3, max_iterations: 2.\",\"type\":\"throttling_error\",\"code\":\"429\"}}",
                "{\"error\":{\"message\":\"litellm.RateLimitError: OpenAIException - You exceeded your current quota\",\"type\":\"throttling_error\",\"code\":\"429\"}}"
            })
    void spentBudget_isNeverRetried(String body) {
        ModelException e = failure(failing(9, 429, body), CallOptions.DEFAULT);

        assertThat(e.retryable()).isFalse();
        assertThat(received()).hasSize(1);
    }

    @Test
    void failureAfterContentWasDelivered_isNotRetried() {
        Heard heard = new Heard();
        LiteLlm client = at(exchange -> exchange.stream().role().text("half").cut());

        ModelException e = failure(client, CallOptions.DEFAULT.deltas(heard));

        assertThat(e.kind()).isEqualTo(Kind.CUT_STREAM);
        assertThat(heard.text).hasToString("half");
        assertThat(received()).hasSize(1);
    }

    @Test
    void callWithAnIdOfItsOwn_isNotRetried() {
        failure(failing(9, 503, BUSY), CallOptions.DEFAULT.callId("mine"));

        assertThat(received()).hasSize(1);
        assertThat(received().get(0).headers()).containsEntry("x-litellm-call-id", "mine");
    }

    @Test
    void waitLongerThanTwentySeconds_isNotMade() {
        LiteLlm client = at(exchange ->
                exchange.raw("HTTP/1.1 503 X\r\nretry-after: 21\r\ncontent-type: application/json\r\ncontent-length: "
                        + BUSY.length() + "\r\n\r\n" + BUSY));

        ModelException e = failure(client, CallOptions.DEFAULT);

        assertThat(e.findRetryAfter()).contains(Duration.ofSeconds(21));
        assertThat(received()).hasSize(1);
    }

    @Test
    void interruptionEndsThePauseBetweenAttempts() throws Exception {
        Interruption stop = new Interruption();
        CountDownLatch refused = new CountDownLatch(1);
        LiteLlm client = at(exchange -> {
            exchange.raw("HTTP/1.1 503 X\r\nretry-after: 19\r\ncontent-type: application/json\r\ncontent-length: "
                    + BUSY.length() + "\r\n\r\n" + BUSY);
            refused.countDown();
        });
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<ModelException> failed = CompletableFuture.supplyAsync(
                    () -> failure(client, CallOptions.DEFAULT.interruption(stop)), thread);
            refused.await();
            stop.request("enough");

            assertThat(failed.get(15, TimeUnit.SECONDS))
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.INTERRUPTED))
                    .hasMessageContaining("enough");
        } finally {
            thread.shutdownNow();
        }
    }

    @Test
    void futureThatIsCancelled_interruptsItsCall() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        LiteLlm client = at(exchange -> {
            arrived.countDown();
            exchange.stall();
        });
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<ModelReply> reply = client.askAsync(Calls.saying("hi"), CallOptions.DEFAULT, threads);
            arrived.await();
            reply.cancel(false);
            threads.shutdown();

            assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void futureGivesTheReply() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try {
            assertThat(at(exchange -> exchange.json(OK))
                            .askAsync(Calls.saying("hi"), CallOptions.DEFAULT, threads)
                            .get(20, TimeUnit.SECONDS)
                            .text())
                    .isEqualTo("yes");
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void gatewayIsToldOnWhoseBehalf() {
        at(exchange -> exchange.json(OK))
                .tags("team-a")
                .ask(
                        Calls.saying("hi"),
                        CallOptions.DEFAULT
                                .session("case-7")
                                .endUser("customer-9")
                                .tags("batch")
                                .metadata(Json.parse("{\"trace_user_id\":\"u\"}")));

        FakeGateway.Received call = received().get(0);
        assertThat(call.headers())
                .containsEntry("x-litellm-session-id", "case-7")
                .containsEntry("x-litellm-trace-id", "case-7")
                .containsEntry("x-litellm-end-user-id", "customer-9")
                .containsEntry("x-litellm-tags", "team-a,batch");
        assertThat(Json.parse(call.body()).find("litellm_metadata")).contains(Json.parse("{\"trace_user_id\":\"u\"}"));
    }

    @Test
    void otherServersAreToldNothing() {
        FakeGateway gateway = FakeGateway.raw(exchange -> exchange.json(OK));
        gateways.add(gateway);

        LiteLlm.openAiCompatible(gateway.url())
                .model("m")
                .ask(
                        Calls.saying("hi"),
                        CallOptions.DEFAULT
                                .session("case-7")
                                .endUser("c")
                                .tags("t")
                                .metadata(Json.parse("{\"a\":1}")));

        assertThat(received().get(0).headers().keySet()).noneMatch(name -> name.startsWith("x-litellm"));
        assertThat(received().get(0).body()).doesNotContain("litellm_metadata");
    }

    @Test
    void currentSpanIsPassedOnAsTraceparent() {
        SpanContext span = SpanContext.create(
                "0af7651916cd43dd8448eb211c80319c",
                "b7ad6b7169203331",
                TraceFlags.getSampled(),
                TraceState.getDefault());
        LiteLlm client = at(exchange -> exchange.json(OK));
        Scope scope = Span.wrap(span).makeCurrent();
        try {
            client.ask("hi");
        } finally {
            scope.close();
        }
        client.ask("hi");

        assertThat(received().get(0).headers())
                .containsEntry("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assertThat(received().get(1).headers()).doesNotContainKey("traceparent");
    }

    @Test
    void namesThatNoHeaderCanHave_areRefused() {
        Map.<String, Runnable>of(
                        "a session", () -> CallOptions.DEFAULT.session("a b"),
                        "an end user", () -> CallOptions.DEFAULT.endUser("Zoë"),
                        "a tag", () -> CallOptions.DEFAULT.tags("a,b"),
                        "a call id", () -> CallOptions.DEFAULT.callId(""))
                .forEach((what, call) -> assertThatThrownBy(call::run)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining(what));
    }
}

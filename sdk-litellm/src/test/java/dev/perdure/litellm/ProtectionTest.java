package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Interruption;
import dev.perdure.spi.CallScope;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the client does not send, and where it turns to instead. */
@Timeout(60)
class ProtectionTest {
    private static final String OK =
            "{\"model\":\"m\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}";

    private final List<FakeGateway> gateways = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void close() throws IOException {
        threads.shutdownNow();
        for (FakeGateway gateway : gateways) {
            gateway.close();
        }
    }

    private FakeGateway gateway(FakeGateway.Answer answer) {
        FakeGateway gateway = FakeGateway.raw(answer);
        gateways.add(gateway);
        return gateway;
    }

    private static LiteLlm client(FakeGateway gateway) {
        return LiteLlm.at(gateway.url()).key("sk-secret").model("m");
    }

    private static CallScope quick() {
        return Calls.scope(CallScope.Deltas.UNWANTED, Interruption.never(), Duration.ofSeconds(5));
    }

    private static ModelException failure(LiteLlm client) {
        return Calls.failure(client, quick());
    }

    /** Tries as long as the breaker is open. */
    private static String onceItIsSent(LiteLlm client, String text) {
        while (true) {
            try {
                return client.call(Calls.saying(text), Calls.plain()).text();
            } catch (ModelException e) {
                assertThat(e).hasMessageContaining("not sent");
                Thread.onSpinWait();
            }
        }
    }

    private static void headers(FakeGateway.Exchange exchange, String... headers) throws IOException {
        exchange.raw("HTTP/1.1 200 OK\r\n" + String.join("\r\n", headers)
                + "\r\ncontent-type: application/json\r\ncontent-length: " + OK.length() + "\r\n\r\n" + OK);
    }

    @Test
    void gatewayThatDoesNotAnswer_isLeftAlone_andTriedAgainLater() throws Exception {
        AtomicBoolean up = new AtomicBoolean();
        FakeGateway gateway = gateway(exchange -> {
            if (up.get()) {
                exchange.json(OK);
            } else {
                exchange.cut();
            }
        });
        LiteLlm client = client(gateway).protection(Protection.STANDARD.breaker(50, Duration.ofMillis(200)));
        for (int i = 0; i < 10; i++) {
            assertThat(failure(client).kind()).isEqualTo(Kind.UNAVAILABLE);
        }

        ModelException e = failure(client);

        assertThat(gateway.received()).hasSize(10);
        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e).hasMessageContaining("not sent").hasMessageContaining("Protection.breaker");
        assertThat(e.findRetryAfter()).contains(Duration.ofMillis(200));
        up.set(true);
        assertThat(onceItIsSent(client, "hi")).isEqualTo("yes");
    }

    @Test
    void failuresOfAProvider_doNotCountAgainstTheGateway() {
        FakeGateway gateway = gateway(exchange -> exchange.whole(
                500, "application/json", "{\"error\":{\"message\":\"m\",\"code\":\"500\"}}", "x-litellm-call-id: c"));
        LiteLlm client = client(gateway);
        for (int i = 0; i < 25; i++) {
            assertThat(failure(client).kind()).isEqualTo(Kind.UNAVAILABLE);
        }
        assertThat(gateway.received()).hasSize(25);
    }

    @Test
    void trialsThatTakeLong_doNotHoldBackTheOthers_onceTheirConnectionStands() throws Exception {
        AtomicBoolean up = new AtomicBoolean();
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch trials = new CountDownLatch(3);
        FakeGateway gateway = gateway(exchange -> {
            if (!up.get()) {
                exchange.cut();
            } else if (exchange.request().body().contains("long")) {
                trials.countDown();
                go.await();
                exchange.json(OK);
            } else {
                exchange.json(OK);
            }
        });
        LiteLlm client = client(gateway).protection(Protection.STANDARD.breaker(50, Duration.ofMillis(100)));
        for (int i = 0; i < 10; i++) {
            failure(client);
        }
        up.set(true);
        List<CompletableFuture<String>> slow = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            slow.add(CompletableFuture.supplyAsync(() -> onceItIsSent(client, "long"), threads));
        }
        trials.await();

        assertThat(client.call(Calls.saying("hi"), quick()).text()).isEqualTo("yes");
        go.countDown();
        for (CompletableFuture<String> one : slow) {
            assertThat(one.get(20, TimeUnit.SECONDS)).isEqualTo("yes");
        }
    }

    @Test
    void callsWhoseOwnTimeWasTooShort_sayNothingOfTheGateway() {
        FakeGateway gateway = gateway(FakeGateway.Exchange::stall);
        LiteLlm client = client(gateway);
        CallScope short10 = Calls.scope(CallScope.Deltas.UNWANTED, Interruption.never(), Duration.ofMillis(30));
        for (int i = 0; i < 15; i++) {
            assertThat(Calls.failure(client, short10).kind()).isEqualTo(Kind.TIMEOUT);
        }
    }

    @Test
    void limitOfAnEndUser_doesNotCloseTheKey() {
        String refusal =
                "{\"error\":{\"message\":\"Rate limit exceeded for end_user: c9. Limit type: requests. Current limit: 1,"
                        + " Remaining: 0.\",\"type\":\"throttling_error\",\"code\":\"429\"}}";
        FakeGateway gateway = gateway(exchange -> exchange.whole(429, "application/json", refusal, "retry-after: 60"));
        LiteLlm client = client(gateway);
        for (int i = 0; i < 3; i++) {
            assertThat(failure(client)).hasMessageContaining("end_user");
        }
        assertThat(gateway.received()).hasSize(3);
    }

    @Test
    void waitsAndTheCallTogether_takeNoLongerThanTheCallMay() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        FakeGateway gateway = gateway(exchange -> {
            arrived.countDown();
            exchange.stall();
        });
        LiteLlm client = client(gateway).protection(Protection.STANDARD.inFlight(1, Duration.ofSeconds(50)));
        CompletableFuture<ModelException> first = CompletableFuture.supplyAsync(
                () -> Calls.failure(
                        client, Calls.scope(CallScope.Deltas.UNWANTED, Interruption.never(), Duration.ofMillis(1_500))),
                threads);
        arrived.await();

        ModelException e = Calls.failure(
                client, Calls.scope(CallScope.Deltas.UNWANTED, Interruption.never(), Duration.ofSeconds(3)));

        // What the wait has left of it; all of it had there been no wait.
        assertThat(e).hasMessageMatching("(?s).*within the total of [12]\\d{0,3} (ms|s).*|not sent.*");
        assertThat(first.get(20, TimeUnit.SECONDS).kind()).isEqualTo(Kind.TIMEOUT);
    }

    @Test
    void durationsBeyondCounting_areAYear() throws IOException {
        Duration forever = java.time.temporal.ChronoUnit.FOREVER.getDuration();
        FakeGateway gateway = gateway(exchange -> headers(
                exchange, "x-ratelimit-api_key-limit-requests: 30", "x-ratelimit-api_key-remaining-requests: 20"));
        LiteLlm client = client(gateway)
                .connectTimeout(forever)
                .firstByteTimeout(forever)
                .chunkTimeout(forever)
                .totalTimeout(forever)
                .protection(Protection.STANDARD.breaker(50, forever).inFlight(9, forever));
        for (int i = 0; i < 2; i++) {
            assertThat(client.ask(Calls.saying("hi"), CallOptions.DEFAULT.timeout(forever))
                            .text())
                    .isEqualTo("yes");
            assertThat(client.call(
                                    Calls.saying("hi"),
                                    Calls.scope(CallScope.Deltas.UNWANTED, Interruption.never(), forever))
                            .text())
                    .isEqualTo("yes");
        }
    }

    @Test
    void moreCallsInFlightThanAllowed_areRefused_orWaitForAPlace() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch arrived = new CountDownLatch(2);
        FakeGateway gateway = gateway(exchange -> {
            arrived.countDown();
            go.await();
            exchange.json(OK);
        });
        LiteLlm client = client(gateway).protection(Protection.STANDARD.inFlight(2, Duration.ZERO));
        List<CompletableFuture<String>> running = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            running.add(CompletableFuture.supplyAsync(
                    () -> client.tags("t")
                            .call(Calls.saying("hi"), Calls.plain())
                            .text(),
                    threads));
        }
        arrived.await();

        ModelException e = failure(client);

        assertThat(e.kind()).isEqualTo(Kind.RATE_LIMIT);
        assertThat(e).hasMessageContaining("2 calls").hasMessageContaining("Protection.inFlight");
        assertThat(gateway.received()).hasSize(2);
        go.countDown();
        for (CompletableFuture<String> one : running) {
            assertThat(one.get(20, TimeUnit.SECONDS)).isEqualTo("yes");
        }
        assertThat(client.call(Calls.saying("hi"), quick()).text()).isEqualTo("yes");
    }

    @Test
    void waitForAPlaceInFlight_endsWithTheCallsInterruption_andWithAPlace() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch arrived = new CountDownLatch(1);
        FakeGateway gateway = gateway(exchange -> {
            arrived.countDown();
            go.await();
            exchange.json(OK);
        });
        LiteLlm client = client(gateway).protection(Protection.STANDARD.inFlight(1, Duration.ofSeconds(50)));
        CompletableFuture<String> first = CompletableFuture.supplyAsync(
                () -> client.call(Calls.saying("hi"), Calls.plain()).text(), threads);
        arrived.await();
        Interruption stop = new Interruption();
        CompletableFuture<ModelException> stopped = CompletableFuture.supplyAsync(
                () -> Calls.failure(client, Calls.scope(CallScope.Deltas.UNWANTED, stop, Duration.ofSeconds(45))),
                threads);
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(
                () -> client.call(Calls.saying("hi"), Calls.plain()).text(), threads);
        stop.request("enough");

        assertThat(stopped.get(20, TimeUnit.SECONDS).kind()).isEqualTo(Kind.INTERRUPTED);
        go.countDown();
        assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo("yes");
        assertThat(waiting.get(20, TimeUnit.SECONDS)).isEqualTo("yes");
    }

    @Test
    void requestsOfAKeyThatTheGatewayWouldRefuse_areNotSent() {
        FakeGateway gateway = gateway(exchange -> headers(
                exchange, "x-ratelimit-api_key-limit-requests: 3", "x-ratelimit-api_key-remaining-requests: 1"));
        LiteLlm client = client(gateway);
        client.call(Calls.saying("hi"), quick());
        client.call(Calls.saying("hi"), quick());

        ModelException e = failure(client);

        assertThat(e.kind()).isEqualTo(Kind.RATE_LIMIT);
        assertThat(e).hasMessageContaining("not sent");
        assertThat(e.findRetryAfter().orElseThrow()).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(60));
        assertThat(gateway.received()).hasSize(2);
        // What is refused here takes nothing from the next minute.
        for (int i = 0; i < 10; i++) {
            assertThat(failure(client).findRetryAfter().orElseThrow())
                    .isLessThanOrEqualTo(e.findRetryAfter().orElseThrow());
        }
        // Another key has its own limits.
        assertThat(client.key("sk-other").call(Calls.saying("hi"), quick()).text())
                .isEqualTo("yes");
    }

    @Test
    void refusalForTooManyRequests_isObeyed_andOnlyByThatKey() throws IOException {
        Recording refusal = Recording.of("limit-rpm-4");
        FakeGateway gateway = gateway(exchange -> {
            if (exchange.request().headers().get("authorization").contains("sk-secret")) {
                refusal.play(exchange);
            } else {
                exchange.json(OK);
            }
        });
        LiteLlm client = client(gateway);
        assertThat(failure(client).findSpent())
                .contains(new ModelException.Spent("api_key", null, new java.math.BigDecimal(3), "requests"));

        ModelException second = failure(client);

        assertThat(second).hasMessageContaining("not sent");
        assertThat(gateway.received()).hasSize(1);
        assertThat(client.key("sk-other").call(Calls.saying("hi"), quick()).text())
                .isEqualTo("yes");
        assertThat(failure(client.protection(Protection.NONE))).hasMessageContaining("Rate limit exceeded");
    }

    @Test
    void gatewayThatCannotBeReached_isReplacedByTheSecond() throws IOException {
        FakeGateway second = gateway(exchange -> exchange.json(OK));
        FakeGateway first = gateway(FakeGateway.Exchange::cut);
        LiteLlm client =
                client(first).fallback(client(second).key("sk-of-second").model("other"));

        assertThat(client.call(Calls.saying("hi"), quick()).text()).isEqualTo("yes");
        first.close();
        assertThat(client.call(Calls.saying("hi"), quick()).text()).isEqualTo("yes");

        assertThat(first.received()).hasSize(1);
        assertThat(second.received()).hasSize(2);
        assertThat(second.received().get(0).headers()).containsEntry("authorization", "Bearer sk-of-second");
        assertThat(second.received().get(0).body()).contains("\"model\":\"other\"");
    }

    @Test
    void answerOfTheFirstGateway_isAnAnswer_andHalfAReplyIsNotBegunAnew() throws IOException {
        FakeGateway second = gateway(exchange -> exchange.json(OK));
        Recording budget = Recording.of("budget-broke");
        LiteLlm refused = client(gateway(budget::play)).fallback(client(second));
        LiteLlm cut = client(gateway(
                        exchange -> exchange.stream().role().text("half").cut()))
                .fallback(client(second));

        assertThat(failure(refused).kind()).isEqualTo(Kind.BUDGET);
        assertThat(Calls.failure(cut, Calls.streaming(new Heard())).kind()).isEqualTo(Kind.CUT_STREAM);
        assertThat(second.received()).isEmpty();
    }

    @Test
    void numbersThatMakeNoSense_areRefused() {
        assertThatThrownBy(() -> Protection.STANDARD.breaker(0, Duration.ofSeconds(1)))
                .hasMessageContaining("1 to 100");
        assertThatThrownBy(() -> Protection.STANDARD.breaker(50, Duration.ZERO)).hasMessageContaining("PT0S");
        assertThatThrownBy(() -> Protection.STANDARD.inFlight(0, Duration.ZERO)).hasMessageContaining("at least 1");
    }
}

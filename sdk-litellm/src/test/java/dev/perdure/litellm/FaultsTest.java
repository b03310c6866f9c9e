package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes wrong between client and gateway; each request must reach the gateway exactly once. */
@Timeout(30)
class FaultsTest {
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

    private ModelException streamFailure(FakeGateway.Answer answer) {
        ModelException e = Calls.failure(at(answer), Calls.streaming(new Heard()));
        assertThat(gateways.get(0).received()).hasSize(1);
        return e;
    }

    private ModelException plainFailure(FakeGateway.Answer answer) {
        ModelException e = Calls.failure(at(answer), Calls.plain());
        assertThat(gateways.get(0).received()).hasSize(1);
        return e;
    }

    @Test
    void refusalWhoseBodyBreaksOff_isARefusalAllTheSame() {
        ModelException e = plainFailure(exchange -> exchange.raw(
                        "HTTP/1.1 401 X\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"error\":")
                .cut());

        assertThat(e.kind()).isEqualTo(Kind.AUTH);
        assertThat(e.findStatus()).contains(401);
    }

    @Test
    void streamWithoutItsEndMark_isCut() {
        ModelException e = streamFailure(exchange ->
                exchange.stream("x-litellm-call-id: abc").role().text("half").end());

        assertThat(e.kind()).isEqualTo(Kind.CUT_STREAM);
        assertThat(e.retryable()).isTrue();
        assertThat(e.findGatewayCallId()).contains("abc");
    }

    @Test
    void connectionClosedInTheMidst_isCut() {
        assertThat(streamFailure(exchange ->
                                exchange.stream().role().text("half").cut())
                        .kind())
                .isEqualTo(Kind.CUT_STREAM);
    }

    @Test
    void connectionClosedInsideOfAChunk_isCut() {
        assertThat(streamFailure(exchange -> exchange.stream()
                                .role()
                                .raw("40\r\ndata: {\"choi")
                                .cut())
                        .kind())
                .isEqualTo(Kind.CUT_STREAM);
    }

    @Test
    void connectionResetInTheMidst_isCut() {
        assertThat(streamFailure(exchange ->
                                exchange.stream().role().text("half").reset())
                        .kind())
                .isEqualTo(Kind.CUT_STREAM);
    }

    @Test
    void plainAnswerCutShort_isCut() {
        assertThat(plainFailure(exchange -> exchange.raw(
                                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{\"choices\":[")
                                .cut())
                        .kind())
                .isEqualTo(Kind.CUT_STREAM);
    }

    @Test
    void closedBeforeTheAnswer_isUnavailable_andNotSentAgain() {
        ModelException e = plainFailure(FakeGateway.Exchange::cut);

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.retryable()).isTrue();
    }

    @Test
    void pooledConnectionResetBeforeTheAnswer_isNotSentAgain() {
        LiteLlm client = at(exchange -> {
            if (exchange.request().body().contains("\"hi\"")) {
                exchange.reset();
            } else {
                exchange.json("{\"choices\":[{\"message\":{\"content\":\"ok\"}}]}");
            }
        });
        client.call(Calls.saying("first"), Calls.plain());

        ModelException e = Calls.failure(client, Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(gateways.get(0).received()).hasSize(2);
        assertThat(gateways.get(0).connections()).isEqualTo(1);
    }

    @Test
    void statusesThatOkHttpWouldRepeat_areNotRepeated() {
        for (String head : List.of("408 Timeout", "503 Busy\r\nretry-after: 0", "421 Misdirected")) {
            LiteLlm client = at(exchange -> exchange.raw("HTTP/1.1 " + head + "\r\ncontent-length: 0\r\n\r\n"));

            Calls.failure(client, Calls.plain());

            assertThat(gateways.get(gateways.size() - 1).received()).as(head).hasSize(1);
        }
    }

    @Test
    void redirect_isNotFollowed() {
        ModelException e = plainFailure(exchange -> exchange.whole(
                307, "text/plain", "", "location: " + gateways.get(0).url() + "/elsewhere"));

        assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
        assertThat(e.getMessage()).contains("redirects");
    }

    @Test
    void malformedChunk_isProtocol_withoutAQuote() {
        ModelException e = streamFailure(exchange -> exchange.stream()
                .role()
                .event("{\"choices\":[{\"delta\":{\"content\":\"private")
                .end());

        assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
        assertThat(e.getMessage()).doesNotContain("private");
    }

    @Test
    void htmlWithStatus200_isProtocol() {
        ModelException e = plainFailure(exchange -> exchange.whole(200, "text/html", "<html>Welcome</html>"));

        assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
        assertThat(e.getMessage()).contains("text/html");
    }

    @Test
    void html502_isUnavailable_withItsWords() {
        ModelException e = plainFailure(exchange -> exchange.whole(
                502, "text/html", "<html><head><style>p{}</style></head><h1>502 Bad Gateway</h1></html>"));

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.findStatus()).contains(502);
        assertThat(e.getMessage()).endsWith("502 Bad Gateway");
    }

    @Test
    void notHttp_isProtocol() {
        assertThat(plainFailure(exchange -> exchange.raw("SSH-2.0-OpenSSH\r\n").cut())
                        .kind())
                .isEqualTo(Kind.PROTOCOL);
    }

    @Test
    void secondRoleDelta_discardsTextAndTools() {
        Heard heard = new Heard();
        LiteLlm client = at(exchange -> exchange.stream("x-litellm-model-id: broken")
                .role()
                .text("wrong")
                .event(
                        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"t\"}}]}}]}")
                .role()
                .text("right")
                .done());

        ModelReply reply = client.call(Calls.saying("hi"), Calls.streaming(heard));

        assertThat(reply.text()).isEqualTo("right").isEqualTo(heard.text.toString());
        assertThat(reply.parts()).hasSize(1);
        assertThat(heard.discards).isEqualTo(1);
        assertThat(reply.deployment()).isNull();
    }

    @Test
    void roleInEveryDelta_isNoFallback() {
        Heard heard = new Heard();
        String delta = "{\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"%s\"}}]}";
        LiteLlm client = at(exchange -> exchange.stream()
                .event(delta.formatted("a"))
                .event(delta.formatted("b"))
                .done());

        assertThat(client.call(Calls.saying("hi"), Calls.streaming(heard)).text())
                .isEqualTo("ab");
        assertThat(heard.discards).isZero();
    }

    @Test
    void plainJsonForAStream_isTaken() {
        Heard heard = new Heard();
        LiteLlm client = at(exchange -> exchange.json("{\"choices\":[{\"message\":{\"content\":\"all at once\"}}]}"));

        client.call(Calls.saying("hi"), Calls.streaming(heard));

        assertThat(heard.text).hasToString("all at once");
    }

    @Test
    void firstByteTooLate_isNamed() {
        ModelException e = Calls.failure(
                at(FakeGateway.Exchange::stall).firstByteTimeout(Duration.ofMillis(150)), Calls.streaming(new Heard()));

        assertThat(e.kind()).isEqualTo(Kind.TIMEOUT);
        assertThat(e.getMessage()).contains("first byte").contains("150 ms");
    }

    @Test
    void firstByteOfTheBodyTooLate_isNamed() {
        ModelException e = Calls.failure(
                at(exchange -> exchange.stream().stall()).firstByteTimeout(Duration.ofMillis(150)),
                Calls.streaming(new Heard()));

        assertThat(e.getMessage()).contains("first byte").contains("150 ms");
    }

    @Test
    void silenceBetweenChunks_isNamed_andLongerThanTheFirstByteMayTake() {
        ModelException e = Calls.failure(
                at(exchange -> exchange.stream().role().text("a").stall())
                        .firstByteTimeout(Duration.ofMillis(100))
                        .chunkTimeout(Duration.ofMillis(400)),
                Calls.streaming(new Heard()));

        assertThat(e.kind()).isEqualTo(Kind.TIMEOUT);
        assertThat(e.getMessage()).contains("between chunks").contains("400 ms");
    }

    @Test
    void totalOfClientOrScope_whicheverIsLess_isNamed() {
        LiteLlm client = at(exchange -> {
            exchange.stream().role();
            while (true) {
                exchange.text("x");
                TimeUnit.MILLISECONDS.sleep(5);
            }
        });

        assertThat(Calls.failure(client.totalTimeout(Duration.ofMillis(200)), Calls.streaming(new Heard()))
                        .getMessage())
                .contains("total of 200 ms");
        ModelException byScope = Calls.failure(
                client, Calls.scope(new Heard(), dev.perdure.session.Interruption.never(), Duration.ofMillis(150)));
        assertThat(byScope.getMessage()).contains("total of 150 ms");
        assertThat(byScope.kind()).isEqualTo(Kind.TIMEOUT);
    }

    @Test
    void noConnectionInTime_isNamed() throws IOException {
        // A full backlog answers no further connection on Linux.
        try (ServerSocket full = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            List<java.nio.channels.SocketChannel> taken = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                java.nio.channels.SocketChannel channel = java.nio.channels.SocketChannel.open();
                channel.configureBlocking(false);
                channel.connect(full.getLocalSocketAddress());
                taken.add(channel);
            }
            ModelException e = Calls.failure(
                    LiteLlm.at("http://127.0.0.1:" + full.getLocalPort())
                            .model("m")
                            .connectTimeout(Duration.ofMillis(150)),
                    Calls.plain());
            for (java.nio.channels.SocketChannel channel : taken) {
                channel.close();
            }
            assertThat(e.kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(e.getMessage()).contains("no connection within 150 ms");
        }
    }

    @Test
    void nothingListens_isUnavailable_withUrlAndRemedy() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }

        ModelException e = Calls.failure(
                LiteLlm.at("http://127.0.0.1:" + port).key("sk-secret").model("m"), Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.getMessage())
                .contains("http://127.0.0.1:" + port)
                .contains("Does it run")
                .doesNotContain("secret");
    }

    @Test
    void unknownHost_isUnavailable_withRemedy() {
        ModelException e =
                Calls.failure(LiteLlm.at("http://no-such-host.invalid").model("m"), Calls.plain());

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.getMessage()).contains("no-such-host.invalid").contains("Is the name right");
    }

    @Test
    void costWithAnAbsurdExponent_orBelowZero_isUnknown() {
        for (String cost : List.of("1e999999999", "-0.5", "NaN", "None", "")) {
            LiteLlm client = at(exchange -> exchange.json(
                    "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}", "x-litellm-response-cost: " + cost));

            assertThat(client.call(Calls.saying("hi"), Calls.plain()).cost())
                    .as(cost)
                    .isEqualTo(Cost.UNKNOWN);
        }
    }

    @Test
    void connectionIsUsedAgain_afterAStream() {
        LiteLlm client = at(exchange -> exchange.stream().role().text("x").done());
        for (int i = 0; i < 5; i++) {
            client.call(Calls.saying("hi"), Calls.streaming(new Heard()));
        }
        assertThat(gateways.get(0).connections()).isEqualTo(1);
    }
}

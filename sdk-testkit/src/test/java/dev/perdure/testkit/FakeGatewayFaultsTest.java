package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the fake gateway does to streams and connections, byte by byte. */
@Timeout(30)
class FakeGatewayFaultsTest {
    private static final GatewayReply FOUR = GatewayReply.text("one two three four");
    private static final String STREAM = RawClient.body("scripted", "hi", Map.of("stream", "true"));
    private static final String PLAIN = RawClient.body("scripted", "hi", Map.of());

    private static String answer(FakeGateway.Answer answer, String request) throws IOException {
        try (FakeGateway gateway = FakeGateway.start(answer)) {
            return new String(new RawClient(gateway).chat("sk-a", request), StandardCharsets.UTF_8);
        }
    }

    private static String events(FakeGateway.Answer answer) throws IOException {
        try (FakeGateway gateway = FakeGateway.start(answer)) {
            return RecordedAnswer.of(new RawClient(gateway).chat("sk-a", STREAM))
                    .body();
        }
    }

    @Test
    void cutStream_hasNoEnd() throws IOException {
        String all = answer(FOUR.cutAfter(2), STREAM);

        assertThat(all)
                .contains("one ")
                .contains("two ")
                .doesNotContain("three")
                .doesNotContain("[DONE]");
        assertThat(all).endsWith("\n\n\r\n").doesNotEndWith("0\r\n\r\n");
    }

    @Test
    void cutPlainReply_isShorterThanItsLength() throws IOException {
        String all = answer(FOUR.cutAfter(0), PLAIN);
        String body = all.substring(all.indexOf("\r\n\r\n") + 4);
        int length = Integer.parseInt(all.replaceFirst("(?s).*\r\ncontent-length: (\\d+).*", "$1"));

        assertThat(body.length()).isPositive().isLessThan(length);
    }

    @Test
    void resetStream_isReset() throws IOException {
        try (FakeGateway gateway = FakeGateway.start(FOUR.resetAfter(2));
                Socket socket = new RawClient(gateway).open()) {
            socket.getOutputStream().write(RawClient.request("POST", "/v1/chat/completions", "sk-a", STREAM));

            assertThatThrownBy(() -> socket.getInputStream().readAllBytes()).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void stalledStream_saysNoMore_untilTheGatewayIsClosed() throws IOException {
        FakeGateway gateway = FakeGateway.start(FOUR.stallAfter(2));
        try (Socket socket = new RawClient(gateway).open()) {
            socket.getOutputStream().write(RawClient.request("POST", "/v1/chat/completions", "sk-a", STREAM));
            InputStream in = socket.getInputStream();
            StringBuilder text = new StringBuilder();
            while (text.indexOf("two ") < 0 || text.indexOf("\n\n\r\n", text.indexOf("two ")) < 0) {
                text.append((char) in.read());
            }
            gateway.close();

            assertThat(rest(in)).isEmpty();
            assertThat(text).doesNotContain("three");
        } finally {
            gateway.close();
        }
    }

    /** A closed connection may be seen as a reset one. */
    private static byte[] rest(InputStream in) throws IOException {
        try {
            return in.readAllBytes();
        } catch (SocketException e) {
            return new byte[0];
        }
    }

    @Test
    void malformedEvent_isHalfAnObject_andTheStreamGoesOn() throws IOException {
        String[] events = events(FOUR.malformedAfter(2)).split("\n\n");

        assertThatThrownBy(() -> Json.parse(events[3].substring("data: ".length())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(events[4]).contains("three ");
        assertThat(events[events.length - 1]).isEqualTo("data: [DONE]");
    }

    @Test
    void streamWithoutItsMark_endsInGoodOrder() throws IOException {
        assertThat(events(FOUR.withoutMark()))
                .contains("four")
                .contains("finish_reason")
                .doesNotContain("[DONE]");
        assertThat(answer(FOUR.withoutMark(), STREAM)).endsWith("0\r\n\r\n");
    }

    @Test
    void linesEndWithCrLf() throws IOException {
        String events = events(FOUR.crlf());

        assertThat(events).contains("\r\n\r\ndata: ");
        assertThat(events.replace("\r\n", "")).doesNotContain("\n");
    }

    @Test
    void comments_standBeforeEveryEvent() throws IOException {
        assertThat(events(FOUR.comments()).replace(": still here\n\n", "")).isEqualTo(events(FOUR));
        assertThat(events(FOUR.comments()).split(": still here", -1)).hasSize(8);
    }

    @Test
    void drippedStream_isTheSameStream() throws IOException {
        GatewayReply reply = GatewayReply.text("Grüße 東京 𝄞");

        assertThat(events(reply.drip(Duration.ZERO))).isEqualTo(events(reply));
    }

    @Test
    void pieces_areAsLongAsTheTestSays() throws IOException {
        String mega = "x".repeat(1 << 20);

        assertThat(events(GatewayReply.pieces(mega, "end")).split("\n\n")[1]).contains("\"content\":\"" + mega + "\"");
    }

    @Test
    void plainReply_neverFallsBackInItsMidst_andErrorsAreAStatus() throws IOException {
        assertThat(answer(FOUR.fallbackAfter(2, "other"), PLAIN))
                .contains("x-litellm-attempted-fallbacks: 1")
                .contains("one two three four");
        assertThat(answer(FOUR.errorAfter(2), PLAIN)).startsWith("HTTP/1.1 500 Internal Server Error");
    }

    @Test
    void cutReply_isSpent_andFailedReplyIsNot() throws IOException {
        try (FakeGateway gateway = FakeGateway.start(FOUR.cutAfter(1), FOUR.errorAfter(1))) {
            RawClient client = new RawClient(gateway);
            client.chat("sk-a", STREAM);
            client.chat("sk-b", STREAM);

            assertThat(gateway.spent("sk-a")).isEqualByComparingTo("0.00013000000000000002");
            assertThat(gateway.spent("sk-b")).isZero();
        }
    }

    @Test
    void callAfterTheScript_isRefusedForGood_andSaysWhy() throws IOException {
        try (FakeGateway gateway = FakeGateway.start(FOUR)) {
            RawClient client = new RawClient(gateway);
            client.chat("sk-a", PLAIN);

            assertThat(new String(client.chat("sk-a", PLAIN), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 400 ")
                    .contains("the script of this FakeGateway has 1 answer, and this call is one more");
        }
    }

    @Test
    void rawAnswer_getsEveryRequest() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(
                exchange -> exchange.json("{\"path\":\"" + exchange.request().path() + "\"}"))) {
            RawClient client = new RawClient(gateway);

            assertThat(new String(client.ask("GET", "/health/liveliness", "", ""), StandardCharsets.UTF_8))
                    .endsWith("{\"path\":\"/health/liveliness\"}");
            assertThat(gateway.received().get(0).headers()).containsEntry("host", "localhost");
        }
    }

    @Test
    void refusal_mayBeOfAnOlderGateway_orWithAnotherWait() throws IOException {
        assertThat(answer(GatewayRefusal.budget("0.2", "0.1").status(400), PLAIN))
                .startsWith("HTTP/1.1 400 Bad Request")
                .endsWith(
                        "{\"error\":{\"message\":\"Budget has been exceeded! Current cost: 0.2, Max budget: 0.1\",\"type\":\"budget_exceeded\",\"param\":null,\"code\":\"400\"}}");
        assertThat(answer(GatewayRefusal.rateLimit().retryAfter(Duration.ZERO), PLAIN))
                .contains("\r\nretry-after: 0\r\nrate_limit_type: requests\r\n");
        assertThat(answer(GatewayRefusal.providerRateLimit().retryAfter(Duration.ofSeconds(2)), PLAIN))
                .contains("\r\nretry-after: 2\r\n");
    }

    @Test
    void received_hidesItsKey() throws IOException {
        try (FakeGateway gateway = FakeGateway.start(FOUR)) {
            new RawClient(gateway).chat("sk-secret", PLAIN);

            assertThat(gateway.received().get(0).key()).isEqualTo("sk-secret");
            assertThat(gateway.received().get(0))
                    .asString()
                    .doesNotContain("secret")
                    .startsWith("POST /v1/chat");
        }
    }
}

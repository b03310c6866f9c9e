package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.ModelClientContract;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;

/** The contract, against a fake gateway that plays each peer. */
class LiteLlmTest extends ModelClientContract {
    private final List<FakeGateway> gateways = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (FakeGateway gateway : gateways) {
            gateway.close();
        }
    }

    @Override
    protected ModelClient clientOf(Peer peer) {
        FakeGateway gateway = FakeGateway.raw(exchange -> play(peer, exchange));
        gateways.add(gateway);
        return LiteLlm.at(gateway.url()).key("sk-test").model("m");
    }

    @Override
    protected int requestsSeen() {
        return gateways.get(gateways.size() - 1).received().size();
    }

    private static void play(Peer peer, FakeGateway.Exchange exchange) throws Exception {
        switch (peer) {
            case ANSWERS -> text(exchange, TEXT);
            case CALLS_TOOLS -> {
                String results = results(exchange);
                if (results.isEmpty()) {
                    calls(exchange);
                } else {
                    text(exchange, results);
                }
            }
            case ECHOES -> {
                List<Json> messages = messages(exchange);
                text(
                        exchange,
                        messages.get(messages.size() - 1).findText("content").orElseThrow());
            }
            case NEVER_ANSWERS -> exchange.stall();
            case STALLS -> exchange.stream().role().text("first words").stall();
            case REFUSES_KEY ->
                exchange.whole(
                        401,
                        "application/json",
                        "{\"error\":{\"message\":\"Authentication Error, Invalid proxy server token passed.\","
                                + "\"type\":\"token_not_found_in_db\",\"param\":\"key\",\"code\":\"401\"}}");
            case FAILS -> exchange.whole(503, "text/html", "<html><body>try later</body></html>", "retry-after: 0");
        }
    }

    private static void text(FakeGateway.Exchange exchange, String text) throws IOException {
        if (!exchange.streamed()) {
            exchange.json(
                    "{\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"content\":"
                            + Json.of(text)
                            + "}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"cost\":1e-4}}");
            return;
        }
        exchange.stream().role();
        for (String word : text.split("(?<= )")) {
            exchange.text(word);
        }
        exchange.done();
    }

    private static void calls(FakeGateway.Exchange exchange) throws IOException {
        if (!exchange.streamed()) {
            exchange.json(
                    "{\"model\":\"m\",\"choices\":[{\"finish_reason\":\"tool_calls\",\"message\":{\"tool_calls\":["
                            + "{\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1,\\\"b\\\":2}\"}},"
                            + "{\"id\":\"c2\",\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":3,\\\"b\\\":4}\"}}]}}]}");
            return;
        }
        exchange.stream().role();
        piece(exchange, "{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1\"}}");
        piece(exchange, "{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"add\",\"arguments\":\"\"}}");
        piece(exchange, "{\"index\":0,\"function\":{\"arguments\":\",\\\"b\\\":2}\"}}");
        piece(exchange, "{\"index\":1,\"function\":{\"arguments\":\"{\\\"a\\\":3,\\\"b\\\":4}\"}}");
        exchange.done();
    }

    private static void piece(FakeGateway.Exchange exchange, String piece) throws IOException {
        exchange.event("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[" + piece + "]}}]}");
    }

    private static String results(FakeGateway.Exchange exchange) {
        return messages(exchange).stream()
                .filter(message -> message.findText("role").orElse("").equals("tool"))
                .map(message -> message.findText("tool_call_id").orElse("") + "="
                        + message.findText("content").orElse(""))
                .collect(Collectors.joining(" "));
    }

    private static List<Json> messages(FakeGateway.Exchange exchange) {
        return Json.parse(exchange.request().body())
                .find("messages")
                .orElseThrow()
                .elements();
    }
}

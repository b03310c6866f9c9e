package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayRefusal;
import dev.perdure.testkit.GatewayReply;
import dev.perdure.testkit.ModelClientContract;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
            case REFUSES_KEY -> GatewayRefusal.unknownKey().play(exchange);
            case FAILS -> exchange.whole(503, "text/html", "<html><body>try later</body></html>", "retry-after: 0");
        }
    }

    private static void text(FakeGateway.Exchange exchange, String text) throws Exception {
        GatewayReply.text(text).cost("0.0001").play(exchange);
    }

    private static void calls(FakeGateway.Exchange exchange) throws Exception {
        GatewayReply.call("add", Map.of("a", 1, "b", 2))
                .andCall("add", Map.of("a", 3, "b", 4))
                .play(exchange);
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

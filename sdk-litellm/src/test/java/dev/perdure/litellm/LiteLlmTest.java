package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayReply;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The contract over chat completions. */
class LiteLlmTest extends LiteLlmContract {
    LiteLlmTest() {
        super(Wire.CHAT);
    }

    @Override
    void text(FakeGateway.Exchange exchange, String text) throws Exception {
        GatewayReply.text(text).cost("0.0001").play(exchange);
    }

    @Override
    void calls(FakeGateway.Exchange exchange) throws Exception {
        GatewayReply.call("add", Map.of("a", 1, "b", 2))
                .andCall("add", Map.of("a", 3, "b", 4))
                .play(exchange);
    }

    @Override
    void begin(FakeGateway.Exchange exchange) throws IOException {
        exchange.stream().role().text("first words");
    }

    @Override
    String results(Json request) {
        return list(request, "messages").stream()
                .filter(message -> field(message, "role").equals("tool"))
                .map(message -> field(message, "tool_call_id") + "=" + field(message, "content"))
                .collect(Collectors.joining(" "));
    }

    @Override
    String lastText(Json request) {
        List<Json> messages = list(request, "messages");
        return field(messages.get(messages.size() - 1), "content");
    }
}

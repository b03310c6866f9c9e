package dev.perdure.litellm;

import dev.perdure.session.Json;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** The contract over chat completions. */
class LiteLlmTest extends LiteLlmContract {
    LiteLlmTest() {
        super(Wire.CHAT);
    }

    @Override
    void text(FakeGateway.Exchange exchange, String text) throws IOException {
        if (!exchange.streamed()) {
            exchange.json(
                    "{\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"content\":"
                            + Json.of(text)
                            + "}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"cost\":1e-4}}");
            return;
        }
        exchange.stream().role();
        for (String word : text.split("(?<= )")) {
            exchange.text(inner(word));
        }
        exchange.done();
    }

    @Override
    void calls(FakeGateway.Exchange exchange) throws IOException {
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

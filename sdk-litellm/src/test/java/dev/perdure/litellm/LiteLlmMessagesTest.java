package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** The contract over Anthropic's messages. */
class LiteLlmMessagesTest extends LiteLlmContract {
    private static final String USAGE = "\"usage\":{\"input_tokens\":3,\"output_tokens\":2}";

    LiteLlmMessagesTest() {
        super(Wire.MESSAGES);
    }

    @Override
    void text(FakeGateway.Exchange exchange, String text) throws IOException {
        if (!exchange.streamed()) {
            whole(exchange, "end_turn", "{\"type\":\"text\",\"text\":" + Json.of(text) + "}");
            return;
        }
        start(exchange);
        exchange.event(
                "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");
        for (String word : text.split("(?<= )")) {
            textDelta(exchange, word);
        }
        exchange.event("{\"type\":\"content_block_stop\",\"index\":0}");
        stop(exchange, "end_turn");
    }

    private static void whole(FakeGateway.Exchange exchange, String reason, String content) throws IOException {
        exchange.json("{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
                + content + "],\"stop_reason\":\"" + reason + "\"," + USAGE + "}");
    }

    private static void start(FakeGateway.Exchange exchange) throws IOException {
        exchange.stream()
                .event("{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m\",\"content\":[],"
                        + "\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}}")
                .event("{\"type\":\"ping\"}");
    }

    private static void textDelta(FakeGateway.Exchange exchange, String text) throws IOException {
        exchange.event("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
                + Json.of(text) + "}}");
    }

    private static void stop(FakeGateway.Exchange exchange, String reason) throws IOException {
        exchange.event("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason + "\"}," + USAGE + "}")
                .event("{\"type\":\"message_stop\"}")
                .end();
    }

    @Override
    void calls(FakeGateway.Exchange exchange) throws IOException {
        if (!exchange.streamed()) {
            whole(
                    exchange,
                    "tool_use",
                    "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"add\",\"input\":{\"a\":1,\"b\":2}},"
                            + "{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"add\",\"input\":{\"a\":3,\"b\":4}}");
            return;
        }
        start(exchange);
        call(exchange, 0, "c1", "{\"a\":1", ",\"b\":2}");
        call(exchange, 1, "c2", "", "{\"a\":3,\"b\":4}");
        stop(exchange, "tool_use");
    }

    private static void call(FakeGateway.Exchange exchange, int index, String id, String... pieces) throws IOException {
        exchange.event("{\"type\":\"content_block_start\",\"index\":" + index
                + ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"" + id + "\",\"name\":\"add\",\"input\":{}}}");
        for (String piece : pieces) {
            exchange.event("{\"type\":\"content_block_delta\",\"index\":" + index
                    + ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":" + Json.of(piece) + "}}");
        }
        exchange.event("{\"type\":\"content_block_stop\",\"index\":" + index + "}");
    }

    @Override
    void begin(FakeGateway.Exchange exchange) throws IOException {
        start(exchange);
        textDelta(exchange, "first words");
    }

    @Override
    String results(Json request) {
        return list(request, "messages").stream()
                .flatMap(message -> list(message, "content").stream())
                .filter(block -> field(block, "type").equals("tool_result"))
                .map(block -> field(block, "tool_use_id") + "=" + field(block, "content"))
                .collect(Collectors.joining(" "));
    }

    @Override
    String lastText(Json request) {
        List<Json> messages = list(request, "messages");
        return field(list(messages.get(messages.size() - 1), "content").get(0), "text");
    }
}

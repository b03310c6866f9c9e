package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** The contract over OpenAI's responses. */
class LiteLlmResponsesTest extends LiteLlmContract {
    LiteLlmResponsesTest() {
        super(Wire.RESPONSES);
    }

    private static String response(String output) {
        return "{\"id\":\"r\",\"object\":\"response\",\"model\":\"m\",\"status\":\"completed\",\"output\":[" + output
                + "],\"usage\":{\"input_tokens\":3,\"output_tokens\":2,\"cost\":null}}";
    }

    private static String message(String text) {
        return "{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
                + Json.of(text) + "}]}";
    }

    private static String call(String item, String id, String arguments) {
        return "{\"type\":\"function_call\",\"id\":\"" + item + "\",\"call_id\":\"" + id
                + "\",\"name\":\"add\",\"arguments\":" + Json.of(arguments) + "}";
    }

    @Override
    void text(FakeGateway.Exchange exchange, String text) throws IOException {
        if (!exchange.streamed()) {
            exchange.json(response(message(text)));
            return;
        }
        start(exchange);
        for (String word : text.split("(?<= )")) {
            textDelta(exchange, word);
        }
        exchange.event("{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":" + message(text) + "}");
        stop(exchange, message(text));
    }

    private static void start(FakeGateway.Exchange exchange) throws IOException {
        exchange.stream()
                .event(
                        "{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\",\"status\":\"in_progress\",\"output\":[]}}");
    }

    private static void textDelta(FakeGateway.Exchange exchange, String text) throws IOException {
        exchange.event("{\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"delta\":"
                + Json.of(text) + "}");
    }

    private static void stop(FakeGateway.Exchange exchange, String output) throws IOException {
        exchange.event("{\"type\":\"response.completed\",\"response\":" + response(output) + "}")
                .event("[DONE]")
                .end();
    }

    @Override
    void calls(FakeGateway.Exchange exchange) throws IOException {
        String first = call("f1", "c1", "{\"a\":1,\"b\":2}");
        String second = call("f2", "c2", "{\"a\":3,\"b\":4}");
        if (!exchange.streamed()) {
            exchange.json(response(first + "," + second));
            return;
        }
        start(exchange);
        added(exchange, call("f1", "c1", ""));
        added(exchange, call("f2", "c2", ""));
        arguments(exchange, "f1", "{\"a\":1");
        arguments(exchange, "f2", "{\"a\":3,\"b\":4}");
        arguments(exchange, "f1", ",\"b\":2}");
        exchange.event("{\"type\":\"response.output_item.done\",\"item\":" + first + "}");
        stop(exchange, first + "," + second);
    }

    private static void added(FakeGateway.Exchange exchange, String item) throws IOException {
        exchange.event("{\"type\":\"response.output_item.added\",\"item\":" + item + "}");
    }

    private static void arguments(FakeGateway.Exchange exchange, String item, String piece) throws IOException {
        exchange.event("{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"" + item + "\",\"delta\":"
                + Json.of(piece) + "}");
    }

    @Override
    void begin(FakeGateway.Exchange exchange) throws IOException {
        start(exchange);
        textDelta(exchange, "first words");
    }

    @Override
    String results(Json request) {
        return list(request, "input").stream()
                .filter(item -> field(item, "type").equals("function_call_output"))
                .map(item -> field(item, "call_id") + "=" + field(item, "output"))
                .collect(Collectors.joining(" "));
    }

    @Override
    String lastText(Json request) {
        List<Json> input = list(request, "input");
        return field(list(input.get(input.size() - 1), "content").get(0), "text");
    }
}

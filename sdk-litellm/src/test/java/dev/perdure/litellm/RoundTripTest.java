package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.internal.wire.ChatBody;
import dev.perdure.litellm.internal.wire.MessagesBody;
import dev.perdure.litellm.internal.wire.ResponsesBody;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Conversations with tools and reasoning: what a reply has kept goes back as it came. */
@Timeout(30)
class RoundTripTest {
    private static final String CHAT_THINKING =
            "{\"type\":\"thinking\",\"thinking\":\"I need the weather.\",\"signature\":\"SIG/1==\"}";
    private static final String REDACTED = "{\"type\":\"redacted_thinking\",\"data\":\"HIDDEN\"}";
    private static final String ITEM =
            "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
                    + "\"text\":\"I need the weather.\"}],\"encrypted_content\":\"gAAA==\",\"status\":null}";
    private static final String SEARCH = "{\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\"}";
    private static final String SERVER_TOOL =
            "{\"type\":\"server_tool_use\",\"id\":\"srv_1\",\"name\":\"web_search\",\"input\":{\"query\":\"x\"}}";

    /** The first reply of each wire, in pieces: reasoning, a text, two calls. */
    private static List<String> firstReply(Wire wire) {
        return switch (wire) {
            case CHAT ->
                List.of(
                        "{'model':'m','choices':[{'index':0,'delta':{'role':'assistant','reasoning_content':'I need ',"
                                + "'thinking_blocks':[{'type':'thinking','thinking':'I need ','signature':''}]}}]}",
                        "{'choices':[{'index':0,'delta':{'reasoning_content':'the weather.',"
                                + "'thinking_blocks':[{'type':'thinking','thinking':'the weather.'}]}}]}",
                        "{'choices':[{'index':0,'delta':{'thinking_blocks':[{'type':'thinking','thinking':'','signature':'SIG/1=='},"
                                + "{'type':'redacted_thinking','data':'HIDDEN'}]}}]}",
                        "{'choices':[{'index':0,'delta':{'content':'Let me look.'}}]}",
                        "{'choices':[{'index':0,'delta':{'tool_calls':[{'index':0,'id':'c1','function':{'name':'get_weather','arguments':'{\\'city\\':'}},"
                                + "{'index':1,'id':'c2','function':{'name':'get_time','arguments':''}}]}}]}",
                        "{'choices':[{'index':0,'delta':{'tool_calls':[{'index':0,'function':{'arguments':'\\'Paris\\'}'}}]},'finish_reason':'tool_calls'}]}",
                        "[DONE]");
            case MESSAGES ->
                List.of(
                        "{'type':'message_start','message':{'id':'m','model':'m','content':[]}}",
                        "{'type':'content_block_start','index':0,'content_block':{'type':'thinking','thinking':'','signature':''}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'I need '}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'the weather.'}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'signature_delta','signature':'SIG/1=='}}",
                        "{'type':'content_block_stop','index':0}",
                        "{'type':'content_block_start','index':1,'content_block':{'type':'redacted_thinking','data':'HIDDEN'}}",
                        "{'type':'content_block_stop','index':1}",
                        "{'type':'content_block_start','index':2,'content_block':" + SERVER_TOOL.replace('"', '\'')
                                + "}",
                        "{'type':'content_block_stop','index':2}",
                        "{'type':'content_block_start','index':3,'content_block':{'type':'text','text':''}}",
                        "{'type':'content_block_delta','index':3,'delta':{'type':'text_delta','text':'Let me look.'}}",
                        "{'type':'content_block_stop','index':3}",
                        "{'type':'content_block_start','index':4,'content_block':{'type':'tool_use','id':'c1','name':'get_weather','input':{}}}",
                        "{'type':'content_block_delta','index':4,'delta':{'type':'input_json_delta','partial_json':'{\\'city\\':\\'Paris\\'}'}}",
                        "{'type':'content_block_stop','index':4}",
                        "{'type':'content_block_start','index':5,'content_block':{'type':'tool_use','id':'c2','name':'get_time','input':{}}}",
                        "{'type':'content_block_stop','index':5}",
                        "{'type':'message_delta','delta':{'stop_reason':'tool_use'},'usage':{'output_tokens':9}}",
                        "{'type':'message_stop'}");
            case RESPONSES ->
                List.of(
                        "{'type':'response.created','response':{'id':'r','model':'m'}}",
                        "{'type':'response.output_item.added','output_index':0,'item':{'type':'reasoning','id':'rs_1','summary':[]}}",
                        "{'type':'response.reasoning_summary_text.delta','item_id':'rs_1','delta':'I need the weather.'}",
                        "{'type':'response.output_item.done','output_index':0,'item':" + ITEM.replace('"', '\'') + "}",
                        "{'type':'response.output_item.done','output_index':1,'item':" + SEARCH.replace('"', '\'')
                                + "}",
                        "{'type':'response.output_text.delta','output_index':2,'delta':'Let me look.'}",
                        "{'type':'response.output_item.done','output_index':3,'item':{'type':'function_call','call_id':'c1','name':'get_weather',"
                                + "'arguments':'{\\'city\\':\\'Paris\\'}'}}",
                        "{'type':'response.output_item.done','output_index':4,'item':{'type':'function_call','call_id':'c2','name':'get_time',"
                                + "'arguments':'{}'}}",
                        "{'type':'response.completed','response':{'id':'r','status':'completed'}}",
                        "[DONE]");
        };
    }

    private static List<String> secondReply(Wire wire) {
        return switch (wire) {
            case CHAT ->
                List.of(
                        "{'model':'m','choices':[{'index':0,'delta':{'content':'Mild.'},'finish_reason':'stop'}]}",
                        "[DONE]");
            case MESSAGES ->
                List.of(
                        "{'type':'message_start','message':{'id':'m','model':'m','content':[]}}",
                        "{'type':'content_block_start','index':0,'content_block':{'type':'text','text':'Mild.'}}",
                        "{'type':'message_delta','delta':{'stop_reason':'end_turn'}}",
                        "{'type':'message_stop'}");
            case RESPONSES ->
                List.of(
                        "{'type':'response.created','response':{'id':'r','model':'m'}}",
                        "{'type':'response.output_text.delta','item_id':'i','delta':'Mild.'}",
                        "{'type':'response.completed','response':{'status':'completed'}}",
                        "[DONE]");
        };
    }

    private static Message user(Part... parts) {
        return new Message.User(List.of(parts));
    }

    private static ModelRequest request(List<Message> messages) {
        return new ModelRequest(
                "Be brief.",
                messages,
                List.of(Calls.WEATHER),
                ModelParameters.DEFAULT.maxTokens(500).extra("reasoning", Map.of("effort", "low")),
                null);
    }

    /** As the log keeps it. */
    private static Message.Assistant kept(ModelReply reply) {
        return new Message.Assistant(reply.parts().stream()
                .map(part -> Json.parse(Json.of(part).text()).as(Part.class))
                .toList());
    }

    /** Three requests of one conversation, and their bodies. */
    private static List<String> converse(Wire wire, List<Message> messages) throws IOException {
        Deque<List<String>> replies = new ArrayDeque<>(List.of(firstReply(wire), secondReply(wire), secondReply(wire)));
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            if (exchange.request().line().startsWith("GET")) {
                exchange.json("{\"data\":[]}");
                return;
            }
            exchange.stream();
            for (String event : replies.removeFirst()) {
                exchange.event(event.replace('\'', '"'));
            }
            exchange.end();
        })) {
            LiteLlm client = LiteLlm.at(gateway.url()).model("m").wire(wire);
            messages.add(user(new Part.Text("Paris?")));
            ModelReply first = client.call(request(messages), Calls.streaming(new Heard()));
            assertThat(first.finishReason()).isEqualTo("tool_calls");
            messages.add(kept(first));
            messages.add(new Message.ToolResult("c1", "get_weather", "21 C", false));
            messages.add(new Message.ToolResult("c2", "get_time", "no zone", true));
            ModelReply second = client.call(request(messages), Calls.streaming(new Heard()));
            assertThat(second.text()).isEqualTo("Mild.");
            messages.add(kept(second));
            messages.add(user(new Part.Text("Thanks")));
            client.call(request(messages), Calls.streaming(new Heard()));
            return gateway.received().stream()
                    .map(FakeGateway.Received::body)
                    .filter(body -> !body.isEmpty())
                    .toList();
        }
    }

    private static final String CHAT_TAIL =
            "],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\","
                    + "\"description\":\"Weather of a city\",\"parameters\":" + Calls.WEATHER.schema()
                    + "}}],\"max_tokens\":500,\"stream\":true,\"stream_options\":{\"include_usage\":true},\"reasoning\":{\"effort\":\"low\"}}";
    private static final String MESSAGES_TAIL =
            "],\"tools\":[{\"name\":\"get_weather\",\"description\":\"Weather of a city\"," + "\"input_schema\":"
                    + Calls.WEATHER.schema() + "}],\"stream\":true,\"reasoning\":{\"effort\":\"low\"}}";
    private static final String RESPONSES_TAIL = "],\"tools\":[{\"type\":\"function\",\"name\":\"get_weather\","
            + "\"description\":\"Weather of a city\",\"parameters\":" + Calls.WEATHER.schema() + ",\"strict\":false}],"
            + "\"max_output_tokens\":500,\"stream\":true,\"store\":false,\"include\":[\"reasoning.encrypted_content\"],"
            + "\"reasoning\":{\"effort\":\"low\"}}";

    @Test
    void chat_sendsBackWhatItGot() throws IOException {
        List<String> bodies = converse(Wire.CHAT, new ArrayList<>());
        String begin = "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                + "{\"role\":\"user\",\"content\":\"Paris?\"}";
        String middle =
                ",{\"role\":\"assistant\",\"content\":\"Let me look.\",\"reasoning_content\":\"I need the weather.\","
                        + "\"thinking_blocks\":[" + CHAT_THINKING + "," + REDACTED + "],\"tool_calls\":["
                        + "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}},"
                        + "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"get_time\",\"arguments\":\"{}\"}}]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"21 C\"},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"no zone\"}";
        String end = ",{\"role\":\"assistant\",\"content\":\"Mild.\"},{\"role\":\"user\",\"content\":\"Thanks\"}";

        assertThat(bodies)
                .containsExactly(begin + CHAT_TAIL, begin + middle + CHAT_TAIL, begin + middle + end + CHAT_TAIL);
    }

    @Test
    void messages_sendsBackWhatItGot() throws IOException {
        List<String> bodies = converse(Wire.MESSAGES, new ArrayList<>());
        String begin = "{\"model\":\"m\",\"max_tokens\":500,\"system\":\"Be brief.\",\"messages\":["
                + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Paris?\"}]}";
        String middle = ",{\"role\":\"assistant\",\"content\":[" + CHAT_THINKING + "," + REDACTED + "," + SERVER_TOOL
                + ",{\"type\":\"text\",\"text\":\"Let me look.\"},"
                + "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"get_weather\",\"input\":{\"city\":\"Paris\"}},"
                + "{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"get_time\",\"input\":{}}]},"
                + "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"21 C\"},"
                + "{\"type\":\"tool_result\",\"tool_use_id\":\"c2\",\"content\":\"no zone\",\"is_error\":true}]}";
        String end = ",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Mild.\"}]},"
                + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Thanks\"}]}";

        assertThat(bodies)
                .containsExactly(
                        begin + MESSAGES_TAIL, begin + middle + MESSAGES_TAIL, begin + middle + end + MESSAGES_TAIL);
    }

    @Test
    void responses_sendsBackWhatItGot() throws IOException {
        List<String> bodies = converse(Wire.RESPONSES, new ArrayList<>());
        String begin = "{\"model\":\"m\",\"instructions\":\"Be brief.\",\"input\":["
                + "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Paris?\"}]}";
        String middle = "," + ITEM + "," + SEARCH
                + ",{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Let me look.\"}]},"
                + "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"},"
                + "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"get_time\",\"arguments\":\"{}\"},"
                + "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"21 C\"},"
                + "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":\"no zone\"}";
        String end =
                ",{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Mild.\"}]},"
                        + "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Thanks\"}]}";

        assertThat(bodies)
                .containsExactly(
                        begin + RESPONSES_TAIL, begin + middle + RESPONSES_TAIL, begin + middle + end + RESPONSES_TAIL);
    }

    private static String body(Wire wire, ModelRequest request) {
        ModelParameters parameters = request.parameters();
        return new String(
                switch (wire) {
                    case CHAT -> ChatBody.of(request, "m", parameters, false).bytes();
                    case MESSAGES ->
                        MessagesBody.of(request, "m", parameters, false).bytes();
                    case RESPONSES ->
                        ResponsesBody.of(request, "m", parameters, false).bytes();
                },
                StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void anotherWire_leavesOutWhatItCannotCarry_butNoTextNorCall(Wire from) throws IOException {
        List<Message> messages = new ArrayList<>();
        converse(from, messages);

        for (Wire to : Wire.values()) {
            String body = body(to, request(messages));
            assertThat(body).contains("Let me look.", "get_weather", "21 C", "no zone", "Mild.", "Thanks");
            assertThat(body.contains("SIG/1==")).isEqualTo(from != Wire.RESPONSES && to != Wire.RESPONSES);
            assertThat(body.contains("gAAA==")).isEqualTo(from == Wire.RESPONSES && to == Wire.RESPONSES);
            assertThat(body.contains("ws_1")).isEqualTo(from == Wire.RESPONSES && to == Wire.RESPONSES);
            assertThat(body.contains("srv_1")).isEqualTo(from == Wire.MESSAGES && to == Wire.MESSAGES);
        }
    }

    @Test
    void reasoningThatItsProviderCannotKnowAgain_staysAtHome() {
        Part unsigned = new Part.Thinking(
                "hm",
                Json.parse("{\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":null}]}"));
        Part notEncrypted =
                new Part.Thinking("hm", Json.parse("{\"reasoning_items\":[{\"type\":\"reasoning\",\"id\":\"rs_9\"}]}"));
        List<Message> messages = List.of(
                user(new Part.Text("q")),
                new Message.Assistant(List.of(unsigned, notEncrypted, new Part.Text(" "))),
                user(new Part.Text("r")));

        assertThat(body(Wire.MESSAGES, ModelRequest.of("", messages, List.of())))
                .contains("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},"
                        + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"r\"}]}]");
        assertThat(body(Wire.RESPONSES, ModelRequest.of("", messages, List.of())))
                .doesNotContain("rs_9");
        ModelRequest stored =
                new ModelRequest("", messages, List.of(), ModelParameters.DEFAULT.extra("store", true), null);
        assertThat(body(Wire.RESPONSES, stored))
                .contains("rs_9")
                .contains("\"store\":true")
                .doesNotContain("\"store\":false");
    }

    @Test
    void callsWithoutIds_getSome_thatTheirResultsFind() {
        List<Message> messages = List.of(
                user(new Part.Text("go")),
                new Message.Assistant(List.of(new Part.ToolUse("", "a", "{}"), new Part.ToolUse("", "b", "not json"))),
                new Message.ToolResult("", "a", "1", false),
                new Message.ToolResult("", "b", "2", false));

        for (Wire wire : Wire.values()) {
            String body = body(wire, ModelRequest.of("", messages, List.of()));
            for (String id : List.of("\"call_2_0\"", "\"call_2_1\"")) {
                assertThat(body.split(id, -1)).as(id + " in " + body).hasSize(3);
            }
            assertThat(body).contains("not_an_object");
        }
    }

    @Test
    void structuredOutput_images_andToolsOfTheProvidersOwn() {
        Json schema = Json.parse("{\"type\":\"object\"}");
        ModelRequest request = new ModelRequest(
                "",
                List.of(user(
                        new Part.Text("look"),
                        new Part.Media("image/png", null, "data:image/png;base64,AA=="),
                        new Part.Media("image/png", null, "https://x/a.png"),
                        new Part.Media("application/pdf", "a.pdf", "data:application/pdf;base64,BB=="))),
                List.of(Calls.WEATHER),
                ModelParameters.DEFAULT
                        .extra("tools", List.of(Json.parse("{\"type\":\"mcp\",\"server_url\":\"litellm_proxy\"}")))
                        .extra("text", Map.of("verbosity", "low"))
                        .extra("output_config", Map.of("effort", "high")),
                schema);

        assertThat(body(Wire.CHAT, request))
                .contains("}},{\"type\":\"mcp\",\"server_url\":\"litellm_proxy\"}],\"response_format\"");
        assertThat(body(Wire.MESSAGES, request))
                .contains("\"max_tokens\":8192")
                .contains(
                        "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AA==\"}},"
                                + "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/a.png\"}},"
                                + "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"BB==\"},"
                                + "\"title\":\"a.pdf\"}")
                .contains(",{\"type\":\"mcp\",\"server_url\":\"litellm_proxy\"}],")
                .contains(
                        "\"output_config\":{\"effort\":\"high\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}");
        assertThat(body(Wire.RESPONSES, request))
                .contains(
                        "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA==\"},"
                                + "{\"type\":\"input_image\",\"image_url\":\"https://x/a.png\"},"
                                + "{\"type\":\"input_file\",\"file_data\":\"data:application/pdf;base64,BB==\",\"filename\":\"a.pdf\"}")
                .contains(",{\"type\":\"mcp\",\"server_url\":\"litellm_proxy\"}],")
                .contains(
                        "\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":\"json_schema\",\"name\":\"output\",\"schema\":{\"type\":\"object\"}}}")
                // Models that do not reason refuse it.
                .doesNotContain("include");
        for (Wire wire : Wire.values()) {
            assertThat(body(wire, request)).isEqualTo(body(wire, request));
        }
    }

    @Test
    void whatAWireCannotCarry_isRefusedWithAWayOut() {
        ModelRequest sound = ModelRequest.of(
                "", List.of(user(new Part.Media("audio/wav", null, "data:audio/wav;base64,AA=="))), List.of());
        assertThatThrownBy(() -> body(Wire.MESSAGES, sound))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("audio/wav")
                .hasMessageContaining("LiteLlm.wire");
        assertThat(body(Wire.RESPONSES, sound)).contains("\"format\":\"wav\"");
        for (String own : List.of("max_tokens", "messages", "stream", "system")) {
            ModelRequest request =
                    new ModelRequest("x", List.of(), List.of(), ModelParameters.DEFAULT.extra(own, 1), null);
            assertThatThrownBy(() -> body(Wire.MESSAGES, request))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(own);
        }
    }
}

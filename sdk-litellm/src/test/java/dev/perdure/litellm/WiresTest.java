package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What comes back over the other wires: as a real gateway has said it, and what it cannot be made to say. */
@Timeout(30)
class WiresTest {
    private static LiteLlm at(FakeGateway gateway, Wire wire) {
        return LiteLlm.at(gateway.url()).key("sk-some-key").model("asked").wire(wire);
    }

    private static ModelReply reply(Wire wire, CallScope scope, FakeGateway.Answer answer) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(answer)) {
            return at(gateway, wire).call(Calls.saying("hi"), scope);
        }
    }

    private static ModelException failure(Wire wire, CallScope scope, FakeGateway.Answer answer) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(answer)) {
            return Calls.failure(at(gateway, wire), scope);
        }
    }

    /** Events in the shape of a wire: single quotes for double ones. */
    private static FakeGateway.Answer events(String... events) {
        return exchange -> {
            exchange.stream();
            for (String event : events) {
                exchange.event(event.replace('\'', '"'));
            }
            exchange.end();
        };
    }

    private static FakeGateway.Answer json(String body) {
        return exchange -> exchange.json(body.replace('\'', '"'));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            messages               | MESSAGES  | scripted answer to: What is a gateway? | 9  | 7  | 0  | UNKNOWN
            messages-stream        | MESSAGES  | scripted answer to: What is a gateway? | 9  | 7  | 0  | UNKNOWN
            local-messages-stream  | MESSAGES  | A gateway is                           | 35 | 30 | 0  | UNKNOWN
            responses              | RESPONSES | scripted answer to: What is a gateway? | 9  | 7  | 0  | UNKNOWN
            responses-stream       | RESPONSES | scripted answer to: What is a gateway? | 9  | 7  | 0  | UNKNOWN
            local-responses-stream | RESPONSES | Hi! I'm here to assist you             | 33 | 30 | 24 | USAGE
            """)
    void replies(String name, Wire wire, String begin, long input, long output, long cached, Cost.Source source)
            throws IOException {
        Heard heard = new Heard();

        ModelReply reply = reply(wire, Calls.streaming(heard), Recording.of(name)::play);

        assertThat(reply.text()).startsWith(begin).isEqualTo(heard.text.toString());
        assertThat(reply.finishReason()).isEqualTo("stop");
        assertThat(reply.usage()).isEqualTo(new Usage(input, output, cached, 0));
        assertThat(reply.cost().source()).isEqualTo(source);
        assertThat(reply.gatewayCallId()).isNotBlank();
        assertThat(reply.deployment()).startsWith("dep-");
        assertThat(reply.details().find("reply").orElseThrow().names()).containsExactly("id");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"messages-tool-stream, MESSAGES", "responses-tool-stream, RESPONSES"})
    void toolCalls(String name, Wire wire) throws IOException {
        ModelReply reply = reply(wire, Calls.streaming(new Heard()), Recording.of(name)::play);

        assertThat(reply.parts())
                .containsExactly(
                        new Part.ToolUse("call_paris_1", "get_weather", "{\"city\":\"Paris\",\"unit\":\"c\"}"));
        assertThat(reply.finishReason()).isEqualTo("tool_calls");
    }

    @Test
    @Recorded("responses-stream-eof")
    void doneWithoutACompletedResponse_isCut() throws IOException {
        ModelException e =
                failure(Wire.RESPONSES, Calls.streaming(new Heard()), Recording.of("responses-stream-eof")::play);

        assertThat(e.kind()).isEqualTo(Kind.CUT_STREAM);
    }

    @Test
    @Recorded("responses-stream-error-mid")
    void errorInTheMidst_isTyped() throws IOException {
        ModelException e =
                failure(Wire.RESPONSES, Calls.streaming(new Heard()), Recording.of("responses-stream-error-mid")::play);

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.getMessage()).contains("Response API in-stream error");
    }

    @Test
    void aCutAtAnyEvent_isCut_neverAShorterReply() throws IOException {
        for (String name :
                List.of("messages-stream", "messages-tool-stream", "responses-stream", "responses-tool-stream")) {
            Wire wire = name.startsWith("messages") ? Wire.MESSAGES : Wire.RESPONSES;
            String body = new String(Recording.of(name).body(), java.nio.charset.StandardCharsets.UTF_8);
            String last = wire == Wire.MESSAGES ? "message_stop" : "response.completed";
            for (int end = body.indexOf("\n\n");
                    end < body.indexOf("\"" + last + "\"");
                    end = body.indexOf("\n\n", end + 1)) {
                String part = body.substring(0, end + 2);
                ModelException e = failure(
                        wire,
                        Calls.streaming(new Heard()),
                        exchange -> exchange.stream().chunk(part).end());
                assertThat(e.kind()).as(part).isEqualTo(Kind.CUT_STREAM);
            }
        }
    }

    @Test
    void thinking_withSignatures_inPiecesOrWhole_isKeptVerbatim() throws IOException {
        String block = "{'type':'thinking','thinking':'Let me see','signature':'S1'}";
        String hidden = "{'type':'redacted_thinking','data':'D'}";
        ModelReply whole = reply(
                Wire.MESSAGES,
                Calls.plain(),
                json("{'id':'m','model':'c','content':[" + block + "," + hidden + ",{'type':'text','text':'So'},"
                        + "{'type':'thinking','thinking':'hm','signature':'S2'},{'type':'tool_use','id':'t1','name':'f','input':{'a':1}}],"
                        + "'stop_reason':'tool_use','usage':{'input_tokens':1,'output_tokens':2}}"));
        Heard heard = new Heard();
        ModelReply streamed = reply(
                Wire.MESSAGES,
                Calls.streaming(heard),
                events(
                        "{'type':'message_start','message':{'id':'m','model':'c','content':[],'usage':{'input_tokens':1}}}",
                        "{'type':'ping'}",
                        "{'type':'content_block_start','index':0,'content_block':{'type':'thinking','thinking':'','signature':''}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'Let me '}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'see'}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'signature_delta','signature':'S1'}}",
                        "{'type':'content_block_stop','index':0}",
                        "{'type':'content_block_start','index':1,'content_block':" + hidden + "}",
                        "{'type':'content_block_stop','index':1}",
                        "{'type':'content_block_start','index':2,'content_block':{'type':'text','text':''}}",
                        "{'type':'content_block_delta','index':2,'delta':{'type':'text_delta','text':'So'}}",
                        "{'type':'content_block_stop','index':2}",
                        "{'type':'content_block_start','index':3,'content_block':{'type':'thinking','thinking':''}}",
                        "{'type':'content_block_delta','index':3,'delta':{'type':'thinking_delta','thinking':'hm'}}",
                        "{'type':'content_block_delta','index':3,'delta':{'type':'signature_delta','signature':'S2'}}",
                        "{'type':'content_block_stop','index':3}",
                        "{'type':'content_block_start','index':4,'content_block':{'type':'tool_use','id':'t1','name':'f','input':{}}}",
                        "{'type':'content_block_delta','index':4,'delta':{'type':'input_json_delta','partial_json':''}}",
                        "{'type':'content_block_delta','index':4,'delta':{'type':'input_json_delta','partial_json':'{\\'a\\':1}'}}",
                        "{'type':'content_block_stop','index':4}",
                        "{'type':'a_new_event','x':1}",
                        "{'type':'message_delta','delta':{'stop_reason':'tool_use'},'usage':{'output_tokens':2}}",
                        "{'type':'message_stop'}"));

        assertThat(streamed).isEqualTo(whole);
        assertThat(heard.thinking).hasToString("Let me seehm");
        assertThat(whole.parts()).hasSize(4);
        assertThat(((Part.Thinking) whole.parts().get(0)).verbatim())
                .hasToString(("{'thinking_blocks':[" + block + "," + hidden + "]}").replace('\'', '"'));
        assertThat(whole.parts().get(1)).isEqualTo(new Part.Text("So"));
        assertThat(whole.parts().get(3)).isEqualTo(new Part.ToolUse("t1", "f", "{\"a\":1}"));
    }

    @Test
    void anthropicsInput_includesWhatItsCacheHeld() throws IOException {
        ModelReply reply = reply(
                Wire.MESSAGES,
                Calls.plain(),
                json(
                        "{'id':'m','model':'c','content':[{'type':'text','text':'x'}],'stop_reason':'max_tokens','stop_sequence':null,"
                                + "'usage':{'input_tokens':3,'cache_creation_input_tokens':10,'cache_read_input_tokens':100,'output_tokens':5}}"));

        assertThat(reply.usage()).isEqualTo(new Usage(113, 5, 100, 0));
        assertThat(reply.finishReason()).isEqualTo("length");
    }

    @Test
    void blocksOfOtherKinds_areKept_andCitationsAreDetails() throws IOException {
        ModelReply reply = reply(
                Wire.MESSAGES,
                Calls.streaming(new Heard()),
                events(
                        "{'type':'message_start','message':{'id':'m','model':'c','content':[]}}",
                        "{'type':'content_block_start','index':0,'content_block':{'type':'server_tool_use','id':'s','name':'web_search','input':{}}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'input_json_delta','partial_json':'{\\'q\\':'}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'input_json_delta','partial_json':'\\'x\\'}'}}",
                        "{'type':'content_block_stop','index':0}",
                        "{'type':'content_block_start','index':1,'content_block':{'type':'text','text':''}}",
                        "{'type':'content_block_delta','index':1,'delta':{'type':'citations_delta','citation':{'url':'u1'}}}",
                        "{'type':'content_block_delta','index':1,'delta':{'type':'text_delta','text':'y'}}",
                        "{'type':'content_block_delta','index':1,'delta':{'type':'citations_delta','citation':{'url':'u2'}}}",
                        "{'type':'content_block_stop','index':1}",
                        "{'type':'message_delta','delta':{'stop_reason':'stop_sequence','stop_sequence':'END'},'usage':{'output_tokens':2}}",
                        "{'type':'message_stop'}"));

        assertThat(reply.parts().get(0))
                .isInstanceOfSatisfying(
                        Part.Other.class,
                        other -> assertThat(other.json())
                                .hasToString(
                                        "{\"type\":\"messages.block\",\"json\":{\"type\":\"server_tool_use\",\"id\":\"s\","
                                                + "\"name\":\"web_search\",\"input\":{\"q\":\"x\"}}}"));
        assertThat(reply.text()).isEqualTo("y");
        assertThat(reply.details().find("reply").orElseThrow())
                .hasToString(
                        "{\"id\":\"m\",\"citations\":[{\"url\":\"u1\"},{\"url\":\"u2\"}],\"stop_sequence\":\"END\"}");
    }

    @Test
    void fallbackInMidStream_isADiscard_onTheOtherWiresToo() throws IOException {
        Heard heard = new Heard();
        ModelReply messages = reply(
                Wire.MESSAGES,
                Calls.streaming(heard),
                events(
                        "{'type':'message_start','message':{'id':'m1','model':'c','content':[]}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'text_delta','text':'half'}}",
                        "{'type':'message_start','message':{'id':'m2','model':'d','content':[]}}",
                        "{'type':'content_block_delta','index':0,'delta':{'type':'text_delta','text':'whole'}}",
                        "{'type':'message_delta','delta':{'stop_reason':'end_turn'}}",
                        "{'type':'message_stop'}"));
        assertThat(messages.text()).isEqualTo("whole").isEqualTo(heard.text.toString());
        assertThat(messages.details().find("reply").orElseThrow()).hasToString("{\"id\":\"m2\"}");

        ModelReply responses = reply(
                Wire.RESPONSES,
                Calls.streaming(heard),
                events(
                        "{'type':'response.created','response':{'id':'r1','model':'c'}}",
                        "{'type':'response.output_text.delta','item_id':'i','delta':'half'}",
                        "{'type':'response.completed','response':{'id':'r1','status':'completed','output':[]}}",
                        "{'type':'response.created','response':{'id':'r2','model':'c'}}",
                        "{'type':'response.output_text.delta','item_id':'i','delta':'whole'}",
                        "{'type':'response.completed','response':{'id':'r2','status':'completed','output':[]}}",
                        "[DONE]"));
        assertThat(responses.text()).isEqualTo("whole").isEqualTo(heard.text.toString());
        assertThat(heard.discards).isEqualTo(2);
    }

    @Test
    void reasoningItems_inPiecesOrWhole_areKeptVerbatim() throws IOException {
        String item =
                "{'type':'reasoning','id':'rs_1','summary':[{'type':'summary_text','text':'First'},{'type':'summary_text',"
                        + "'text':'then'}],'encrypted_content':'E'}";
        String call =
                "{'type':'function_call','id':'fc_1','call_id':'c1','name':'f','arguments':'{}','status':'completed'}";
        String second = "{'type':'function_call','id':'fc_2','call_id':'c2','name':'g','arguments':'{\\'a\\':1}'}";
        String search = "{'type':'web_search_call','id':'ws_1','status':'completed'}";
        String text =
                "{'type':'message','id':'msg_1','role':'assistant','content':[{'type':'output_text','text':'So','annotations':[{'n':1}]}]}";
        String usage =
                "{'input_tokens':5,'input_tokens_details':{'cached_tokens':2},'output_tokens':7,'output_tokens_details':{'reasoning_tokens':4},'cost':0.0}";
        String end = "'id':'r','model':'m','status':'completed','service_tier':'flex','tools':[{'x':1}],'output':["
                + String.join(",", search, item, text, call, second) + "],'usage':" + usage + "}";
        ModelReply whole = reply(Wire.RESPONSES, Calls.plain(), json("{" + end));
        Heard heard = new Heard();
        ModelReply streamed = reply(
                Wire.RESPONSES,
                Calls.streaming(heard),
                events(
                        "{'type':'response.created','response':{'id':'r','model':'m','status':'in_progress','output':[]}}",
                        "{'type':'response.output_item.done','item':" + search + "}",
                        "{'type':'response.output_item.added','item':{'type':'reasoning','id':'rs_1','summary':[]}}",
                        "{'type':'response.reasoning_summary_part.added','item_id':'rs_1','summary_index':0}",
                        "{'type':'response.reasoning_summary_text.delta','item_id':'rs_1','summary_index':0,'delta':'First'}",
                        "{'type':'response.reasoning_summary_part.added','item_id':'rs_1','summary_index':1}",
                        "{'type':'response.reasoning_summary_text.delta','item_id':'rs_1','summary_index':1,'delta':'then'}",
                        "{'type':'response.output_item.done','item':" + item + "}",
                        "{'type':'response.output_text.delta','item_id':'msg_1','delta':'S'}",
                        "{'type':'response.output_text.delta','item_id':'msg_1','delta':'o'}",
                        "{'type':'response.output_item.done','item':" + text + "}",
                        "{'type':'response.output_item.added','output_index':3,'item':{'type':'function_call','id':'fc_1','call_id':'c1','name':'f','arguments':''}}",
                        "{'type':'response.output_item.added','output_index':4,'item':{'type':'function_call','id':'fc_2','call_id':'c2','name':'g','arguments':''}}",
                        "{'type':'response.function_call_arguments.delta','item_id':'fc_2','delta':'{\\'a\\''}",
                        "{'type':'response.function_call_arguments.delta','item_id':'fc_1','delta':'{}'}",
                        "{'type':'response.function_call_arguments.delta','item_id':'fc_2','delta':':1}'}",
                        "{'type':'response.function_call_arguments.done','item_id':'fc_1','arguments':'{}'}",
                        "{'type':'response.output_item.done','item':" + call + "}",
                        "{'type':'response.something.new','x':1}",
                        "{'type':'response.completed','response':{" + end + "}",
                        "[DONE]"));
        // All that an event says may come with the response at the end alone.
        ModelReply late = reply(
                Wire.RESPONSES,
                Calls.streaming(new Heard()),
                events(
                        "{'type':'response.created','response':{'id':'r','model':'m'}}",
                        "{'type':'response.completed','response':{" + end + "}"));

        assertThat(streamed).isEqualTo(whole);
        assertThat(late).isEqualTo(whole);
        assertThat(heard.thinking).hasToString("First\n\nthen");
        assertThat(whole.parts())
                .extracting(Part::type)
                .containsExactly("responses.item", "Thinking", "Text", "ToolUse", "ToolUse");
        assertThat(whole.parts().get(1))
                .isEqualTo(new Part.Thinking(
                        "First\n\nthen",
                        dev.perdure.session.Json.parse(("{'reasoning_items':[" + item + "]}").replace('\'', '"'))));
        assertThat(whole.finishReason()).isEqualTo("tool_calls");
        assertThat(whole.usage()).isEqualTo(new Usage(5, 7, 2, 4));
        assertThat(whole.cost()).isEqualTo(Cost.UNKNOWN);
        assertThat(whole.details().find("reply").orElseThrow())
                .hasToString("{\"id\":\"r\",\"annotations\":[{\"n\":1}],\"service_tier\":\"flex\"}");
    }

    @Test
    void incompleteResponse_isCutForLength_andOneThatFailed_isAnError() throws IOException {
        String created = "{'type':'response.created','response':{'id':'r','model':'m'}}";
        ModelReply reply = reply(
                Wire.RESPONSES,
                Calls.streaming(new Heard()),
                events(
                        created,
                        "{'type':'response.output_text.delta','item_id':'i','delta':'half'}",
                        "{'type':'response.incomplete','response':{'status':'incomplete','incomplete_details':{'reason':'max_output_tokens'},"
                                + "'output':[]}}"));
        assertThat(reply.finishReason()).isEqualTo("length");
        assertThat(reply.text()).isEqualTo("half");

        for (String error : List.of(
                "{'type':'response.failed','response':{'status':'failed','error':{'code':'rate_limit_exceeded','message':'slow down'}}}",
                "{'type':'error','code':'rate_limit_exceeded','message':'slow down','param':null}")) {
            ModelException e = failure(Wire.RESPONSES, Calls.streaming(new Heard()), events(created, error));
            assertThat(e.kind()).as(error).isEqualTo(Kind.RATE_LIMIT);
            assertThat(e.getMessage()).contains("slow down");
        }
        assertThat(failure(
                                Wire.RESPONSES,
                                Calls.plain(),
                                json(
                                        "{'id':'r','status':'failed','error':{'code':'server_error','message':'no'},'output':[]}"))
                        .kind())
                .isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure(Wire.RESPONSES, Calls.plain(), json("{'id':'r','status':'queued','output':[]}"))
                        .getMessage())
                .contains("background");
    }

    @Test
    void errorEventOfAnthropic_isTyped() throws IOException {
        ModelException e = failure(
                Wire.MESSAGES,
                Calls.streaming(new Heard()),
                events(
                        "{'type':'message_start','message':{'id':'m','model':'c','content':[]}}",
                        "{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}"));

        assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(e.getMessage()).contains("Overloaded");
    }

    @Test
    void anotherProtocol_isNamed() throws IOException {
        String chat = "{'id':'x','choices':[{'index':0,'message':{'content':'hi'}}]}";

        assertThat(failure(Wire.MESSAGES, Calls.plain(), json(chat)).getMessage())
                .contains("Anthropic's messages");
        assertThat(failure(Wire.RESPONSES, Calls.plain(), json(chat)).getMessage())
                .contains("OpenAI's responses");
        for (Wire wire : Wire.values()) {
            for (FakeGateway.Answer odd :
                    List.<FakeGateway.Answer>of(json("[]"), json("7"), json("{'x'"), events("7"), events("{"))) {
                assertThat(failure(wire, Calls.plain(), odd).kind()).isEqualTo(Kind.PROTOCOL);
            }
        }
    }

    @Test
    void costThatIsZero_isUnknown_butWhatIsMoreCounts() throws IOException {
        for (Wire wire : List.of(Wire.MESSAGES, Wire.RESPONSES)) {
            for (String cost : List.of("0.0", "null", "0.25")) {
                String usage = "'usage':{'input_tokens':1,'output_tokens':1,'cost':" + cost + "}}";
                ModelReply reply = reply(
                        wire,
                        Calls.plain(),
                        json(
                                wire == Wire.MESSAGES
                                        ? "{'id':'m','content':[]," + usage
                                        : "{'id':'r','output':[]," + usage));
                assertThat(reply.cost())
                        .isEqualTo(
                                cost.equals("0.25")
                                        ? new Cost(new BigDecimal("0.25"), Cost.Source.USAGE)
                                        : Cost.UNKNOWN);
            }
        }
    }

    /** As a gateway that runs MCP tools by itself may stream: its calls are not for this side. */
    @Test
    void callsBeforeASecondBegin_areNotTheReply() throws IOException {
        Heard heard = new Heard();
        ModelReply reply = reply(
                Wire.RESPONSES,
                Calls.streaming(heard),
                events(
                        "{'type':'response.created','response':{'id':'r1','model':'m'}}",
                        "{'type':'response.output_item.done','item':{'type':'function_call','id':'f','call_id':'c','name':'mcp_x','arguments':'{}'}}",
                        "{'type':'response.completed','response':{'id':'r1','status':'completed','output':[]}}",
                        "{'type':'response.created','response':{'id':'r2','model':'m'}}",
                        "{'type':'response.output_text.delta','item_id':'i','delta':'done'}",
                        "{'type':'response.completed','response':{'id':'r2','status':'completed','output':[]}}",
                        "[DONE]"));

        assertThat(reply.parts()).containsExactly(new Part.Text("done"));
        assertThat(reply.finishReason()).isEqualTo("stop");
        assertThat(reply.details()).hasToString("{\"reply\":{\"id\":\"r2\"}}");
    }

    @Test
    void whatIsNestedTooDeepToBeReadOrKept_isNoReply() throws IOException {
        for (int depth : new int[] {498, 499, 500, 600}) {
            String deep = "'x':" + "[".repeat(depth) + "]".repeat(depth) + "}";
            List<FakeGateway.Answer> answers = List.of(
                    json("{'choices':[{'index':0,'message':{'content':'x'}}]," + deep),
                    json("{'output':[]," + deep),
                    json("{'content':[]," + deep));
            for (Wire wire : Wire.values()) {
                ModelException e = failure(wire, Calls.plain(), answers.get(wire.ordinal()));
                if (depth == 498) {
                    assertThat(e).isNull();
                } else {
                    assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
                }
            }
        }
    }
}

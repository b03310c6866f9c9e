package dev.perdure.litellm.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope.Deltas;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Replies as servers of all kinds write them. */
class ReplyDraftTest {
    private static List<Part> parts(String... deltas) {
        ReplyDraft draft = new ReplyDraft(Deltas.UNWANTED);
        for (String delta : deltas) {
            byte[] chunk =
                    ("{\"choices\":[{\"delta\":" + delta.replace('\'', '"') + "}]}").getBytes(StandardCharsets.UTF_8);
            draft.add(ChunkParser.parse(chunk, chunk.length, draft.details()));
        }
        return draft.parts();
    }

    private static String tool(String piece) {
        return "{'tool_calls':[" + piece + "]}";
    }

    @Test
    void toolIndexes_mayStartAtOne_orBelowZero() {
        for (int first : new int[] {0, 1, -1, 7}) {
            assertThat(parts(
                            tool("{'index':" + first + ",'id':'a','function':{'name':'f','arguments':'{'}}"),
                            tool("{'index':" + (first + 1) + ",'id':'b','function':{'name':'g'}}"),
                            tool("{'index':" + first + ",'id':'','function':{'arguments':'}'}}"),
                            tool("{'index':" + (first + 1) + ",'id':null,'function':{'name':null,'arguments':'{}'}}")))
                    .containsExactly(new Part.ToolUse("a", "f", "{}"), new Part.ToolUse("b", "g", "{}"));
        }
    }

    @Test
    void everyCallWithIndexZero_isToldApartById() {
        assertThat(parts(
                        tool("{'index':0,'id':'a','function':{'name':'f','arguments':'{}'}}"),
                        tool("{'index':0,'id':'b','function':{'name':'f','arguments':'{}'}}")))
                .containsExactly(new Part.ToolUse("a", "f", "{}"), new Part.ToolUse("b", "f", "{}"));
    }

    @Test
    void callsWithoutIndex_areToldApart_withAndWithoutIds() {
        assertThat(parts(
                        tool("{'id':'a','function':{'name':'f','arguments':'{'}}"),
                        tool("{'function':{'arguments':'}'}}"),
                        tool("{'id':'b','function':{'name':'g','arguments':{}}}")))
                .containsExactly(new Part.ToolUse("a", "f", "{}"), new Part.ToolUse("b", "g", "{}"));
        assertThat(parts("{'tool_calls':[{'function':{'name':'f','arguments':'1'}},{'function':{'name':'g'}}]}"))
                .containsExactly(new Part.ToolUse("", "f", "1"), new Part.ToolUse("", "g", ""));
    }

    @Test
    void callWithoutAName_isNoReply() {
        assertThatThrownBy(() -> parts(tool("{'index':0,'id':'a'}"))).isInstanceOf(NotTheProtocolException.class);
    }

    @Test
    void roleOnceMore_withNothingAfterIt_keepsTheReply() {
        assertThat(parts("{'role':'assistant','content':''}", "{'content':'Hello'}", "{'role':'assistant'}", "{}"))
                .containsExactly(new Part.Text("Hello"));
        assertThat(parts("{'content':'Hello'}", "{'role':'assistant','content':''},'finish_reason':'stop'"))
                .containsExactly(new Part.Text("Hello"));
    }

    /** As a fallback to another deployment of the same model looks. */
    @Test
    void roleOnceMore_withMoreAfterIt_startsTheReplyAgain() {
        for (String again : new String[] {"{'role':'assistant','content':''}", "{'role':'assistant'}"}) {
            assertThat(parts("{'role':'assistant','content':''}", "{'content':'Hel'}", again, "{'content':'Hello'}"))
                    .containsExactly(new Part.Text("Hello"));
        }
        assertThat(parts("{'content':'Hel'}", "{'role':'assistant','content':'Hello'}"))
                .containsExactly(new Part.Text("Hello"));
        assertThat(parts(
                        "{'content':'Hel'}",
                        "{'role':'assistant'}",
                        tool("{'index':0,'id':'a','function':{'name':'f'}}")))
                .containsExactly(new Part.ToolUse("a", "f", ""));
    }

    @Test
    void partsKeepTheirOrder() {
        assertThat(parts(
                        "{'reasoning_content':'a'}",
                        "{'reasoning':'b'}",
                        "{'content':'c'}",
                        "{'content':[{'type':'text','text':'d'}]}",
                        tool("{'index':0,'id':'x','function':{'name':'f'}}"),
                        "{'content':'e'}"))
                .containsExactly(
                        new Part.Thinking("ab", null),
                        new Part.Text("cd"),
                        new Part.ToolUse("x", "f", ""),
                        new Part.Text("e"));
    }

    @Test
    void thinkingBlocks_comeInPieces_andEndWithTheirSignature() {
        Part part = parts(
                        "{'reasoning_content':'Let ','thinking_blocks':[{'type':'thinking','thinking':'Let ','signature':''}]}",
                        "{'reasoning_content':'me','thinking_blocks':[{'type':'thinking','thinking':'me'}]}",
                        "{'thinking_blocks':[{'type':'thinking','thinking':'','signature':'S1'}]}",
                        "{'thinking_blocks':[{'type':'redacted_thinking','data':'D'}]}",
                        "{'thinking_blocks':[{'type':'thinking','thinking':'again','signature':'S2'}]}")
                .get(0);

        assertThat(part).isInstanceOfSatisfying(Part.Thinking.class, thinking -> {
            assertThat(thinking.text()).isEqualTo("Let meagain");
            assertThat(thinking.verbatim())
                    .hasToString(
                            "{\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"Let me\",\"signature\":\"S1\"},"
                                    + "{\"type\":\"redacted_thinking\",\"data\":\"D\"},"
                                    + "{\"type\":\"thinking\",\"thinking\":\"again\",\"signature\":\"S2\"}]}");
        });
    }

    @Test
    void otherChoices_areNotTheReply() {
        byte[] chunk =
                ("{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"index\":0,\"delta\":{\"content\":\"yes\"}},"
                                + "{\"index\":2,\"delta\":{\"content\":\"no\"}}]}")
                        .getBytes(StandardCharsets.UTF_8);
        ReplyDraft draft = new ReplyDraft(Deltas.UNWANTED);
        draft.add(ChunkParser.parse(chunk, chunk.length, draft.details()));

        assertThat(draft.parts()).containsExactly(new Part.Text("yes"));
    }

    private static ReplyDraft draft(String... chunks) {
        ReplyDraft draft = new ReplyDraft(Deltas.UNWANTED);
        for (String text : chunks) {
            byte[] chunk = text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
            draft.add(ChunkParser.parse(chunk, chunk.length, draft.details()));
        }
        return draft;
    }

    private static String details(String... chunks) {
        return draft(chunks).details().json(null).text();
    }

    /** What the deployment that broke has said is not the cost of the reply. */
    @Test
    void fallbackInMidStream_forgetsUsageAndCostOfTheOneThatBroke() {
        ReplyDraft draft = draft(
                "{'model':'a','choices':[{'delta':{'role':'assistant','content':'old'}}],'usage':{'prompt_tokens':7,'completion_tokens':3,'cost':0.5}}",
                "{'model':'b','choices':[{'delta':{'role':'assistant','content':'new'}}]}");

        assertThat(draft.restarted()).isTrue();
        assertThat(draft.parts()).containsExactly(new Part.Text("new"));
        assertThat(draft.usage()).isEqualTo(Usage.NONE);
        assertThat(draft.cost()).isNull();
    }

    @Test
    void fieldsWithoutAPlace_areDetails_arraysJoined_objectsMerged_elseTheLastCounts() {
        assertThat(
                        details(
                                "{'id':'r1','object':'x','created':1,'model':'m','service_tier':null,'choices':[{'index':0,'logprobs':{'content':[{'token':'a'}]},"
                                        + "'delta':{'content':'a','audio':{},'annotations':[]}}]}",
                                "{'id':'r1','choices':[{'index':0,'logprobs':{'content':[{'token':'a'}],'refusal':null},'delta':{'content':'a',"
                                        + "'provider_specific_fields':{'x':{'y':1}}}}],'citations':['u1']}",
                                "{'id':'r1','choices':[{'index':0,'delta':{'annotations':[{'n':1}],'provider_specific_fields':{'x':{'z':2}}}}],'citations':['u1'],"
                                        + "'service_tier':'flex'}",
                                "{'id':'r1','choices':[{'index':0,'delta':{'annotations':[{'n':2}]}}],'service_tier':'default'}"))
                .isEqualTo(("{'reply':{'id':'r1','logprobs':{'content':[{'token':'a'},{'token':'a'}]},"
                                + "'provider_specific_fields':{'x':{'y':1,'z':2}},'citations':['u1'],"
                                + "'annotations':[{'n':1},{'n':2}],'service_tier':'default'}}")
                        .replace('\'', '"'));
        assertThat(details("{'choices':[{'index':0,'logprobs':null,'delta':{}}]}"))
                .isEqualTo("{}");
    }

    @Test
    void detailsOfOtherChoices_andOfWhatWasDiscarded_areLeftOut() {
        assertThat(details("{'choices':[{'index':1,'x':1,'delta':{'y':2}},{'index':0,'delta':{'z':3}}]}"))
                .isEqualTo("{\"reply\":{\"z\":3}}");
        assertThat(details(
                        "{'id':'a','model':'m','choices':[{'index':0,'delta':{'content':'x','annotations':[1]}}]}",
                        "{'id':'b','model':'n','choices':[{'index':0,'delta':{'role':'assistant','content':'y'}}]}",
                        "{'id':'b','model':'n','choices':[{'index':0,'delta':{'content':'y','annotations':[2]}}]}"))
                .isEqualTo("{\"reply\":{\"id\":\"b\",\"annotations\":[2]}}");
    }

    @Test
    void oddShapes_areSkipped() {
        assertThat(parts(
                        "null",
                        "{'content':null,'role':null,'tool_calls':null,'thinking_blocks':null,'reasoning_content':null}",
                        "{'content':'x','annotations':[{'a':[1,{'content':'no'}]}],'audio':{'content':'no'}}"))
                .containsExactly(new Part.Text("x"));
    }
}

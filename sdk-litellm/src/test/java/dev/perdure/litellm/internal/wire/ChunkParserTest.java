package dev.perdure.litellm.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

/** Odd chunks: what is of another type than it should be is passed over, and nothing beside it is lost. */
class ChunkParserTest {
    private static Chunk parse(String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        List<Chunk> chunks = new ArrayList<>();
        try (ChatFormat format = new ChatFormat(new Details())) {
            format.event(bytes, bytes.length, chunks::add);
        }
        assertThat(chunks).hasSize(1);
        return chunks.get(0);
    }

    private static List<Part> parts(String json) {
        ReplyDraft draft = new ReplyDraft(CallScope.Deltas.UNWANTED);
        draft.add(parse(json));
        return draft.parts();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"choices\":[null,{\"delta\":{\"content\":\"kept\"}}]}",
                "{\"choices\":[[{\"delta\":{\"content\":\"no\"}}],7,{\"delta\":{\"content\":\"kept\"}}],\"x\":1}",
                "{\"choices\":[{\"index\":[0],\"delta\":{\"content\":\"kept\"}}]}",
                "{\"choices\":[{\"finish_reason\":{\"a\":1},\"delta\":{\"role\":[\"x\"],\"content\":\"kept\"}}]}",
                "{\"usage\":{\"prompt_tokens\":{\"a\":1},\"cost\":[1]},\"choices\":[{\"delta\":{\"content\":\"kept\"}}]}",
                "{\"usage\":{\"prompt_tokens_details\":{\"cached_tokens\":{\"a\":1}}},\"choices\":[{\"delta\":{\"content\":\"kept\"}}]}",
                "{\"model\":{\"a\":1},\"choices\":[{\"delta\":{\"tool_calls\":{},\"content\":\"kept\"}}]}"
            })
    void valueOfAnotherType_losesNothingBesideIt(String json) {
        assertThat(parts(json)).containsExactly(new Part.Text("kept"));
    }

    @Test
    void callBesideSomethingThatIsNone_isKept() {
        assertThat(parts(
                        "{\"choices\":[{\"delta\":{\"tool_calls\":[null,[1],{\"index\":{\"a\":1},\"id\":\"c\",\"function\":"
                                + "{\"name\":\"t\",\"arguments\":\"{}\"}}],\"content\":\"kept\"}}]}"))
                .containsExactly(new Part.Text("kept"), new Part.ToolUse("c", "t", "{}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"choices\":[[[{\"delta\":{\"content\":\"x\"}}]}",
                "{\"choices\":[{\"finish_reason\":{\"delta\":{\"content\":\"x\"}}]}",
                "{\"choices\":[]",
                "{\"usage\":{\"prompt_tokens\":{\"a\":1}}"
            })
    void unbalancedBrackets_areNoChunk(String json) {
        assertThatThrownBy(() -> parse(json)).isInstanceOf(JacksonException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"choices\":[]}{\"choices\":[{\"delta\":{\"content\":\"lost\"}}]}",
                "{\"choices\":[]}\n[DONE]",
                "{\"choices\":[{\"delta\":{\"content\":\"lost\"}},{\"index\":0,\"delta\":{\"content\":\"x\"}}]}",
                "[1]",
                "7"
            })
    void eventWithMoreThanOneChunk_orNone_isRefused(String json) {
        assertThatThrownBy(() -> {
                    parse(json);
                })
                .isInstanceOfAny(NotTheProtocolException.class, JacksonException.class);
    }

    @Test
    void otherChoices_arePassedOver() {
        assertThat(parts(
                        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}},{\"index\":0,\"delta\":{\"content\":\"first\"}},"
                                + "{\"index\":4294967296,\"delta\":{\"content\":\"other\"}}]}"))
                .containsExactly(new Part.Text("first"));
    }

    @Test
    void tokensThatAreNoCount_areNone() {
        assertThat(usage("{\"prompt_tokens\":-3,\"completion_tokens\":99999999999999999999}"))
                .isEqualTo(Usage.NONE);
        assertThat(usage("{\"prompt_tokens\":1e999,\"completion_tokens\":\"many\"}"))
                .isEqualTo(Usage.NONE);
        assertThat(usage("{\"prompt_tokens\":\"3\",\"completion_tokens\":2.0}")).isEqualTo(Usage.of(3, 2));
    }

    private static Usage usage(String json) {
        return Objects.requireNonNull(parse("{\"usage\":" + json + "}").usage);
    }

    @Test
    void numbersOfAThinkingBlock_goBackAsTheyCame() {
        String block =
                "{\"type\":\"x\",\"a\":1e999,\"b\":0.10000000000000000000001,\"c\":123456789012345678901234567890}";

        assertThat(parts("{\"choices\":[{\"delta\":{\"thinking_blocks\":[" + block + "]}}]}"))
                .containsExactly(new Part.Thinking("", Json.parse("{\"thinking_blocks\":[" + block + "]}")));
    }
}

package dev.perdure.litellm.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.WireJson;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.exc.UnexpectedEndOfInputException;

class EventJsonTest {
    private final EventJson json = new EventJson();

    @AfterEach
    void close() {
        json.close();
    }

    @Test
    void eventsOfAnySize_areReadOneAfterTheOther() {
        List<String> texts = new ArrayList<>();
        for (int length : new int[] {0, 1, 7_999, 8_000, 8_001, 30_000, 2}) {
            texts.add("é".repeat(length));
        }

        assertThat(texts).allSatisfy(text -> assertThat(text(saying(text))).isEqualTo(text));
    }

    @Test
    void whatAnEventHasBehindItsValue_isRefused_butNotWhiteSpace() {
        assertThat(text(saying("a") + " \t\r\n" + " ".repeat(50_000))).isEqualTo("a");
        for (String more : List.of("{\"choices\":[]}", " ]", "x".repeat(50_000), " ".repeat(50_000) + "[DONE]")) {
            assertThatThrownBy(() -> text(saying("b") + more)).isInstanceOf(NotTheProtocolException.class);
            assertThat(text(saying("c"))).isEqualTo("c");
        }
    }

    @Test
    void anEventThatWasLeftInTheMiddle_doesNotSpoilTheNext() {
        JsonParser in = at("{\"a\":[1,2,{\"b\":3}]}");
        in.nextToken();
        in.nextToken();
        in.nextToken();

        assertThat(text(saying("a"))).isEqualTo("a");
        assertThat(text(saying("b"))).isEqualTo("b");
    }

    @Test
    void aValueThatItsEventCutsShort_isAnError_andIsNotContinuedByTheNext() {
        assertThat(text(saying("a"))).isEqualTo("a");
        JsonParser cut = at("{\"model\":\"m\",\"choices\":[");

        assertThatThrownBy(() -> ChunkParser.parse(cut, new Details()))
                .isInstanceOf(UnexpectedEndOfInputException.class);
    }

    @Test
    void placeOfAnError_isCountedFromTheStartOfItsEvent() {
        String wrong = "{\"model\":\"m\",\"choices\":oops}";
        byte[] bytes = wrong.getBytes(StandardCharsets.UTF_8);
        long alone = catchThrowableOfType(
                        JacksonException.class, () -> ChunkParser.parse(bytes, bytes.length, new Details()))
                .getLocation()
                .getByteOffset();
        text(saying("a"));
        text(saying("b") + "   ");

        JacksonException error =
                catchThrowableOfType(JacksonException.class, () -> ChunkParser.parse(at(wrong), new Details()));

        assertThat(json.offset(error)).isEqualTo(alone).isPositive();
    }

    @Test
    void allEventsTogether_mayBeLongerThanOneMayBe() {
        String megabyte = saying("x".repeat(1 << 20));
        for (int i = 0; i <= WireJson.LONGEST >> 20; i++) {
            assertThat(text(megabyte)).hasSize(1 << 20);
        }
    }

    private String text(String event) {
        Chunk chunk = ChunkParser.parse(at(event), new Details());
        json.end();
        assertThat(chunk.choice).isNotNull();
        return chunk.choice.text;
    }

    private JsonParser at(String event) {
        byte[] bytes = event.getBytes(StandardCharsets.UTF_8);
        return json.at(bytes, bytes.length);
    }

    private static String saying(String text) {
        return "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}";
    }
}

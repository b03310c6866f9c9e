package dev.perdure.litellm.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.Pieces;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import okio.Buffer;
import okio.Okio;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventStreamTest {
    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void allLineEnds_commentsOtherFieldsAndSeveralLines(String end) throws IOException {
        String stream = String.join(
                end,
                ": hello",
                "",
                "event: x",
                "data: one",
                "id: 7",
                "",
                "data:two",
                "data: and more",
                "data",
                "",
                "data:  kept space",
                "retry: 5",
                "",
                "",
                "database: no",
                "",
                "data: [DONE]",
                "",
                "");
        for (int piece : new int[] {1, 2, 3, 7, 10_000}) {
            assertThat(events(stream, piece))
                    .as("in pieces of %d", piece)
                    .containsExactly("one", "two\nand more\n", " kept space", "[DONE]");
        }
    }

    @Test
    void halfAnEvent_isDropped_butNotTheMark() throws IOException {
        assertThat(events("data: a\n\ndata: b\n", 100)).containsExactly("a");
        assertThat(events("data: a\n\ndata: b", 100)).containsExactly("a");
        assertThat(events("data: a\n\ndata: [DONE]", 100)).containsExactly("a", "[DONE]");
        assertThat(events("data: a\n\ndata: [DONE]\n", 100)).containsExactly("a", "[DONE]");
        assertThat(events("", 1)).isEmpty();
    }

    @Test
    void eventWithEmptyData_isNone_andLeavesNothingToTheNext() throws IOException {
        assertThat(events("data: a\n\ndata:\n\ndata: [DONE]\n\n", 100)).containsExactly("a", "[DONE]");
        assertThat(events("data\n\ndata: a\n\n\ndata: \n\ndata: [DONE]", 1)).containsExactly("a", "[DONE]");
    }

    @Test
    void byteOrderMark_isSkipped() throws IOException {
        assertThat(events("\ufeffdata: a\n\n", 1)).containsExactly("a");
    }

    @Test
    void lineOfAMegabyte_isWhole() throws IOException {
        String big = "x".repeat(1 << 20);

        assertThat(events("data: " + big + "\n\n", 1000)).containsExactly(big);
    }

    @Test
    void endlessLine_isRefused() {
        assertThatThrownBy(() -> new EventStream(new Buffer().writeUtf8("x".repeat(101)), 100).next())
                .isInstanceOf(NotTheProtocolException.class);
        assertThatThrownBy(() ->
                        new EventStream(new Buffer().writeUtf8("data: 123456\n".repeat(20) + "\n"), 100).next())
                .isInstanceOf(NotTheProtocolException.class);
    }

    private static List<String> events(String stream, int piece) throws IOException {
        Buffer bytes = new Buffer().writeUtf8(stream);
        EventStream events = new EventStream(Okio.buffer(new Pieces(bytes, piece)), 2 << 20);
        List<String> found = new ArrayList<>();
        while (events.next()) {
            found.add(new String(events.data(), 0, events.length(), StandardCharsets.UTF_8));
        }
        return found;
    }
}

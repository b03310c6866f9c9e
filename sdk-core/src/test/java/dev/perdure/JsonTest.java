package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Usage;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
    private record Scan(byte[] image) {}

    @Test
    void of_isTheSameValueAsItsTextReadAgain() {
        List<Object> values = List.of(
                new Scan(new byte[] {1, 2}), new byte[0], 1.0E10, 0.1f, Double.NaN, -0.0, 3L, new BigDecimal("1.10"));
        for (Object value : values) {
            Json live = Json.of(value);
            Json again = Json.parse(live.text());

            assertThat(again).isEqualTo(live);
            assertThat(again.plain()).isEqualTo(live.plain());
            assertThat(again.as(Object.class)).isEqualTo(live.as(Object.class));
        }
    }

    @Test
    void bytes_areABase64Text_andBytesAgain() {
        Json json = Json.of(new Scan(new byte[] {1, 2}));

        assertThat(json.findText("image")).contains("AQI=");
        assertThat(json.as(Scan.class).image()).containsExactly(1, 2);
    }

    @Test
    void halfASurrogatePair_isAnEscape_andTheSameText() {
        for (String text : List.of("\uD83D", "a\uDE00b", "\uD83D\uD83D\uDE00\uDE00", "\uDE00\uD83D")) {
            Json json = Json.of(Map.of("text", text));
            byte[] stored = json.text().getBytes(StandardCharsets.UTF_8);

            assertThat(Json.parse(new String(stored, StandardCharsets.UTF_8))).isEqualTo(json);
            assertThat(json.findText("text")).contains(text);
        }
        assertThat(Json.of("\uD83Dx\uD83D\uDE00").text()).isEqualTo("\"\\ud83dx\uD83D\uDE00\"");
    }

    @Test
    void halfASurrogatePair_inTheNameOfAField_isRefused() {
        assertThatThrownBy(() -> Json.of(Map.of("n\uD83D", 1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Json.parse("{\"n\uD83D\":1}")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void valueThatCouldNotBeReadAgain_isRefused() {
        assertThat(Json.of(BigInteger.TEN.pow(999)).text()).hasSize(1000);
        assertThatThrownBy(() -> Json.of(BigInteger.TEN.pow(1000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("BigInteger")
                .hasMessageContaining("1000");
        assertThatThrownBy(() -> Json.of(Map.of("k".repeat(50_001), 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("50000");
        assertThatThrownBy(() -> Json.of(nested(501))).isInstanceOf(IllegalArgumentException.class);
    }

    /** A value that can be read as it is may nest too deep as a part of an event. */
    @Test
    void eventThatCouldNotBeReadAgain_isRefused() {
        Event event = new Event.NoteKept("n", Json.of(nested(500)));
        Event labelled = new Event.SessionOpened("a", Map.of("k".repeat(50_001), "v"));
        Event halfNamed = new Event.SessionOpened("a", Map.of("n\uD83D", "v"));
        Event dear = costing("1".repeat(1_001));
        Event exact = costing("0." + "1".repeat(1_001));

        assertThatThrownBy(() -> Draft.of(EventId.random(), 0, event))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("NoteKept");
        assertThatThrownBy(() -> Draft.of(EventId.random(), 0, labelled))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("SessionOpened");
        assertThatThrownBy(() -> Draft.of(EventId.random(), 0, halfNamed)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Draft.of(EventId.random(), 0, dear))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("TurnEnded");
        assertThatThrownBy(() -> Draft.of(EventId.random(), 0, exact))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("TurnEnded");
    }

    private static Event costing(String usd) {
        return new Event.TurnEnded(
                Event.TurnOutcome.DONE, "", null, 1, 0, Usage.NONE, new Cost(new BigDecimal(usd), Cost.Source.HEADER));
    }

    @Test
    void textOfAnEvent_isTheSame_whateverIsInIt() {
        for (Object value : List.of(
                "half \uD83D pair",
                Map.of("a", List.of(1, 1.50, new BigDecimal("1E+30"), -0.0, Long.MIN_VALUE, "\u0000\u2028\"\\")),
                new byte[] {1, 2},
                nested(400))) {
            Event event = new Event.NoteKept("n", Json.of(value));
            assertThat(Draft.of(EventId.random(), 0, event).json())
                    .isEqualTo(event.json().text());
        }
    }

    private static Object nested(int depth) {
        Object value = 1;
        for (int i = 0; i < depth; i++) {
            value = List.of(value);
        }
        return value;
    }
}

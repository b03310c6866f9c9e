package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.session.Usage;
import dev.perdure.session.WorkerId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The stored form of every event. These files are what users' databases hold: they are added to and never changed. */
class GoldenEventsTest {
    private static final EventId ID = EventId.parse("01234567-89ab-cdef-0123-456789abcdef");
    private static final CallId CALL = CallId.of(ID, 0);
    private static final Actor ANN = Actor.user("ann");
    private static final String SHA = "ab".repeat(32);
    private static final BlobRef BLOB = new BlobRef(SHA, 70_000);
    private static final Usage USAGE = new Usage(10, 5, 4, 1);
    private static final Cost COST = new Cost(new BigDecimal("0.00125"), Cost.Source.HEADER);
    private static final Problem PROBLEM = new Problem("rate_limit", "slow down", true, 429, "g-1");
    private static final Json FOLDER = Json.parse("{\"folder\":\"/x\"}");

    private static Map<String, Event> expected() {
        Map<String, Event> all = new LinkedHashMap<>();
        Stream.of(
                        new Event.SessionOpened("support", Map.of("team", "red")),
                        new Event.TurnStarted(
                                "support", "3", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                        new Event.InputReceived(
                                "k",
                                Event.InputKind.MESSAGE,
                                Event.Disposition.APPLIED,
                                ANN,
                                List.of(
                                        new Part.Text("hi"),
                                        new Part.Media("image/png", "a.png", "blob:" + SHA + ":70000"))),
                        new Event.ModelReplied(
                                Event.Purpose.ANSWER,
                                1,
                                List.of(
                                        new Part.Thinking("hm", Json.parse("{\"signature\":\"s==\"}")),
                                        new Part.Text("ok"),
                                        new Part.ToolUse("call_1", "refund", "{\"cents\": 1}")),
                                "tool_calls",
                                USAGE,
                                COST,
                                "gpt-5-mini",
                                "d1",
                                "g-1",
                                12,
                                null,
                                null),
                        new Event.ModelFailed(Event.Purpose.ANSWER, 1, PROBLEM, true),
                        new Event.CallsRequested(
                                List.of(new Event.CallsRequested.Requested(
                                        "search", Json.parse("{\"q\":\"x\",\"n\":1.50}"))),
                                true),
                        new Event.ToolStarted(CALL, "refund", 1, Effect.ONCE, "acme/s/" + CALL, SHA),
                        new Event.ToolFinished(CALL, "refund", 1, Event.CallOutcome.OK, "done", BLOB, 5),
                        new Event.ToolInDoubt(CALL, "refund", 1, "its worker was gone"),
                        new Event.ToolResolved(CALL, "refund", 1, Event.Resolution.DID_NOT_HAPPEN, ANN, "looked"),
                        new Event.QuestionAsked(CALL.value(), Question.Kind.APPROVAL, CALL, "refund", "{}", "May it?"),
                        new Event.QuestionAnswered(
                                CALL.value(),
                                Question.Kind.APPROVAL,
                                CALL,
                                Answer.edit(Json.parse("{\"cents\":5}"), "less"),
                                ANN),
                        new Event.NoteKept("stage", Json.parse("{\"n\":1}")),
                        new Event.ArtifactSaved("report", 2, BLOB, "text/plain"),
                        new Event.SandboxBound("local", FOLDER, "first use"),
                        new Event.SandboxLost("local", FOLDER, "gone"),
                        new Event.HandedOff("a", "b"),
                        new Event.TakenOver(new WorkerId("w1"), 1, new WorkerId("w2"), 2),
                        new Event.HandedBack(new WorkerId("w1"), "the worker stops"),
                        new Event.StoreRegressed(3, 5, true),
                        new Event.Interrupted(ANN, "stop"),
                        new Event.WaitStarted(Event.WaitFor.ANSWER, List.of(CALL.value())),
                        new Event.TurnEnded(Event.TurnOutcome.FAILED, "", PROBLEM, 3, 2, USAGE, COST),
                        new Event.SessionEnded(ANN, "over"))
                .forEach(event -> all.put(event.type(), event));
        all.put(
                "ModelReplied-compaction",
                new Event.ModelReplied(
                        Event.Purpose.COMPACT,
                        2,
                        List.of(new Part.Text("so far")),
                        "stop",
                        USAGE,
                        Cost.UNKNOWN,
                        "m",
                        null,
                        null,
                        1,
                        7L,
                        null));
        return all;
    }

    static Stream<String> names() {
        return expected().keySet().stream();
    }

    static String golden(String name) {
        try (InputStream in = GoldenEventsTest.class.getResourceAsStream("/golden/" + name)) {
            if (in == null) {
                throw new AssertionError("no golden file " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Recorded recorded(String json) {
        return Recorded.of(1, ID, 0, 0, Instant.EPOCH, json);
    }

    /** The same with "type" last, in the event and in the parts and answers within it. */
    private static String reordered(String stored) {
        return reordered(Json.parse(stored)).text();
    }

    private static Json reordered(Json value) {
        if (!value.isObject()) {
            return value.elements().isEmpty()
                    ? value
                    : Json.of(value.elements().stream()
                            .map(GoldenEventsTest::reordered)
                            .toList());
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        for (String name : value.names()) {
            value.find(name).ifPresent(field -> fields.put(name, reordered(field)));
        }
        Object type = fields.remove("type");
        if (type != null) {
            fields.put("type", type);
        }
        return Json.of(fields);
    }

    @ParameterizedTest
    @MethodSource("names")
    void storedEvent_isReadAndWrittenBackByteForByte(String name) {
        String stored = golden(name + ".json");
        Event expected = expected().get(name);

        assertThat(recorded(stored).event()).isEqualTo(expected);
        assertThat(recorded(reordered(stored)).event())
                .as("the order of fields means nothing")
                .isEqualTo(expected);
        assertThat(expected.json().text()).isEqualTo(stored);
        assertThat(Draft.of(ID, 0, expected).json()).isEqualTo(stored);
    }

    @Test
    void everyTypeOfEvent_hasItsGoldenFile() {
        assertThat(Arrays.stream(Event.class.getPermittedSubclasses())
                        .map(Class::getSimpleName)
                        .filter(name -> !name.equals("Unknown")))
                .isSubsetOf(expected().keySet());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"v\":1,\"type\":\"Danced\",\"tune\":{\"bpm\":1.50},\"critical\":false}",
                "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1,\"later\":[1,2]}",
                "{\"v\":1,\"type\":\"InputReceived\",\"key\":\"k\",\"kind\":\"MESSAGE\",\"disposition\":\"APPLIED\","
                        + "\"from\":{\"kind\":\"USER\",\"name\":\"ann\",\"badge\":7},"
                        + "\"parts\":[{\"type\":\"Smell\",\"of\":\"roses\"},{\"type\":\"Text\",\"text\":\"x\",\"lang\":\"en\"}]}"
            })
    void whatThisVersionDoesNotKnow_survivesReadAndRewrite(String stored) {
        Recorded read = recorded(stored);
        assertThat(read.json()).isEqualTo(stored);
        assertThat(recorded(read.json())).isEqualTo(read);
    }

    @Test
    void unknownTypesAndKinds_areKeptAsWhatTheyAre() {
        Event unknown = Event.of(Json.parse("{\"v\":1,\"type\":\"Danced\",\"tune\":1}"));
        assertThat(unknown).isInstanceOf(Event.Unknown.class);
        assertThat(unknown.type()).isEqualTo("Danced");
        assertThat(unknown.json().text()).isEqualTo("{\"v\":1,\"type\":\"Danced\",\"tune\":1}");
        Event.InputReceived input = (Event.InputReceived)
                Event.of(
                        Json.parse(
                                "{\"v\":1,\"type\":\"InputReceived\",\"key\":\"k\",\"kind\":\"MESSAGE\",\"disposition\":\"APPLIED\","
                                        + "\"from\":{\"kind\":\"USER\",\"name\":\"ann\"},\"parts\":[{\"type\":\"Smell\",\"of\":\"roses\"}]}"));
        assertThat(input.parts())
                .containsExactly(new Part.Other("Smell", Json.parse("{\"type\":\"Smell\",\"of\":\"roses\"}")));
        assertThat(input.json().text()).contains("{\"type\":\"Smell\",\"of\":\"roses\"}");
    }

    @Test
    void whatMustBeUnderstood_isRefusedWithWhatToDo() {
        assertThatThrownBy(() -> recorded("{\"v\":1,\"type\":\"Danced\",\"critical\":true}"))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("Danced")
                .hasMessageContaining("upgrade");
        assertThatThrownBy(() -> recorded("{\"v\":2,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1}"))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("format 2")
                .hasMessageContaining("upgrade");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"type\":\"NoteKept\"}",
                "{\"v\":1}",
                "{\"v\":1,\"type\":\"ToolStarted\",\"call\":7}"
            })
    void whatIsNoEvent_isRefused(String stored) {
        assertThatThrownBy(() -> recorded(stored)).isInstanceOf(IllegalArgumentException.class);
    }

    /** A text that no reader of streams takes is read as a tree, and one that nobody takes is refused as before. */
    @Test
    void whatIsUnusual_isReadAllTheSame_orRefusedWithTheReason() {
        Event.NoteKept halfPair = (Event.NoteKept)
                recorded("{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":{\"\ud83d\":\"\ud83d\"}}")
                        .event();
        assertThat(halfPair.value().names()).containsExactly("\ud83d");
        Event spaced = recorded(" { \"v\": 1, \"type\": \"NoteKept\", \"name\": \"n\", \"value\": 1.50 }")
                .event();
        assertThat(spaced).isEqualTo(new Event.NoteKept("n", Json.parse("1.50")));
        String twice = "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1,\"name\":\"m\"}";
        assertThatThrownBy(() -> Event.of(Json.parse(twice)))
                .as("from outside; no store has such an event")
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("name");
        assertThatThrownBy(() -> recorded("{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1} x"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> recorded(
                                "{\"v\":1,\"type\":\"ToolStarted\",\"call\":\"c/0\",\"tool\":\"t\",\"attempt\":null,\"effect\":\"PURE\"}"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a valid event ToolStarted");
    }

    @Test
    void scientificNotation_ofACost_isExact() {
        Event.ModelReplied reply = (Event.ModelReplied)
                Event.of(Json.parse(golden("ModelReplied.json").replace("0.00125", "5.2e-05")));
        assertThat(reply.cost().usd()).isEqualByComparingTo("0.000052");
    }

    /** Fields that came later; what was written before has none of them. */
    @Test
    void failureThatMayHaveCostSomething_keepsItsEstimate() {
        String stored = golden("ModelFailed-estimated.json");
        Event.ModelFailed failed = new Event.ModelFailed(
                Event.Purpose.ANSWER,
                1,
                PROBLEM,
                true,
                Usage.estimated(10, 5),
                new Cost(new BigDecimal("0.00125"), Cost.Source.ESTIMATED));
        assertThat(recorded(stored).event()).isEqualTo(failed);
        assertThat(failed.json().text()).isEqualTo(stored);
    }

    @Test
    void whatAGatewaySaidOfACall_isReadAndWrittenBackByteForByte() {
        String stored = golden("ModelReplied-details.json");

        Event.ModelReplied reply = (Event.ModelReplied) recorded(stored).event();

        assertThat(reply.details())
                .isEqualTo(Json.parse("{\"gateway\":{\"retries\":1,\"keySpend\":0.00025},\"reply\":{\"id\":\"r-1\"}}"));
        assertThat(reply.json().text()).isEqualTo(stored);
    }
}

package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A session as an earlier version stored it, replayed: what an agent decides at every prefix stays as it was, or sessions under way
 * would break with an upgrade. When a change is meant, {@code target/session.decisions.txt} is the new golden file.
 */
class GoldenSessionTest {
    private final SessionId id = SessionId.of("acme", "s");
    private final List<Recorded> log = GoldenEventsTest.golden("session.jsonl")
            .lines()
            .map(Json::parse)
            .map(GoldenSessionTest::event)
            .toList();

    private static Recorded event(Json line) {
        return Recorded.of(
                line.find("seq").orElseThrow().as(Long.class),
                EventId.parse(line.findText("id").orElseThrow()),
                line.find("turn").orElseThrow().as(Integer.class),
                line.find("fence").orElseThrow().as(Long.class),
                Instant.parse(line.findText("at").orElseThrow()),
                line.find("event").orElseThrow().text());
    }

    private static Agent agent() {
        return Agent.builder("a")
                .instructions(view -> "You are careful. " + view.events().size() + " events so far.")
                .model(FakeModel.steps(FakeModel.text("x")))
                .tool(Tool.pure("weather", "Weather", Json.class, (in, call) -> "sun"))
                .tool(Tool.once("pay", "Pay", Json.class, (in, call) -> "paid")
                        .noProbe()
                        .approval(Approval.required()))
                .build();
    }

    private static String decision(SessionView view) {
        boolean open = view.findTurn().filter(TurnView::open).isPresent();
        return view.position().seq() + " "
                + view.calls().stream().map(call -> call.state().name()).toList() + " "
                + (open ? agent().next(view).toString() : "-");
    }

    @Test
    void decisionsAtEveryPrefix_areAsTheyWere() throws IOException {
        StringBuilder decisions = new StringBuilder();
        SessionView view = SessionView.empty(id);
        for (Recorded event : log) {
            view = view.with(event);
            decisions.append(decision(view)).append('\n');
        }
        Files.createDirectories(Path.of("target"));
        Files.writeString(Path.of("target/session.decisions.txt"), decisions);
        assertThat(decisions).hasToString(GoldenEventsTest.golden("session.decisions.txt"));
    }

    @Test
    void viewFromASnapshotAndTheTail_isTheViewOfTheWholeLog_atEveryPrefix() {
        for (int length = 0; length <= log.size(); length++) {
            SessionView whole = SessionView.of(id, log.subList(0, length));
            for (int at = 0; at <= length; at++) {
                Resumed.assertSame(Resumed.view(id, log.subList(0, length), at), whole, agent());
            }
        }
    }

    /** A snapshot that is out there is read by this version if it is of the same fold: so that must come to the same. */
    @Test
    void snapshotsOfTheSameFold_areAsTheyWere() throws IOException {
        StringBuilder snapshots = new StringBuilder();
        SessionView view = SessionView.empty(id);
        for (Recorded event : log) {
            view = view.with(event);
            Json snapshot = Json.parse(view.snapshot());
            String fold = snapshot.findText("foldedBy").orElseThrow().split("/", 2)[0];
            snapshots
                    .append("fold ")
                    .append(fold)
                    .append(' ')
                    .append(snapshot.find("state").orElseThrow())
                    .append('\n');
        }
        Files.createDirectories(Path.of("target"));
        Files.writeString(Path.of("target/session.snapshots.txt"), snapshots);
        assertThat(snapshots)
                .as(
                        "when a change is meant, raise SnapshotJson.FOLD; target/session.snapshots.txt is the new golden file")
                .hasToString(GoldenEventsTest.golden("session.snapshots.txt"));
    }

    @Test
    void recordedSession_keepsTheRulesOfEveryLog() {
        LogRules.check(log);
        SessionView view = SessionView.of(id, log);
        assertThat(view.ended()).isTrue();
        assertThat(view.steps()).isEqualTo(5);
        assertThat(view.cost().usd()).isEqualByComparingTo("0.005");
        assertThat(view.questions()).isEmpty();
    }

    @Test
    void viewsThatShareAPrefix_doNotDisturbEachOther() {
        SessionView prefix = SessionView.of(id, log.subList(0, 13));
        String before = decision(prefix);
        SessionView one = prefix;
        for (Recorded event : log.subList(13, log.size())) {
            one = one.with(event);
        }
        SessionView other = prefix.with(Recorded.of(
                14,
                EventId.random(),
                0,
                9,
                Instant.EPOCH,
                "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1}"));
        assertThat(one.events()).isEqualTo(log);
        assertThat(other.events()).hasSize(14);
        assertThat(other.notes()).containsKey("n");
        assertThat(one.notes()).isEmpty();
        assertThat(prefix.events()).isEqualTo(log.subList(0, 13));
        assertThat(decision(prefix)).isEqualTo(before);
        assertThatThrownBy(() -> prefix.events().add(log.get(0))).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> prefix.with(log.get(20))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void draftThatIsCommitted_takesTheStoresTime_withoutACopyOfTheLog() {
        SessionView committed = SessionView.of(id, log.subList(0, 13));
        Recorded stored = log.get(13);
        Recorded draft =
                Recorded.of(stored.seq(), stored.id(), stored.turn(), stored.fence(), Instant.EPOCH, stored.json());
        assertThat(committed.with(draft).events().get(13).at()).isEqualTo(Instant.EPOCH);
        assertThat(committed.with(stored).events().get(13).at()).isEqualTo(stored.at());
        assertThat(stored.event()).isInstanceOf(Event.TurnStarted.class);
    }
}

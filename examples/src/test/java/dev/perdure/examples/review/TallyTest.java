package dev.perdure.examples.review;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.CallId;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Recorded;
import dev.perdure.session.WorkerId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The numbers of the RESULT line are worth something only if they can be bad. */
class TallyTest {
    private static final CallId CALL = CallId.of(EventId.random(), 0);

    private final List<Recorded> log = new ArrayList<>();

    @Test
    void wholeRun_isClean() {
        log(started("key"));
        log(new Event.TakenOver(WorkerId.random(), 1, WorkerId.random(), 2));
        log(finished());
        assertThat(tally(List.of(finding("key")), announced(log))).isEqualTo(new Tally(1, 1, 1, 0, 0));
        assertThat(tally(List.of(finding("key")), announced(log)).line())
                .isEqualTo("RESULT quickstart kills=1 resumed=1 tool_calls=1 duplicate_effects=0 lost_steps=0");
    }

    @Test
    void announcedEventThatIsNotInTheLog_isLost() {
        log(started("key"));
        List<Announced.Line> announced = announced(log);
        log.clear();
        assertThat(tally(List.of(), announced).lostSteps()).isEqualTo(1);
    }

    @Test
    void announcedEventReplacedByAnother_isLost() {
        log(started("key"));
        List<Announced.Line> announced = announced(log);
        log.clear();
        log(started("key"));
        log(finished());
        assertThat(tally(List.of(), announced).lostSteps()).isEqualTo(1);
    }

    @Test
    void callWithoutResult_isLost() {
        log(started("key"));
        assertThat(tally(List.of(), announced(log)).lostSteps()).isEqualTo(1);
    }

    @Test
    void secondFindingOfOneCall_isDuplicate() {
        log(started("key"));
        log(finished());
        assertThat(tally(List.of(finding("key"), finding("key")), List.of()).duplicateEffects())
                .isEqualTo(1);
    }

    @Test
    void findingUnderAKeyOfNoCall_isDuplicate() {
        log(started("key"));
        log(finished());
        assertThat(tally(List.of(finding("key"), finding("other")), List.of()).duplicateEffects())
                .isEqualTo(1);
    }

    private Tally tally(List<Findings.Entry> findings, List<Announced.Line> announced) {
        return Tally.of(1, log, findings, announced);
    }

    private void log(Event event) {
        log.add(Recorded.of(log.size() + 1L, 1, Instant.EPOCH, Draft.of(EventId.random(), 1, event)));
    }

    private static List<Announced.Line> announced(List<Recorded> log) {
        return log.stream()
                .map(event -> new Announced.Line(
                        event.seq(), event.id().toString(), event.event().type()))
                .toList();
    }

    private static Findings.Entry finding(String key) {
        return new Findings.Entry("F-1", key, "text");
    }

    private static Event started(String key) {
        return new Event.ToolStarted(CALL, "record_finding", 1, Effect.IDEMPOTENT, key, "0");
    }

    private static Event finished() {
        return new Event.ToolFinished(CALL, "record_finding", 1, Event.CallOutcome.OK, "F-1 filed", null, 1);
    }
}

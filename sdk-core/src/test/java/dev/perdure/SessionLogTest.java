package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

class SessionLogTest {
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private final InstantSource clock = () -> now;
    private final InMemorySessionStore store = InMemorySessionStore.create(clock);
    private final SessionId id = SessionId.of("acme", "job-7");

    private static Event note(String value) {
        return new Event.NoteKept("stage", Json.of(value));
    }

    @Test
    void hold_makesTheSession_andKeepsWhatIsAppended() {
        try (SessionLog log = SessionLog.hold(store, id).orElseThrow()) {
            assertThat(log.append(note("fetched"), note("parsed"))).isTrue();
            assertThat(log.view().notes()).containsEntry("stage", Json.of("parsed"));
        }

        assertThat(store.read(id, 0, 10).stream().map(Recorded::event))
                .contains(note("fetched"), note("parsed"))
                .hasSize(4);
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
    }

    @Test
    void hold_whileAnotherHolds_isEmpty_andAfterItsCloseGoesOn() {
        SessionLog first = SessionLog.hold(store, id).orElseThrow();
        assertThat(SessionLog.hold(store, id)).isEmpty();
        first.append(note("one"));
        first.close();

        try (SessionLog second = SessionLog.hold(store, id).orElseThrow()) {
            assertThat(second.view().notes()).containsEntry("stage", Json.of("one"));
        }
    }

    @Test
    void append_afterAnotherTookOver_writesNothing_andSaysSo() {
        SessionLog slow = SessionLog.hold(store, id).orElseThrow();
        now = now.plus(Duration.ofMinutes(1));
        assertThat(store.claim(id, Terms.of(WorkerId.random()))).isInstanceOf(Claimed.Held.class);
        long before = store.head(id).seq();

        assertThat(slow.append(note("late"))).isFalse();

        assertThat(store.head(id).seq()).isEqualTo(before);
        assertThat(slow.held()).isFalse();
        slow.close();
        assertThat(store.head(id).seq()).isEqualTo(before);
    }

    @Test
    void append_ofNothing_isRefused() {
        try (SessionLog log = SessionLog.hold(store, id).orElseThrow()) {
            assertThatThrownBy(log::append).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void append_thatIsRefused_leavesNothingBehind() {
        CallId call = CallId.of(EventId.random(), 0);
        Event asked = new Event.QuestionAsked("k", Question.Kind.APPROVAL, call, "t", "{}", "may I?");
        try (SessionLog log = SessionLog.hold(store, id).orElseThrow()) {
            log.append(asked);

            assertThatThrownBy(() -> log.append(note("phantom"), asked)).isInstanceOf(IllegalArgumentException.class);

            assertThat(log.view().notes()).isEmpty();
            assertThat(log.append(note("real"))).isTrue();
        }
        assertThat(store.read(id, 0, 10).stream().map(Recorded::event))
                .contains(note("real"))
                .doesNotContain(note("phantom"));
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
    }

    @Test
    void append_ofAnEventWithoutAStoredForm_leavesNothingBehind() {
        Event tooDeep = new Event.NoteKept("deep", Json.parse("[".repeat(500) + "]".repeat(500)));
        try (SessionLog log = SessionLog.hold(store, id).orElseThrow()) {
            assertThatThrownBy(() -> log.append(note("phantom"), tooDeep)).isInstanceOf(IllegalArgumentException.class);

            assertThat(log.append(new Event.NoteKept("other", Json.of(1)))).isTrue();
            assertThat(log.view().notes()).containsOnlyKeys("other");
        }
    }

    @Test
    void append_afterClose_isFalse() {
        SessionLog log = SessionLog.hold(store, id).orElseThrow();
        log.close();
        assertThat(log.append(note("x"))).isFalse();
    }
}

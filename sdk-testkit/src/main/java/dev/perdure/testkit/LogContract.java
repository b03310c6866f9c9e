package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Release;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What may be written to a log, by whom, and what is read back. */
abstract class LogContract extends StoreScenario {
    @Test
    void append_writesDirectlyAfterThePosition_andSaysWhereTheLogEnds() {
        Lease lease = held(opened(ID), ann);
        Draft one = note("one");
        Draft two = note("two");

        Appended appended = store.append(lease, end(ID), batch(one, two));

        assertThat(appended).isEqualTo(new Appended.Ok(new Position(3, two.id()), clock.instant()));
        assertThat(log(ID)).extracting(Recorded::seq).containsExactly(1L, 2L, 3L);
        assertThat(ids(ID)).endsWith(one.id(), two.id());
    }

    @Test
    void read_givesBackWhatWasWritten_byteForByte() {
        Lease lease = held(opened(ID), ann);
        String stored =
                "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":1.10,\"added later\":\"\u00fc \uD83D\uDE00\"}";
        Draft draft = new Draft(EventId.random(), 7, Event.of(Json.parse(stored)), stored);
        append(lease, draft);

        Recorded read = log(ID).get(1);

        assertThat(read.json()).isEqualTo(stored);
        assertThat(read.turn()).isEqualTo(7);
        assertThat(read.fence()).isEqualTo(lease.fence());
        assertThat(read.at()).isEqualTo(clock.instant());
        assertThat(read.event()).isEqualTo(draft.event());
    }

    @Test
    void texts_withNulOrHalfASurrogatePair_areGivenBack() {
        Draft draft = note("cut \uD83D, then \uDE00, \uD83D\uDE00 and \0");
        append(held(opened(ID), ann), draft);

        assertThat(log(ID).get(1).json()).isEqualTo(draft.json());
        assertThat(log(ID).get(1).event()).isEqualTo(draft.event());
    }

    @Test
    void read_pagesByNumber_andIsEmptyAtTheEnd() {
        Lease lease = held(opened(ID), ann);
        append(lease, IntStream.range(0, 9).mapToObj(i -> note("n" + i)).toArray(Draft[]::new));

        assertThat(store.read(ID, 0, 4)).extracting(Recorded::seq).containsExactly(1L, 2L, 3L, 4L);
        assertThat(store.read(ID, 4, 4)).extracting(Recorded::seq).containsExactly(5L, 6L, 7L, 8L);
        assertThat(store.read(ID, 8, 4)).extracting(Recorded::seq).containsExactly(9L, 10L);
        assertThat(store.read(ID, 10, 4)).isEmpty();
        assertThat(store.read(ID, 99, 4)).isEmpty();
    }

    @Test
    void read_ofAnUnknownSession_isEmpty() {
        assertThat(log(ID)).isEmpty();
    }

    @Test
    void limits_areOneToTenThousand() {
        for (int limit : new int[] {0, -1, 10_001}) {
            assertThatThrownBy(() -> store.read(ID, 0, limit))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(String.valueOf(limit));
            assertThatThrownBy(() -> store.inbox(ID, 0, limit)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.questions(ID.tenant(), null, limit))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.list(ID.tenant(), java.util.Set.of(), "", limit))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void append_withStaleFence_isRefused() {
        Lease old = held(opened(ID), ann);
        elapse(TTL);
        Lease current = held(ID, bob);

        assertThat(store.append(old, end(ID), batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).hasSize(1);
        append(current, note("mine"));
    }

    @Test
    void append_withAFenceThatTheStoreHasForgotten_isRefused() {
        Lease lease = held(opened(ID), ann);
        Lease fromBeforeAFailover = with(lease, lease.fence() + 5);

        assertThat(store.append(fromBeforeAFailover, end(ID), batch(note("x")))).isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void append_byAnotherOwnerWithTheSameFence_isRefused() {
        Lease lease = held(opened(ID), ann);
        Lease stolen = new Lease(
                ID,
                lease.key(),
                bob,
                lease.fence(),
                lease.agent(),
                lease.attempts(),
                lease.inboxHead(),
                lease.logHead(),
                lease.claimedAt(),
                lease.previous());

        assertThat(store.append(stolen, end(ID), batch(note("x")))).isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void append_leavingAHole_isRefused() {
        Lease lease = held(opened(ID), ann);

        assertThat(store.append(lease, new Position(2, EventId.random()), batch(note("x"))))
                .isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void append_makingAFork_isRefused() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        append(lease, note("one"));

        assertThat(store.append(lease, start, batch(note("other")))).isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void append_afterAnEventOfAnotherId_isRefused() {
        Lease lease = held(opened(ID), ann);

        assertThat(store.append(lease, new Position(1, EventId.random()), batch(note("x"))))
                .isEqualTo(new Appended.Conflict());
        assertThat(store.append(lease, Position.START, batch(note("x")))).isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void append_isAllOrNothing() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        append(lease, note("taken"));

        assertThat(store.append(lease, start, batch(note("a"), note("b"), note("c"))))
                .isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void repeatedAppend_answersDuplicate() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        Batch batch = batch(note("one"), note("two"));
        Appended first = store.append(lease, start, batch);

        assertThat(store.append(lease, start, batch)).isEqualTo(new Appended.Duplicate(((Appended.Ok) first).last()));
        append(lease, note("three"));
        assertThat(store.append(lease, start, batch)).isInstanceOf(Appended.Duplicate.class);
        assertThat(log(ID)).hasSize(4);
    }

    @Test
    void repeatedAppend_afterTakeover_answersDuplicate() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        Batch batch = batch(note("one"));
        store.append(lease, start, batch);
        elapse(TTL);
        append(held(ID, bob), note("of bob"));

        assertThat(store.append(lease, start, batch)).isInstanceOf(Appended.Duplicate.class);
        assertThat(log(ID)).hasSize(3);
    }

    @Test
    void repeatedRelease_answersDuplicate_andReleasesNothingAgain() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        Batch batch = release(SessionStatus.IDLE, 0, note("done"));
        store.append(lease, start, batch);
        held(ID, bob);

        assertThat(store.append(lease, start, batch)).isInstanceOf(Appended.Duplicate.class);
        assertThat(status(ID)).isEqualTo(SessionStatus.RUNNING);
    }

    @Test
    void append_whereOnlySomeIdsAreInTheLog_isNoDuplicate() {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        Draft one = note("one");
        append(lease, one);

        assertThat(store.append(lease, start, batch(one, note("two")))).isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void append_afterTheLeaseWasGivenBack_isRefused() {
        Lease lease = held(opened(ID), ann);
        append(lease, release(SessionStatus.IDLE, 0, note("done")));

        assertThat(store.append(lease, end(ID), batch(note("x")))).isEqualTo(new Appended.LeaseLost());
    }

    @Test
    void append_afterTheLeaseRanOut_isAccepted_whileNobodyElseClaimed() {
        Lease lease = held(opened(ID), ann);
        elapse(TTL.multipliedBy(10));

        append(lease, note("slow but alone"));
    }

    @Test
    void fences_neverFallAlongTheLog() {
        opened(ID);
        for (int i = 0; i < 5; i++) {
            Lease lease = held(ID, i % 2 == 0 ? ann : bob);
            append(lease, note("a"));
            append(lease, release(SessionStatus.IDLE, 0, progress()));
        }

        assertThat(log(ID)).extracting(Recorded::fence).isSorted();
        assertThat(log(ID).get(0).fence()).isZero();
    }

    @Test
    void append_givesTheSessionToAnotherAgent() {
        Lease lease = held(opened(ID), ann);
        append(lease, new Batch(List.of(note("x")), List.of(), List.of(), List.of(), "billing", null));

        assertThat(info(ID).agent()).isEqualTo("billing");
        append(lease, release(SessionStatus.IDLE, 0, note("done")));
        assertThat(held(ID, bob).agent()).isEqualTo("billing");
    }

    @Test
    void append_withHandOffAndRelease_doesBoth() {
        Lease lease = held(opened(ID), ann);
        append(
                lease,
                new Batch(
                        List.of(note("x")),
                        List.of(),
                        List.of(),
                        List.of(),
                        "billing",
                        new Release(SessionStatus.READY, 0)));

        assertThat(info(ID).agent()).isEqualTo("billing");
        assertThat(store.ready()).containsEntry("billing", 1L);
    }

    @Test
    void append_ofALeaseOfAnotherSession_touchesNeither() {
        Lease lease = held(opened(ID), ann);
        SessionId other = opened("acme", "ticket-2");

        assertThat(store.append(lease, end(other), batch(note("x")))).isEqualTo(new Appended.Conflict());
        assertThat(log(ID)).hasSize(1);
        assertThat(log(other)).hasSize(1);
    }

    @Test
    void append_ofAHundredEvents_isOneBatch() {
        Lease lease = held(opened(ID), ann);
        append(lease, IntStream.range(0, 100).mapToObj(i -> note("n" + i)).toArray(Draft[]::new));

        assertThat(log(ID)).hasSize(101);
    }

    private static Lease with(Lease lease, long fence) {
        return new Lease(
                lease.session(),
                lease.key(),
                lease.owner(),
                fence,
                lease.agent(),
                lease.attempts(),
                lease.inboxHead(),
                lease.logHead(),
                lease.claimedAt(),
                lease.previous());
    }
}

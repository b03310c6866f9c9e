package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Snapshot;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A cache of what a log came to, which only the session's last holder writes. */
abstract class SnapshotContract extends StoreScenario {
    @BeforeEach
    void requireSnapshots() {
        assumeTrue(contract().keepsSnapshots(), "this store keeps no snapshots");
    }

    private static Snapshot snapshot(Position at, String body) {
        return new Snapshot(at, body);
    }

    @Test
    void snapshot_ofASessionThatHasNone_isEmpty() {
        opened(ID);

        assertThat(store.snapshot(ID)).isEmpty();
        assertThat(store.snapshot(SessionId.of("acme", "unknown"))).isEmpty();
    }

    @Test
    void snapshot_isReadAsItWasKept_andReplacedByTheNext() {
        Lease lease = held(opened(ID), ann);
        Position first = append(lease, note("a"));
        Snapshot kept = snapshot(first, "{\"text\":\"\u00fc \ud83d\ude00 \\u0000\"}" + "x".repeat(300_000));

        assertThat(store.saveSnapshot(lease, kept)).isTrue();
        assertThat(store.snapshot(ID)).contains(kept);

        Position second = append(lease, note("b"), note("c"));
        assertThat(store.saveSnapshot(lease, snapshot(second, "{}"))).isTrue();
        assertThat(store.snapshot(ID)).contains(snapshot(second, "{}"));
    }

    @Test
    void saveSnapshot_isSafeToRepeat() {
        Lease lease = held(opened(ID), ann);
        Snapshot kept = snapshot(append(lease, note("a")), "{}");

        assertThat(store.saveSnapshot(lease, kept)).isTrue();
        assertThat(store.saveSnapshot(lease, kept)).isTrue();
        assertThat(store.snapshot(ID)).contains(kept);
    }

    @Test
    void saveSnapshot_changesNothingElse() {
        Lease lease = held(opened(ID), ann);
        Position last = append(lease, note("a"));
        var before = info(ID);

        store.saveSnapshot(lease, snapshot(last, "{}"));

        assertThat(info(ID)).isEqualTo(before);
        assertThat(store.head(ID)).isEqualTo(last);
        append(lease, note("b"));
    }

    @Test
    void saveSnapshot_ofAnEventThatTheLogDoesNotHave_keepsTheOneBefore() {
        Lease lease = held(opened(ID), ann);
        Position last = append(lease, note("a"));
        store.saveSnapshot(lease, snapshot(last, "old"));

        assertThat(store.saveSnapshot(lease, snapshot(new Position(last.seq(), EventId.random()), "other")))
                .isFalse();
        assertThat(store.saveSnapshot(lease, snapshot(new Position(last.seq() + 1, EventId.random()), "ahead")))
                .isFalse();
        assertThat(store.saveSnapshot(lease, snapshot(Position.START, "none"))).isFalse();
        assertThat(store.snapshot(ID)).contains(snapshot(last, "old"));
    }

    @Test
    void saveSnapshot_byWhoLostTheSession_keepsTheNewer() {
        Lease old = held(opened(ID), ann);
        Position first = append(old, note("a"));
        elapse(TTL.plusSeconds(1));
        Lease lease = held(ID, bob);
        Position second = append(lease, note("b"));
        store.saveSnapshot(lease, snapshot(second, "newer"));

        assertThat(store.saveSnapshot(old, snapshot(first, "older"))).isFalse();
        assertThat(store.saveSnapshot(old, snapshot(second, "same"))).isFalse();
        assertThat(store.snapshot(ID)).contains(snapshot(second, "newer"));
    }

    @Test
    void saveSnapshot_afterTheLeaseWasGivenBack_isGoodUntilSomebodyElseClaims() {
        Lease lease = held(opened(ID), ann);
        Position last = append(lease, release(SessionStatus.IDLE, 0, note("a")));

        assertThat(store.saveSnapshot(lease, snapshot(last, "late"))).isTrue();
        assertThat(store.snapshot(ID)).contains(snapshot(last, "late"));
        assertThat(status(ID)).isEqualTo(SessionStatus.IDLE);

        held(ID, bob);
        assertThat(store.saveSnapshot(lease, snapshot(last, "too late"))).isFalse();
        assertThat(store.snapshot(ID)).contains(snapshot(last, "late"));
    }

    @Test
    void snapshot_isDeletedWithItsSession_andNotKeptAfter() {
        Lease lease = held(opened(ID), ann);
        Position last = append(lease, note("a"));
        store.saveSnapshot(lease, snapshot(last, "{}"));
        SessionId other = opened("globex", "ticket-1");
        Lease others = held(other, ann);
        store.saveSnapshot(others, snapshot(end(other), "other"));

        store.delete(ID);

        assertThat(store.snapshot(ID)).isEmpty();
        assertThat(store.saveSnapshot(lease, snapshot(last, "{}"))).isFalse();
        assertThat(store.snapshot(ID)).isEmpty();
        assertThat(store.snapshot(other)).contains(snapshot(end(other), "other"));
    }

    @Test
    void lease_saysHowFarTheLogGoes() {
        Lease first = held(opened(ID), ann);
        assertThat(first.logHead()).isEqualTo(1);
        append(first, note("a"), note("b"));
        append(first, release(SessionStatus.READY, 0, progress()));

        assertThat(ready(bob))
                .singleElement()
                .satisfies(lease -> assertThat(lease.logHead()).isEqualTo(4));
    }
}

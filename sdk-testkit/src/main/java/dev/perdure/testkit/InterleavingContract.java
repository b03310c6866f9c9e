package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Renewal;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The orders of events that lose data elsewhere, each played by hand, one verb at a time. */
abstract class InterleavingContract extends StoreScenario {
    @Test
    void takeoverBetweenTwoAppendsOfTheOldOwner_stopsIt() {
        Lease old = held(opened(ID), ann);
        var afterFirst = append(old, note("first of ann"));
        elapse(TTL);
        Lease current = held(ID, bob);

        assertThat(store.append(old, afterFirst, batch(note("second of ann")))).isEqualTo(new Appended.LeaseLost());
        append(current, note("first of bob"));
        assertThat(store.append(old, afterFirst, batch(note("second of ann")))).isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).extracting(Recorded::fence).containsExactly(0L, old.fence(), current.fence());
    }

    @Test
    void postBetweenTheLastLookAtTheInboxAndTheRelease_wakesTheSession() {
        Lease lease = held(opened(ID), ann);
        long seen = store.renew(List.of(lease), TTL).get(0).inboxHead();
        accepted(ID, message("k"));
        append(lease, release(SessionStatus.WAITING, seen, progress()));

        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void postRightAfterTheRelease_wakesTheSession() {
        Lease lease = held(opened(ID), ann);
        append(lease, release(SessionStatus.WAITING, 0, progress()));
        accepted(ID, message("k"));

        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void commitWhoseOutcomeWasUnknown_retriedAfterATakeover_isRecognised_orRefused() {
        Lease old = held(opened(ID), ann);
        accepted(ID, message("k"));
        var start = end(ID);
        Batch written = new Batch(
                List.of(progress()), List.of(1L), List.of(), List.of(), null, new Release(SessionStatus.IDLE, 1));
        store.append(old, start, written);
        Lease current = held(ID, bob);
        append(current, note("of bob"));

        assertThat(store.append(old, start, written)).isInstanceOf(Appended.Duplicate.class);
        assertThat(store.append(old, start, batch(note("never written")))).isEqualTo(new Appended.LeaseLost());
        assertThat(status(ID)).isEqualTo(SessionStatus.RUNNING);
        assertThat(log(ID)).hasSize(3);
    }

    @Test
    void renewalAfterATakeover_isLost_andDoesNotShortenTheNewLease() {
        Lease old = held(opened(ID), ann);
        elapse(TTL);
        held(ID, bob);

        assertThat(store.renew(List.of(old), Duration.ofMillis(1)).get(0).state())
                .isEqualTo(Renewal.State.LOST);
        elapse(Duration.ofSeconds(1));
        assertThat(store.claim(ID, Terms.of(ann))).isInstanceOf(Claimed.Busy.class);
    }

    @Test
    void renewalJustBeforeATakeover_keepsTheLease() {
        Lease lease = held(opened(ID), ann);
        elapse(TTL);
        store.renew(List.of(lease), TTL);

        assertThat(store.claim(ID, Terms.of(bob))).isInstanceOf(Claimed.Busy.class);
        assertThat(ready(bob)).isEmpty();
        append(lease, note("mine"));
    }

    @Test
    void deleteWhileAWorkerAppends_leavesNothingBehind() {
        Lease lease = held(opened(ID), ann);
        var position = append(lease, note("one"));
        store.delete(ID);

        assertThat(store.append(lease, position, batch(note("two")))).isEqualTo(new Appended.LeaseLost());
        assertThat(store.append(lease, position, release(SessionStatus.IDLE, 0, note("two"))))
                .isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).isEmpty();
        assertThat(status(ID)).isEqualTo(SessionStatus.DELETED);
    }

    @Test
    void twoClaimsOfAnExpiredLease_oneWins() {
        held(opened(ID), ann);
        elapse(TTL);
        Lease first = held(ID, bob);

        assertThat(store.claim(ID, Terms.of(ann))).isInstanceOf(Claimed.Busy.class);
        append(first, note("mine"));
    }

    @Test
    void expiredLeaseWhoseHolderStillAppends_beforeAnybodyClaims_losesNothing() {
        Lease slow = held(opened(ID), ann);
        elapse(TTL.multipliedBy(2));
        append(slow, progress());
        Lease next = held(ID, bob);

        assertThat(next.attempts()).isEqualTo(1);
        assertThat(log(ID)).hasSize(2);
        append(next, note("goes on after it"));
    }

    @Test
    void answerPostedTwiceWithOtherBodies_theFirstWins() {
        append(held(opened(ID), ann), release(SessionStatus.WAITING, 0, progress()));

        assertThat(store.post(ID, message("answer/q", "accept"))).isEqualTo(new Posted.Accepted(1));
        assertThat(store.post(ID, message("answer/q", "deny"))).isEqualTo(new Posted.Conflict(1));
        Lease lease = ready(bob).get(0);
        append(lease, consume(1, progress()));
        assertThat(store.post(ID, message("answer/q", "deny"))).isEqualTo(new Posted.Conflict(1));
    }

    @Test
    void quarantineRacingAPost_keepsTheItem_andResumeBringsItBack() {
        Terms once = new Terms(ann, TTL, 1, Duration.ZERO, Duration.ZERO);
        opened(ID);
        store.claim(ID, once);
        elapse(TTL);
        store.claim(ID, once);
        accepted(ID, message("k"));

        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);
        accepted(ID, resume("r"));
        assertThat(((Posted.Accepted) store.postAndClaim(ID, message("k2"), once)).findLease())
                .isPresent();
        assertThat(store.inbox(ID, 0, 10)).hasSize(3);
    }

    @Test
    void resumeJustBeforeTheQuarantine_preventsIt() {
        Terms once = new Terms(ann, TTL, 1, Duration.ZERO, Duration.ZERO);
        opened(ID);
        store.claim(ID, once);
        elapse(TTL);
        accepted(ID, resume("r"));

        assertThat(store.claim(ID, once)).isInstanceOf(Claimed.Held.class);
    }
}

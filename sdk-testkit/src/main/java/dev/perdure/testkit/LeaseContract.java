package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Renewal;
import dev.perdure.spi.SessionStore.Taken;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who may hold a session, and for how long. */
abstract class LeaseContract extends StoreScenario {
    @Test
    void claim_ofAnIdleSession_isHeld() {
        Lease lease = held(opened(ID), ann);

        assertThat(lease.session()).isEqualTo(ID);
        assertThat(lease.owner()).isEqualTo(ann);
        assertThat(lease.agent()).isEqualTo(AGENT);
        assertThat(lease.attempts()).isEqualTo(1);
        assertThat(lease.claimedAt()).isEqualTo(clock.instant());
        assertThat(lease.findPrevious()).isEmpty();
        assertThat(info(ID).findOwner()).contains(ann);
        assertThat(info(ID).findLeaseUntil()).contains(clock.instant().plus(TTL));
    }

    @Test
    void claim_whileSomebodyHoldsIt_isBusyUntilTheLeaseEnds() {
        held(opened(ID), ann);

        assertThat(store.claim(ID, Terms.of(bob)))
                .isEqualTo(new Claimed.Busy(clock.instant().plus(TTL)));
        assertThat(store.claim(ID, Terms.of(ann))).isInstanceOf(Claimed.Busy.class);
    }

    @Test
    void claim_saysHowFarTheInboxGoes_whetherConsumedOrNot() {
        assertThat(held(opened(ID), ann).inboxHead()).isZero();
        store.post(ID, message("k1"));
        store.post(ID, message("k2"));
        elapse(TTL);

        assertThat(held(ID, bob).inboxHead()).isEqualTo(2);
    }

    @Test
    void claim_ofAnUnknownOrDeletedSession_isUnknown() {
        assertThat(store.claim(ID, Terms.of(ann))).isEqualTo(new Claimed.Unknown());
        store.delete(opened(ID));
        assertThat(store.claim(ID, Terms.of(ann))).isEqualTo(new Claimed.Unknown());
    }

    @Test
    void claim_ofAnEndedSession_isEnded() {
        append(held(opened(ID), ann), release(SessionStatus.ENDED, 0, note("end")));

        assertThat(store.claim(ID, Terms.of(ann))).isEqualTo(new Claimed.Ended());
    }

    @Test
    void claim_ofAWaitingSession_isHeld() {
        append(held(opened(ID), ann), release(SessionStatus.WAITING, 0, progress()));

        assertThat(held(ID, bob).findPrevious()).isEmpty();
    }

    @Test
    void claim_afterTheLeaseRanOut_takesOver_andNamesTheOneBefore() {
        Lease old = held(opened(ID), ann);
        elapse(TTL.minusMillis(1));
        assertThat(store.claim(ID, Terms.of(bob))).isInstanceOf(Claimed.Busy.class);
        elapse(Duration.ofMillis(1));

        Lease lease = held(ID, bob);

        assertThat(lease.findPrevious()).contains(new Lease.Previous(ann, old.fence()));
        assertThat(lease.attempts()).isEqualTo(2);
    }

    @Test
    void fence_isAtLeastTheClock_andAlwaysGrows() {
        Lease first = held(opened(ID), ann);
        assertThat(first.fence()).isEqualTo(clock.millis());
        append(first, release(SessionStatus.IDLE, 0, progress()));
        Lease second = held(ID, ann);
        assertThat(second.fence()).isGreaterThan(first.fence());
        append(second, release(SessionStatus.IDLE, 0, progress()));
        elapse(Duration.ofHours(1));

        assertThat(held(ID, ann).fence()).isEqualTo(clock.millis());
    }

    @Test
    void fence_growsEvenWhenTheClockWentBack() {
        Lease first = held(opened(ID), ann);
        append(first, release(SessionStatus.IDLE, 0, progress()));
        elapse(Duration.ofHours(-1));

        assertThat(held(ID, bob).fence()).isEqualTo(first.fence() + 1);
    }

    @Test
    void renew_extendsTheLease_andReportsTheInbox() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        elapse(Duration.ofSeconds(10));

        assertThat(store.renew(List.of(lease), TTL)).containsExactly(new Renewal(lease, Renewal.State.HELD, 1));
        elapse(Duration.ofSeconds(10));
        assertThat(store.claim(ID, Terms.of(bob))).isInstanceOf(Claimed.Busy.class);
    }

    @Test
    void renew_ofManyLeases_answersEachInItsPlace() {
        Lease one = held(opened("acme", "1"), ann);
        Lease two = held(opened("acme", "2"), ann);
        Lease three = held(opened("other", "1"), ann);
        append(two, release(SessionStatus.IDLE, 0, note("done")));

        assertThat(store.renew(List.of(three, two, one), TTL))
                .containsExactly(
                        new Renewal(three, Renewal.State.HELD, 0),
                        new Renewal(two, Renewal.State.LOST, 0),
                        new Renewal(one, Renewal.State.HELD, 0));
        assertThat(store.renew(List.of(), TTL)).isEmpty();
    }

    @Test
    void renew_afterTheLeaseRanOut_holdsAgain_whileNobodyElseClaimed() {
        Lease lease = held(opened(ID), ann);
        elapse(TTL.multipliedBy(4));

        assertThat(store.renew(List.of(lease), TTL).get(0).state()).isEqualTo(Renewal.State.HELD);
        assertThat(store.claim(ID, Terms.of(bob))).isInstanceOf(Claimed.Busy.class);
    }

    @Test
    void renew_afterSomebodyElseClaimed_isLost_andStaysLost() {
        Lease old = held(opened(ID), ann);
        elapse(TTL);
        Lease current = held(ID, bob);

        assertThat(store.renew(List.of(old), TTL)).containsExactly(new Renewal(old, Renewal.State.LOST, 0));
        append(current, release(SessionStatus.IDLE, 0, note("done")));
        assertThat(store.renew(List.of(old), TTL).get(0).state()).isEqualTo(Renewal.State.LOST);
    }

    @Test
    void release_toIdle_isClaimableByAnybody() {
        append(held(opened(ID), ann), release(SessionStatus.IDLE, 0, progress()));

        assertThat(status(ID)).isEqualTo(SessionStatus.IDLE);
        assertThat(info(ID).findLeaseUntil()).isEmpty();
        assertThat(info(ID).findOwner()).contains(ann);
        assertThat(held(ID, bob).findPrevious()).isEmpty();
    }

    // ---- fruitless claims

    @Test
    void attempts_countClaimsWithoutProgress_andStartAgainAfterIt() {
        Lease first = held(opened(ID), ann);
        append(first, release(SessionStatus.READY, 0, note("gave up")));
        Lease second = held(ID, ann);
        assertThat(second.attempts()).isEqualTo(2);
        assertThat(info(ID).attempts()).isEqualTo(2);
        append(second, progress());
        assertThat(info(ID).attempts()).isZero();
        append(second, release(SessionStatus.READY, 0, note("gave up")));

        assertThat(held(ID, ann).attempts()).isEqualTo(1);
    }

    @Test
    void progress_beforeTheLeaseRanOut_countsForTheNextClaim() {
        Lease first = held(opened(ID), ann);
        append(first, progress());
        append(first, note("and then it died"));
        elapse(TTL);

        assertThat(held(ID, bob).attempts()).isEqualTo(1);
    }

    @Test
    void backoff_startsAfterTheSecondFruitlessClaim_andDoubles() {
        opened(ID);
        giveUp(ann);
        giveUp(ann);
        assertThat(store.claim(ID, Terms.of(ann)))
                .isEqualTo(new Claimed.Busy(clock.instant().plusSeconds(1)));
        elapse(Duration.ofSeconds(1));
        giveUp(ann);
        assertThat(store.claim(ID, Terms.of(ann)))
                .isEqualTo(new Claimed.Busy(clock.instant().plusSeconds(2)));
        elapse(Duration.ofSeconds(2));
        giveUp(ann);
        assertThat(store.claim(ID, Terms.of(ann)))
                .isEqualTo(new Claimed.Busy(clock.instant().plusSeconds(4)));
    }

    @Test
    void backoff_isOverAfterProgress() {
        opened(ID);
        giveUp(ann);
        Lease second = held(ID, ann);
        append(second, release(SessionStatus.READY, 0, progress()));

        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void claim_afterTooManyFruitlessOnes_quarantines() {
        opened(ID);
        wearOut();

        assertThat(store.claim(ID, Terms.of(bob))).isEqualTo(new Claimed.Quarantined(true));
        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);
        assertThat(store.claim(ID, Terms.of(bob))).isEqualTo(new Claimed.Quarantined(false));
        assertThat(ready(bob)).isEmpty();
    }

    @Test
    void claimReady_afterTooManyFruitlessOnes_quarantines_andSaysSoOnce() {
        opened(ID);
        wearOut();

        assertThat(store.claimReady(Terms.of(bob), Ready.of(Set.of(AGENT)), 10))
                .isEqualTo(new Taken(List.of(), List.of(ID)));
        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);
        assertThat(store.claimReady(Terms.of(bob), Ready.of(Set.of(AGENT)), 10)).isEqualTo(Taken.nothing());
    }

    @Test
    void postAndClaim_afterTooManyFruitlessOnes_quarantines_andSaysSoOnce() {
        opened(ID);
        wearOut();

        assertThat(store.postAndClaim(ID, message("k"), Terms.of(bob))).isEqualTo(new Posted.Accepted(1, null, true));
        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);
        assertThat(store.postAndClaim(ID, message("l"), Terms.of(bob))).isEqualTo(new Posted.Accepted(2));
    }

    @Test
    void quarantine_takesTheLeaseFromASlowHolder() {
        opened(ID);
        Terms once = new Terms(ann, TTL, 1, Duration.ZERO, Duration.ZERO);
        Lease slow = ((Claimed.Held) store.claim(ID, once)).lease();
        elapse(TTL);
        assertThat(store.claim(ID, once)).isEqualTo(new Claimed.Quarantined(true));

        assertThat(store.append(slow, end(ID), batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        assertThat(store.renew(List.of(slow), TTL).get(0).state()).isEqualTo(Renewal.State.LOST);
    }

    @Test
    void leaseGivenBackIntoQuarantine_setsTheSessionAside_untilAnOperatorResumesIt() {
        opened(ID);
        Lease lease = held(ID, ann);
        accepted(ID, message("not seen"));

        append(lease, release(SessionStatus.QUARANTINED, 0, note("why")));

        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);
        assertThat(ready(bob)).isEmpty();
        assertThat(store.claim(ID, Terms.of(bob))).isEqualTo(new Claimed.Quarantined(false));
        assertThat(store.append(lease, end(ID), batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        accepted(ID, resume("r"));
        assertThat(held(ID, bob).attempts()).isEqualTo(1);
    }

    @Test
    void resume_endsQuarantine_andForgetsTheFruitlessClaims() {
        opened(ID);
        wearOut();
        store.claim(ID, Terms.of(bob));
        accepted(ID, message("not this"));
        assertThat(status(ID)).isEqualTo(SessionStatus.QUARANTINED);

        accepted(ID, resume("r"));

        assertThat(status(ID)).isEqualTo(SessionStatus.READY);
        assertThat(held(ID, bob).attempts()).isEqualTo(1);
    }

    private void giveUp(dev.perdure.session.WorkerId worker) {
        append(held(ID, worker), release(SessionStatus.READY, 0, note("gave up")));
    }

    /** Five claims that lead to nothing. */
    private void wearOut() {
        for (int i = 0; i < 5; i++) {
            giveUp(ann);
            elapse(Duration.ofMinutes(1));
        }
    }
}

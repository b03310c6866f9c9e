package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is sent to a session, and that it is never missed and never doubled. */
abstract class InboxContract extends StoreScenario {
    @Test
    void post_keepsTheItem_andWakesTheSession() {
        opened(ID);

        assertThat(store.post(ID, message("k", "hi"))).isEqualTo(new Posted.Accepted(1));

        assertThat(status(ID)).isEqualTo(SessionStatus.READY);
        InboxItem item = store.inbox(ID, 0, 10).get(0);
        assertThat(item.key()).isEqualTo("k");
        assertThat(item.kind()).isEqualTo(Event.InputKind.MESSAGE);
        assertThat(item.from().name()).isEqualTo("ann");
        assertThat(item.body().text()).isEqualTo("{\"text\":\"hi\"}");
        assertThat(item.at()).isEqualTo(clock.instant());
    }

    @Test
    void post_givesDensePositions() {
        opened(ID);
        for (int i = 1; i <= 5; i++) {
            assertThat(accepted(ID, message("k" + i))).isEqualTo(i);
            store.post(ID, message("k1"));
        }
        assertThat(store.inbox(ID, 0, 10)).extracting(InboxItem::position).containsExactly(1L, 2L, 3L, 4L, 5L);
    }

    @Test
    void keys_areComparedExactly() {
        opened(ID);
        List<String> keys = List.of("Key", "key", "key ", "key%", "key?", "key\uD83D\uDE00", "key\uD83D\uDE01");
        keys.forEach(key -> accepted(ID, message(key)));

        assertThat(store.inbox(ID, 0, 10)).extracting(InboxItem::key).isEqualTo(keys);
    }

    /** Not every store has them: what it would put in their place is another key. */
    @Test
    void keys_withNulOrHalfASurrogatePair_reachNoStore() {
        for (String key : List.of("mail-\0", "mail-\uD83D", "mail-\uDE00")) {
            assertThatThrownBy(() -> message(key))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("index 5");
            assertThatThrownBy(() -> SessionId.of("acme", key)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SessionId.of(key, "1")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void post_ofTheSameItemAgain_isDuplicate() {
        opened(ID);
        accepted(ID, message("other"));
        accepted(ID, message("k"));

        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Duplicate(2));
        assertThat(store.inbox(ID, 0, 10)).hasSize(2);
    }

    @Test
    void post_ofAnotherBodyUnderTheSameKey_isConflict_andTheFirstStands() {
        opened(ID);
        accepted(ID, message("k", "yes"));

        assertThat(store.post(ID, message("k", "no"))).isEqualTo(new Posted.Conflict(1));
        assertThat(store.inbox(ID, 0, 10))
                .extracting(item -> item.body().text())
                .containsExactly("{\"text\":\"yes\"}");
    }

    @Test
    void keys_areUniqueForEver_alsoAfterTheItemWasConsumed() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        append(lease, consume(1, progress()));

        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.post(ID, message("k", "other"))).isEqualTo(new Posted.Conflict(1));
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
    }

    @Test
    void post_toAnUnknownOrDeletedSession_isUnknown() {
        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Unknown());
        store.delete(opened(ID));
        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Unknown());
    }

    @Test
    void post_toAnEndedSession_isEnded_butARepeatHearsWhatTheFirstTryWas() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        append(lease, release(SessionStatus.ENDED, 1, note("end")));

        assertThat(store.post(ID, message("new"))).isEqualTo(new Posted.Ended());
        assertThat(store.postAndClaim(ID, message("new"), Terms.of(ann))).isEqualTo(new Posted.Ended());
        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Duplicate(1));
        assertThat(status(ID)).isEqualTo(SessionStatus.ENDED);
        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
    }

    @Test
    void post_wakesAWaitingSession() {
        append(held(opened(ID), ann), release(SessionStatus.WAITING, 0, progress()));
        accepted(ID, message("k"));

        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void post_toARunningSession_leavesItWithItsHolder() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));

        assertThat(status(ID)).isEqualTo(SessionStatus.RUNNING);
        append(lease, note("still mine"));
    }

    @Test
    void postAndRelease_neverMissAWakeUp() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("seen"));
        long seen = store.inbox(ID, 0, 10).get(0).position();
        accepted(ID, message("came just then"));
        append(lease, release(SessionStatus.IDLE, seen, progress()));

        assertThat(status(ID)).isEqualTo(SessionStatus.READY);
        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void release_toWaiting_becomesReady_whenSomethingCame() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        append(lease, release(SessionStatus.WAITING, 0, progress()));

        assertThat(status(ID)).isEqualTo(SessionStatus.READY);
    }

    @Test
    void release_thatHasSeenEverything_rests() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        append(lease, release(SessionStatus.WAITING, 1, progress()));

        assertThat(status(ID)).isEqualTo(SessionStatus.WAITING);
        assertThat(ready(bob)).isEmpty();
    }

    @Test
    void release_toEnded_ends_whateverCame() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("k"));
        append(lease, release(SessionStatus.ENDED, 0, note("end")));

        assertThat(status(ID)).isEqualTo(SessionStatus.ENDED);
    }

    @Test
    void consume_takesItemsOutOfTheInbox_inTheCommitOfTheEvents() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("a"));
        accepted(ID, message("b"));
        append(lease, consume(2, progress()));

        assertThat(store.inbox(ID, 0, 10)).extracting(InboxItem::key).containsExactly("a");
    }

    @Test
    void consume_ofWhatIsNotThere_isRefused_andNothingIsWritten() {
        Lease lease = held(opened(ID), ann);
        accepted(ID, message("a"));
        append(lease, consume(1, progress()));

        assertThatThrownBy(() -> store.append(lease, end(ID), consume(1, progress())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1");
        assertThatThrownBy(() -> store.append(lease, end(ID), consume(9, progress())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void consume_withAStaleFence_consumesNothing() {
        Lease old = held(opened(ID), ann);
        accepted(ID, message("a"));
        elapse(TTL);
        held(ID, bob);
        store.append(old, end(ID), consume(1, progress()));

        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
        assertThat(log(ID)).extracting(Recorded::seq).containsExactly(1L);
    }

    @Test
    void inbox_pagesByPosition() {
        opened(ID);
        for (int i = 1; i <= 5; i++) {
            accepted(ID, message("k" + i));
        }

        assertThat(store.inbox(ID, 0, 2)).extracting(InboxItem::position).containsExactly(1L, 2L);
        assertThat(store.inbox(ID, 2, 2)).extracting(InboxItem::position).containsExactly(3L, 4L);
        assertThat(store.inbox(ID, 4, 2)).extracting(InboxItem::position).containsExactly(5L);
        assertThat(store.inbox(ID, 5, 2)).isEmpty();
    }

    @Test
    void postAndClaim_doesBothInOneCommit() {
        opened(ID);

        Posted.Accepted posted = (Posted.Accepted) store.postAndClaim(ID, message("k"), Terms.of(ann));

        assertThat(posted.position()).isEqualTo(1);
        Lease lease = posted.findLease().orElseThrow();
        assertThat(lease.owner()).isEqualTo(ann);
        append(lease, consume(1, progress()));
    }

    @Test
    void postAndClaim_whileSomebodyHoldsIt_onlyPosts() {
        Lease lease = held(opened(ID), ann);

        assertThat(store.postAndClaim(ID, message("k"), Terms.of(bob))).isEqualTo(new Posted.Accepted(1));
        append(lease, consume(1, progress()));
    }

    @Test
    void postAndClaim_ofADuplicateOrConflict_claimsNothing() {
        opened(ID);
        accepted(ID, message("k"));

        assertThat(store.postAndClaim(ID, message("k"), Terms.of(ann))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.postAndClaim(ID, message("k", "x"), Terms.of(ann))).isEqualTo(new Posted.Conflict(1));
        assertThat(status(ID)).isEqualTo(SessionStatus.READY);
        assertThat(store.postAndClaim(SessionId.of("acme", "none"), message("k"), Terms.of(ann)))
                .isEqualTo(new Posted.Unknown());
    }

    @Test
    void sameKey_inTwoSessions_isTwoItems() {
        opened(ID);
        SessionId other = opened("acme", "ticket-2");

        assertThat(List.of(accepted(ID, message("k", "a")), accepted(other, message("k", "b"))))
                .containsExactly(1L, 1L);
    }
}

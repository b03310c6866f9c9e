package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** How workers find what there is to do. */
abstract class ReadyContract extends StoreScenario {
    @Test
    void claimReady_takesWhatHasSomethingToDo_andNothingElse() {
        SessionId ready = due("acme", "ready");
        opened("acme", "idle");
        SessionId waiting = opened("acme", "waiting");
        append(held(waiting, ann), release(SessionStatus.WAITING, 0, progress()));
        SessionId ended = opened("acme", "ended");
        append(held(ended, ann), release(SessionStatus.ENDED, 0, progress()));
        held(opened("acme", "running"), ann);

        List<Lease> leases = ready(bob);

        assertThat(leases).extracting(Lease::session).containsExactly(ready);
        assertThat(leases.get(0).owner()).isEqualTo(bob);
        append(leases.get(0), note("it works"));
        assertThat(ready(bob)).isEmpty();
    }

    @Test
    void claimReady_takesOverLeasesThatRanOut() {
        Lease old = held(opened(ID), ann);
        elapse(TTL);

        List<Lease> leases = ready(bob);

        assertThat(leases).hasSize(1);
        assertThat(leases.get(0).findPrevious()).contains(new Lease.Previous(ann, old.fence()));
    }

    @Test
    void claimReady_leavesAloneWhatHasToWait() {
        opened(ID);
        append(held(ID, ann), release(SessionStatus.READY, 0, note("gave up")));
        append(held(ID, ann), release(SessionStatus.READY, 0, note("gave up")));

        assertThat(ready(bob)).isEmpty();
        elapse(Duration.ofSeconds(1));
        assertThat(ready(bob)).hasSize(1);
    }

    @Test
    void claimReady_takesOnlySessionsOfItsAgents() {
        due("acme", "1");

        assertThat(store.claimReady(Terms.of(ann), Ready.of(Set.of("billing")), 10)
                        .leases())
                .isEmpty();
        assertThat(store.claimReady(Terms.of(ann), Ready.of(Set.of()), 10).leases())
                .isEmpty();
        assertThat(store.claimReady(Terms.of(ann), Ready.of(Set.of("billing", AGENT)), 10)
                        .leases())
                .hasSize(1);
    }

    @Test
    void claimReady_isFair_eachTenantsFirstBeforeAnyTenantsSecond() {
        for (int i = 0; i < 5; i++) {
            due("big", "b" + i);
            elapse(Duration.ofMillis(1));
        }
        due("small", "s0");
        due("tiny", "t0");

        List<Lease> leases =
                store.claimReady(Terms.of(ann), Ready.of(Set.of(AGENT)), 4).leases();

        assertThat(leases)
                .extracting(lease -> lease.session().toString())
                .containsExactly("big/b0", "small/s0", "tiny/t0", "big/b1");
    }

    /** 60 claims of three for two tenants: each has one, and the third is by chance; the tenant that came first would have it 60 times. */
    @Test
    void claimReady_isFair_overManyClaims() {
        for (int i = 0; i < 125; i++) {
            due("first", "f" + i);
        }
        elapse(Duration.ofMillis(1));
        for (int i = 0; i < 125; i++) {
            due("second", "s" + i);
        }

        int second = 0;
        for (int i = 0; i < 60; i++) {
            List<Lease> leases =
                    store.claimReady(Terms.of(ann), Ready.of(Set.of(AGENT)), 3).leases();
            assertThat(leases).hasSize(3);
            second += (int) leases.stream()
                    .filter(lease -> lease.session().tenant().value().equals("second"))
                    .count();
        }

        // 90 on average; less than 70 or more than 110 once in three million times.
        assertThat(second).isBetween(70, 110);
    }

    @Test
    void claimReady_isOldestFirstWithinATenant() {
        SessionId one = opened("acme", "1");
        SessionId two = opened("acme", "2");
        accepted(two, message("k"));
        elapse(Duration.ofSeconds(1));
        accepted(one, message("k"));

        assertThat(ready(ann)).extracting(Lease::session).containsExactly(two, one);
    }

    @Test
    void claimReady_takesAtMostSoManyOfOneTenant() {
        for (int i = 0; i < 5; i++) {
            due("acme", "a" + i);
        }
        due("other", "o");

        assertThat(store.claimReady(Terms.of(ann), new Ready(Set.of(AGENT), Set.of(), 2), 10)
                        .leases())
                .extracting(lease -> lease.session().tenant().value())
                .containsExactlyInAnyOrder("acme", "acme", "other");
    }

    @Test
    void claimReady_leavesOutExcludedTenants() {
        due("acme", "a");
        due("other", "o");
        Ready filter = new Ready(Set.of(AGENT), Set.of(TenantId.of("acme"), TenantId.of("nobody")), 10);

        assertThat(store.claimReady(Terms.of(ann), filter, 10).leases())
                .extracting(Lease::session)
                .containsExactly(SessionId.of("other", "o"));
    }

    @Test
    void claimReady_takesAtMostMax() {
        for (int i = 0; i < 3; i++) {
            due("acme", "a" + i);
        }

        assertThat(store.claimReady(Terms.of(ann), Ready.of(Set.of(AGENT)), 2).leases())
                .hasSize(2);
        assertThatThrownBy(() -> store.claimReady(Terms.of(ann), Ready.of(Set.of(AGENT)), 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void ready_countsByAgent_soThatWorkNobodyTakesIsSeen() {
        due("acme", "1");
        due("other", "2");
        opened("acme", "idle");

        assertThat(store.ready()).containsOnly(java.util.Map.entry(AGENT, 2L));
        ready(ann);
        assertThat(store.ready()).isEmpty();
    }

    private SessionId due(String tenant, String name) {
        SessionId id = opened(tenant, name);
        accepted(id, message("k"));
        return id;
    }
}

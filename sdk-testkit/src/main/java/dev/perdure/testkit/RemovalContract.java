package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Draft;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Opened;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which sessions go when they have been kept long enough, and that nothing of them stays. */
abstract class RemovalContract extends StoreScenario {
    private static final Duration DAY = Duration.ofDays(1);
    private static final Retention ENDED = Retention.of(DAY.multipliedBy(90));

    @Test
    void purge_deletesEndedSessions_thatNobodyTouchedForSoLong() {
        SessionId old = ended("acme", "old");
        elapse(DAY);
        SessionId young = ended("acme", "young");
        elapse(DAY.multipliedBy(89));

        assertThat(store.purge(ENDED, 10)).isEqualTo(1);

        assertThat(status(old)).isEqualTo(SessionStatus.DELETED);
        assertThat(log(old)).isEmpty();
        assertThat(status(young)).isEqualTo(SessionStatus.ENDED);
        assertThat(log(young)).hasSize(2);
        assertThat(store.purge(ENDED, 10)).isZero();
    }

    @Test
    void purge_touchesNoStatusThatWasNotNamed() {
        SessionId idle = opened("acme", "idle");
        accepted(opened("acme", "ready"), message("k"));
        held(opened("acme", "running"), ann);
        append(held(opened("acme", "waiting"), ann), release(SessionStatus.WAITING, 0, progress()));
        elapse(DAY.multipliedBy(1_000));

        assertThat(store.purge(ENDED, 10)).isZero();
        assertThat(store.purge(ENDED.status(SessionStatus.IDLE, SessionStatus.DELETED), 10))
                .isEqualTo(1);

        assertThat(status(idle)).isEqualTo(SessionStatus.DELETED);
        assertThat(store.list(TenantId.of("acme"), Set.of(), "", 10)).hasSize(3);
    }

    @Test
    void purge_keepsToItsTenantAndAgent() {
        SessionId ours = ended("acme", "1");
        SessionId theirs = ended("other", "1");
        SessionId billing = SessionId.of("acme", "2");
        store.open(new NewSession(billing, "billing", Map.of(), session(billing).first()));
        append(held(billing, ann), release(SessionStatus.ENDED, 0, progress()));

        assertThat(store.purge(Retention.of(Duration.ZERO).agent("nobody"), 10)).isZero();
        assertThat(store.purge(
                        Retention.of(Duration.ZERO).tenant(TenantId.of("acme")).agent(AGENT), 10))
                .isEqualTo(1);
        assertThat(status(ours)).isEqualTo(SessionStatus.DELETED);
        assertThat(status(theirs)).isEqualTo(SessionStatus.ENDED);
        assertThat(status(billing)).isEqualTo(SessionStatus.ENDED);
    }

    @Test
    void purge_deletesNoMoreThanItsLimit_andGoesOnWhenRepeated() {
        IntStream.range(0, 5).forEach(i -> ended("acme", "s" + i));
        elapse(DAY.multipliedBy(90));

        assertThat(store.purge(ENDED, 2)).isEqualTo(2);
        assertThat(store.purge(ENDED, 2)).isEqualTo(2);
        assertThat(store.purge(ENDED, 2)).isEqualTo(1);
        assertThat(store.purge(ENDED, 2)).isZero();
        assertThatThrownBy(() -> store.purge(ENDED, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void purge_ofAWholeSession_leavesNothingOfIt_andKeepsTheName() {
        Lease lease = held(opened(ID), ann);
        append(lease, ask(question(ID, "q")));
        accepted(ID, message("k"));
        BlobRef ref = store.blobs().put(ID, new byte[] {1});

        assertThat(store.purge(Retention.of(Duration.ZERO).status(SessionStatus.RUNNING), 10))
                .isEqualTo(1);

        assertThat(log(ID)).isEmpty();
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
        assertThat(store.questions(ID.tenant(), null, 10)).isEmpty();
        assertThat(store.findQuestion(new QuestionId(ID, "q"))).isEmpty();
        assertThat(store.blobs().find(ID, ref)).isEmpty();
        assertThat(store.image(ID)).isEmpty();
        assertThat(store.open(session(ID))).isEqualTo(new Opened.Deleted());
        assertThat(store.claim(ID, Terms.of(bob))).isEqualTo(new Claimed.Unknown());
        assertThat(store.post(ID, message("k"))).isEqualTo(new Posted.Unknown());
    }

    @Test
    void nameOfADeletedSession_isFreeOnlyWhenItIsPurgedToo_andAnOldLeaseIsStillRefused() {
        Lease old = held(opened(ID), ann);
        var end = end(ID);
        store.delete(ID);
        elapse(DAY);

        assertThat(store.purge(Retention.of(DAY.multipliedBy(2)).status(SessionStatus.DELETED), 10))
                .isZero();
        assertThat(store.open(session(ID))).isEqualTo(new Opened.Deleted());
        assertThat(store.purge(Retention.of(DAY).status(SessionStatus.DELETED), 10))
                .isEqualTo(1);

        assertThat(store.find(ID)).isEmpty();
        assertThat(store.append(old, end, batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        opened(ID);
        held(ID, ann);
        assertThat(store.append(old, end, batch(note("late")))).isEqualTo(new Appended.LeaseLost());
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void delete_ofASessionLargerThanABatch_leavesNothing_andOthersAlone() {
        SessionId neighbour = ended("acme", "neighbour");
        Lease lease = held(opened(ID), ann);
        for (int i = 0; i < 5; i++) {
            append(lease, IntStream.range(0, 500).mapToObj(n -> note("n" + n)).toArray(Draft[]::new));
        }
        List<BlobRef> blobs = IntStream.range(0, 50)
                .mapToObj(i -> store.blobs().put(ID, new byte[] {(byte) i}))
                .toList();
        opened("acme", "later");

        assertThat(store.delete(ID)).isTrue();

        assertThat(log(ID)).isEmpty();
        assertThat(blobs).allMatch(blob -> store.blobs().find(ID, blob).isEmpty());
        assertThat(log(neighbour)).hasSize(2);
        assertThat(log(SessionId.of("acme", "later"))).hasSize(1);
    }

    @Test
    @Timeout(60)
    void purges_ofManyProcessesAtOnce_deleteEachSessionOnce() throws Exception {
        IntStream.range(0, 30).forEach(i -> ended("acme", "s" + i));
        SessionId stays = opened("acme", "stays");
        elapse(DAY.multipliedBy(90));
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<Integer>> purges = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                purges.add(threads.submit(() -> store.purge(ENDED, 100)));
            }
            int deleted = 0;
            for (Future<Integer> purge : purges) {
                deleted += purge.get();
            }
            assertThat(deleted).isEqualTo(30);
        } finally {
            threads.shutdownNow();
        }
        assertThat(log(stays)).hasSize(1);
        assertThat(store.list(TenantId.of("acme"), Set.of(), "", 100)).hasSize(1);
    }

    private SessionId ended(String tenant, String name) {
        SessionId id = opened(tenant, name);
        append(held(id, ann), release(SessionStatus.ENDED, 0, progress()));
        return id;
    }
}

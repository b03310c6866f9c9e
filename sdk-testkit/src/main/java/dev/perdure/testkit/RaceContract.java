package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Draft;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Opened;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many threads at once. */
@Timeout(60)
abstract class RaceContract extends StoreScenario {
    private static final int THREADS = 6;
    private static final int EACH = 10;

    @Test
    void manyWorkers_onOneSession_makeOneDenseLog() throws Exception {
        opened(ID);
        AtomicInteger counter = new AtomicInteger();

        List<List<EventId>> written = race(i -> () -> {
            List<EventId> mine = new ArrayList<>();
            WorkerId worker = WorkerId.random();
            while (mine.size() < EACH && !Thread.currentThread().isInterrupted()) {
                if (store.claim(ID, Terms.of(worker)) instanceof Claimed.Held held) {
                    Draft draft = progress();
                    counter.incrementAndGet();
                    append(held.lease(), release(SessionStatus.READY, 0, draft));
                    mine.add(draft.id());
                }
            }
            return mine;
        });

        List<Recorded> log = log(ID);
        assertThat(counter).hasValue(THREADS * EACH);
        assertThat(log)
                .extracting(Recorded::seq)
                .containsExactlyElementsOf(IntStream.rangeClosed(1, THREADS * EACH + 1)
                        .mapToObj(i -> (long) i)
                        .toList());
        assertThat(log).extracting(Recorded::fence).isSorted().doesNotHaveDuplicates();
        for (List<EventId> mine : written) {
            assertThat(ids(ID)).containsSubsequence(mine);
        }
    }

    @Test
    void appends_ofOneLeaseAtOnce_neverForkTheLog() throws Exception {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);

        List<Appended> answers = race(i -> () -> store.append(lease, start, batch(note("n" + i))));

        assertThat(answers.stream().filter(Appended.Ok.class::isInstance)).hasSize(1);
        assertThat(answers.stream().filter(Appended.Conflict.class::isInstance)).hasSize(THREADS - 1);
        assertThat(log(ID)).hasSize(2);
    }

    @Test
    void sameAppend_byManyThreads_isWrittenOnce() throws Exception {
        Lease lease = held(opened(ID), ann);
        Position start = end(ID);
        Draft draft = note("once");

        List<Appended> answers = race(i -> () -> store.append(lease, start, batch(draft)));

        assertThat(answers.stream().filter(Appended.Ok.class::isInstance)).hasSize(1);
        assertThat(answers.stream().filter(Appended.Duplicate.class::isInstance))
                .hasSize(THREADS - 1);
        assertThat(ids(ID)).endsWith(draft.id()).hasSize(2);
    }

    @Test
    void concurrentPosts_getDensePositions() throws Exception {
        opened(ID);

        race(i -> () -> IntStream.range(0, EACH)
                .mapToObj(j -> accepted(ID, message(i + "-" + j)))
                .toList());

        assertThat(store.inbox(ID, 0, 10_000))
                .extracting(InboxItem::position)
                .containsExactlyElementsOf(IntStream.rangeClosed(1, THREADS * EACH)
                        .mapToObj(i -> (long) i)
                        .toList());
    }

    @Test
    void sameKey_postedByManyThreads_isAcceptedOnce() throws Exception {
        opened(ID);

        List<Posted> answers = race(i -> () -> store.post(ID, message("k")));

        assertThat(answers).containsOnlyOnce(new Posted.Accepted(1));
        assertThat(answers.stream().filter(new Posted.Duplicate(1)::equals)).hasSize(THREADS - 1);
        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
    }

    @Test
    void sameSession_openedByManyThreads_isMadeOnce() throws Exception {
        List<Opened> answers = race(i -> () -> store.open(session(ID)));

        assertThat(answers.stream().filter(Opened.Created.class::isInstance)).hasSize(1);
        assertThat(log(ID)).hasSize(1);
    }

    @Test
    void readySessions_claimedByManyWorkers_areClaimedOnce() throws Exception {
        for (int i = 0; i < 20; i++) {
            accepted(opened("acme", "s" + i), message("k"));
        }

        List<SessionId> claimed = race(i -> () -> {
                    List<SessionId> mine = new ArrayList<>();
                    WorkerId worker = WorkerId.random();
                    for (List<Lease> leases = ready(worker); !leases.isEmpty(); leases = ready(worker)) {
                        leases.forEach(lease -> mine.add(lease.session()));
                    }
                    return mine;
                })
                .stream()
                .flatMap(List::stream)
                .toList();

        assertThat(claimed).hasSize(20).doesNotHaveDuplicates();
    }

    @Test
    void postsWhileAHolderRests_areAllConsumed_noneTwice() throws Exception {
        opened(ID);
        int posts = (THREADS - 1) * EACH;
        AtomicInteger consumed = new AtomicInteger();

        race(i -> () -> {
            if (i > 0) {
                return IntStream.range(0, EACH)
                        .mapToObj(j -> accepted(ID, message(i + "-" + j)))
                        .toList();
            }
            while (consumed.get() < posts && !Thread.currentThread().isInterrupted()) {
                ready(ann).forEach(lease -> consumed.addAndGet(drain(lease)));
            }
            return List.of();
        });

        assertThat(consumed).hasValue(posts);
        assertThat(status(ID)).isEqualTo(SessionStatus.IDLE);
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
        assertThat(log(ID)).hasSizeGreaterThanOrEqualTo(2);
    }

    /** Consumes what it sees and rests; what comes between its look and its release has to wake it again. */
    private int drain(Lease lease) {
        List<InboxItem> items = store.inbox(ID, 0, 10_000);
        List<Long> positions = items.stream().map(InboxItem::position).toList();
        long seen = positions.isEmpty() ? 0 : positions.get(positions.size() - 1);
        append(
                lease,
                new dev.perdure.spi.SessionStore.Batch(
                        List.of(progress()),
                        positions,
                        List.of(),
                        List.of(),
                        null,
                        new dev.perdure.spi.SessionStore.Release(SessionStatus.IDLE, seen)));
        return positions.size();
    }

    private static <T> List<T> race(IntFunction<Callable<T>> work) throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            CountDownLatch start = new CountDownLatch(1);
            List<Future<T>> futures = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                Callable<T> own = work.apply(i);
                futures.add(threads.submit(() -> {
                    start.await();
                    return own.call();
                }));
            }
            start.countDown();
            List<T> answers = new ArrayList<>();
            for (Future<T> future : futures) {
                answers.add(future.get());
            }
            return answers;
        } finally {
            threads.shutdownNow();
        }
    }
}

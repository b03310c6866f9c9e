package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** Appends one event after the other on a thread of its own, each until its outcome is known, whatever happens to the server. */
final class SteadyWriter implements AutoCloseable {
    private final SessionStore store;
    private final Lease lease;
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final CompletableFuture<List<EventId>> work;
    /** Number of the event of the newest snapshot that was kept. */
    private volatile long snapshot;

    private volatile boolean enough;

    private SteadyWriter(SessionStore store, Lease lease) {
        this.store = store;
        this.lease = lease;
        this.work = CompletableFuture.supplyAsync(this::write, task -> new Thread(task).start());
    }

    static SteadyWriter start(SessionStore store, Lease lease) {
        return new SteadyWriter(store, lease);
    }

    void awaitWrites(int more) {
        int wanted = acknowledged.get() + more;
        while (acknowledged.get() < wanted) {
            assertThat(work).as("the writer goes on").isNotDone();
            Thread.onSpinWait();
        }
    }

    /** Ends the work. */
    void assertNothingLost() {
        enough = true;
        List<EventId> promised = work.join();
        List<Recorded> kept = log(store, ID);
        assertThat(kept).extracting(Recorded::id).containsAll(promised);
        assertThat(kept).hasSize(promised.size() + 1);
        assertThat(kept.get(kept.size() - 1).seq()).isEqualTo(kept.size());
        assertThat(SqliteCrashTest.snapshotIn(store, kept))
                .isGreaterThanOrEqualTo(snapshot)
                .isPositive();
    }

    /** The events that the store said are written. */
    private List<EventId> write() {
        List<EventId> promised = new ArrayList<>();
        Position last = new Position(1, log(store, ID).get(0).id());
        while (!enough) {
            Batch batch = batch(note("event " + promised.size()));
            Appended answer = known(last, batch);
            if (answer instanceof Appended.Ok ok) {
                last = ok.last();
            } else if (answer instanceof Appended.Duplicate duplicate) {
                last = duplicate.last();
            } else {
                throw new AssertionError("nobody else writes, but the store says " + answer);
            }
            promised.add(batch.events().get(0).id());
            acknowledged.incrementAndGet();
            if (promised.size() % 10 == 0) {
                keepSnapshot(last);
            }
        }
        return promised;
    }

    private void keepSnapshot(Position at) {
        try {
            assertThat(store.saveSnapshot(lease, Child.snapshot(at))).isTrue();
            snapshot = at.seq();
        } catch (StoreException e) {
            assertThat(e.retryable()).as(String.valueOf(e.getMessage())).isTrue();
        }
    }

    private Appended known(Position last, Batch batch) {
        while (true) {
            try {
                return store.append(lease, last, batch);
            } catch (StoreException e) {
                assertThat(e.retryable()).as(String.valueOf(e.getMessage())).isTrue();
            }
        }
    }

    @Override
    public void close() {
        enough = true;
    }
}

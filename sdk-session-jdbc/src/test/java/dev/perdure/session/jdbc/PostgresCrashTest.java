package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL itself dies by SIGKILL, all of its processes at once, while a worker writes; then it comes back on the same data. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PostgresCrashTest {
    private static final int KILLS = 3;

    @TempDir
    Path folder;

    /** How far the writer is. */
    private final AtomicInteger acknowledged = new AtomicInteger();

    private volatile boolean enough;

    @Test
    void noAcknowledgedEventIsLost_andTheSameStoreGoesOn_whenTheServerIsKilledAndComesBack() {
        try (PostgresServer server = new PostgresServer(folder);
                HikariDataSource pool = pool(server.address().getPort());
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            CountDownLatch ended = new CountDownLatch(1);
            CompletableFuture<List<EventId>> writer =
                    CompletableFuture.supplyAsync(() -> write(store, lease), task -> new Thread(task).start());
            writer.whenComplete((ids, e) -> ended.countDown());
            for (int kill = 0; kill < KILLS; kill++) {
                int before = acknowledged.get();
                awaitWrites(before + 200, ended);
                server.kill();
                server.start();
            }
            awaitWrites(acknowledged.get() + 50, ended);
            enough = true;

            List<EventId> promised = writer.join();
            List<Recorded> kept = log(store, ID);
            assertThat(kept).extracting(Recorded::id).containsAll(promised);
            assertThat(kept).hasSize(promised.size() + 1);
            assertThat(kept.get(kept.size() - 1).seq()).isEqualTo(kept.size());
        } finally {
            enough = true;
        }
    }

    /** Appends one event after the other, each until its outcome is known; the events that the store said are written. */
    private List<EventId> write(SessionStore store, Lease lease) {
        List<EventId> promised = new ArrayList<>();
        Position last = new Position(1, log(store, ID).get(0).id());
        while (!enough) {
            SessionStore.Batch batch = batch(note("event " + promised.size()));
            Appended answer = known(store, lease, last, batch);
            if (answer instanceof Appended.Ok ok) {
                last = ok.last();
            } else if (answer instanceof Appended.Duplicate duplicate) {
                last = duplicate.last();
            } else {
                throw new AssertionError("nobody else writes, but the store says " + answer);
            }
            promised.add(batch.events().get(0).id());
            acknowledged.incrementAndGet();
        }
        return promised;
    }

    private static Appended known(SessionStore store, Lease lease, Position last, SessionStore.Batch batch) {
        while (true) {
            try {
                return store.append(lease, last, batch);
            } catch (StoreException e) {
                assertThat(e.retryable()).as(String.valueOf(e.getMessage())).isTrue();
            }
        }
    }

    private void awaitWrites(int count, CountDownLatch ended) {
        while (acknowledged.get() < count) {
            assertThat(ended.getCount()).as("the writer goes on").isOne();
            Thread.onSpinWait();
        }
    }

    private static HikariDataSource pool(int port) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(
                "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres&loginTimeout=5&socketTimeout=10");
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(1_000);
        return new HikariDataSource(config);
    }
}

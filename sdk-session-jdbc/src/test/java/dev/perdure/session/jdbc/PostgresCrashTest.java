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
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
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
    private static final long PATIENCE = 20_000_000_000L;

    @TempDir
    Path folder;

    /** How far the writer is. */
    private final AtomicInteger acknowledged = new AtomicInteger();

    private volatile boolean enough;
    /** Number of the event of the newest snapshot that was kept. */
    private volatile long snapshot;

    @Test
    void noAcknowledgedEventIsLost_andTheSameStoreGoesOn_whenTheServerIsKilledAndComesBack() throws Exception {
        Path data = folder.resolve("data");
        EmbeddedPostgres server = start(data, 0);
        int port = server.getPort();
        try (HikariDataSource pool = pool(port);
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
                kill(data);
                // Only lets go of the folder: there is nothing to stop any more, and it complains.
                server.close();
                server = restart(data, port);
            }
            awaitWrites(acknowledged.get() + 50, ended);
            enough = true;

            List<EventId> promised = writer.join();
            List<Recorded> kept = log(store, ID);
            assertThat(kept).extracting(Recorded::id).containsAll(promised);
            assertThat(kept).hasSize(promised.size() + 1);
            assertThat(kept.get(kept.size() - 1).seq()).isEqualTo(kept.size());
            assertThat(SqliteCrashTest.snapshotIn(store, kept))
                    .isGreaterThanOrEqualTo(snapshot)
                    .isPositive();
        } finally {
            enough = true;
            server.close();
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
            if (promised.size() % 10 == 0) {
                keepSnapshot(store, lease, last);
            }
        }
        return promised;
    }

    private void keepSnapshot(SessionStore store, Lease lease, Position at) {
        try {
            assertThat(store.saveSnapshot(lease, Child.snapshot(at))).isTrue();
            snapshot = at.seq();
        } catch (StoreException e) {
            assertThat(e.retryable()).as(String.valueOf(e.getMessage())).isTrue();
        }
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

    private static void kill(Path data) throws IOException {
        long pid = Long.parseLong(
                Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
        List<ProcessHandle> all = new ArrayList<>(server.descendants().toList());
        all.add(0, server);
        all.forEach(ProcessHandle::destroyForcibly);
        long start = System.nanoTime();
        while (all.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() - start < PATIENCE) {
            Thread.onSpinWait();
        }
    }

    private static EmbeddedPostgres restart(Path data, int port) throws IOException {
        long start = System.nanoTime();
        while (true) {
            try {
                return start(data, port);
            } catch (IOException | IllegalStateException e) {
                // What is left of the former server may hold its lock or its port for a moment.
                if (System.nanoTime() - start > PATIENCE) {
                    throw new IOException("the server does not come back", e);
                }
            }
        }
    }

    private static EmbeddedPostgres start(Path data, int port) throws IOException {
        return Postgres.durable()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setPort(port)
                .start();
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

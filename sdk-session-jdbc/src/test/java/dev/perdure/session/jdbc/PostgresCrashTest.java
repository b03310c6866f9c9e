package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.opened;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    @Test
    void noAcknowledgedEventIsLost_andTheSameStoreGoesOn_whenTheServerIsKilledAndComesBack() throws Exception {
        Path data = folder.resolve("data");
        EmbeddedPostgres server = start(data, 0);
        int port = server.getPort();
        try (HikariDataSource pool = pool(port);
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            try (SteadyWriter writer = SteadyWriter.start(store, held(store, ID, WorkerId.random()))) {
                for (int kill = 0; kill < KILLS; kill++) {
                    writer.awaitWrites(200);
                    kill(data);
                    // Only lets go of the folder: there is nothing to stop any more, and it complains.
                    server.close();
                    server = restart(data, port);
                }
                writer.awaitWrites(50);
                writer.assertNothingLost();
            }
        } finally {
            server.close();
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

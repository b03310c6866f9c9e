package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.opened;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL itself dies by SIGKILL, all of its processes at once, while a worker writes; then it comes back on the same data. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PostgresCrashTest {
    private static final int KILLS = 3;

    @TempDir
    Path folder;

    @Test
    void noAcknowledgedEventIsLost_andTheSameStoreGoesOn_whenTheServerIsKilledAndComesBack() {
        try (PostgresServer server = new PostgresServer(folder);
                HikariDataSource pool = pool(server.address().getPort());
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            try (SteadyWriter writer = SteadyWriter.start(store, held(store, ID, WorkerId.random()))) {
                for (int kill = 0; kill < KILLS; kill++) {
                    writer.awaitWrites(200);
                    server.kill();
                    server.start();
                }
                writer.awaitWrites(50);
                writer.assertNothingLost();
            }
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

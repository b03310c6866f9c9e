package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.opened;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** MariaDB itself dies by SIGKILL while a worker writes; then it comes back on the same data. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class MariaDbCrashTest {
    @TempDir
    Path folder;

    @Test
    void noAcknowledgedEventIsLost_andTheSameStoreGoesOn_whenTheServerIsKilledAndComesBack() throws Exception {
        try (MariaServer server = MariaServer.start(folder)) {
            assertNothingLost(server);
        }
    }

    private static void assertNothingLost(MariaServer server) throws SQLException {
        try (Connection connection = DriverManager.getConnection(server.url(""), "root", "")) {
            connection.createStatement().execute("CREATE DATABASE sessions");
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(server.url("sessions") + "&connectTimeout=5000&socketTimeout=10000");
        config.setUsername("root");
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        config.setMaximumPoolSize(4);
        config.setConnectionTimeout(1_000);
        try (HikariDataSource pool = new HikariDataSource(config);
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            try (SteadyWriter writer = SteadyWriter.start(store, held(store, ID, WorkerId.random()))) {
                for (int kill = 0; kill < 3; kill++) {
                    writer.awaitWrites(200);
                    server.kill();
                    server.start();
                }
                writer.awaitWrites(50);
                writer.assertNothingLost();
            }
        }
    }
}

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.condition.EnabledIf;

/** With a driver that is told to quote each statement that fails. */
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class NoContentInFaultsMariaDbTest extends NoContentInServerFaultsContract {
    private final MariaDb mariadb = MariaDb.empty();
    private final String user = "worker_of_" + mariadb.database();
    private HikariDataSource pool;

    @Override
    JdbcSessionStore open() {
        JdbcSessionStore.of(mariadb.pool()).close();
        mariadb.sql("CREATE USER " + user);
        for (String table :
                new String[] {"schema", "session", "event", "inbox", "question", "snapshot", "blob", "key"}) {
            mariadb.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON perdure_" + table + " TO " + user);
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(MariaDb.url(mariadb.database()) + "&dumpQueriesOnException=true");
        config.setUsername(user);
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        config.setMaximumPoolSize(4);
        pool = new HikariDataSource(config);
        return JdbcSessionStore.of(pool, JdbcOptions.standard().busyTimeout(BUSY));
    }

    @Override
    Connection connection() throws SQLException {
        return pool.getConnection();
    }

    @Override
    void sql(String... statements) {
        mariadb.sql(statements);
    }

    @Override
    void refuseWrites(String table, String column) {
        for (String event : new String[] {"INSERT", "UPDATE"}) {
            mariadb.sql("CREATE TRIGGER refuse_" + event + " BEFORE " + event + " ON " + table + " FOR EACH ROW BEGIN"
                    + " DECLARE said VARCHAR(120); SET said = left(concat('no ', NEW." + column + "), 120);"
                    + " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said; END");
        }
    }

    @Override
    void refuseRows(String table) {
        mariadb.sql("ALTER TABLE " + table + " ADD COLUMN never INT NOT NULL DEFAULT 0");
        mariadb.sql("ALTER TABLE " + table + " MODIFY never INT NOT NULL");
    }

    @Override
    void revokeInserts(String table) {
        mariadb.sql("REVOKE INSERT ON " + table + " FROM " + user);
    }

    @AfterEach
    void drop() {
        pool.close();
        mariadb.sql("DROP USER " + user);
        mariadb.close();
    }
}

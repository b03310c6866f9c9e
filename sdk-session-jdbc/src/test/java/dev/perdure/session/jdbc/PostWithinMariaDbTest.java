package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class PostWithinMariaDbTest extends PostWithinContract {
    private final MariaDb mariadb = MariaDb.empty();

    @Override
    JdbcSessionStore open() {
        mariadb.sql("CREATE TABLE orders (id INTEGER)");
        return JdbcSessionStore.of(mariadb.pool());
    }

    @Override
    DataSource source() {
        return mariadb.pool();
    }

    @Test
    void transactionThatStaysOpen_keepsOnlyItsOwnSession_fromThoseWhoLookForWork() throws SQLException {
        try (HikariDataSource impatient = mariadb.pool(4, Map.of("innodb_lock_wait_timeout", "2"));
                JdbcSessionStore other = JdbcSessionStore.of(impatient)) {
            assertOnlyItsSessionWaitsForAnOpenTransaction(other);
        }
    }

    @AfterEach
    void drop() {
        mariadb.close();
    }
}

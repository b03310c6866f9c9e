package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PostWithinPostgresTest extends PostWithinContract {
    private final Postgres postgres = Postgres.empty();

    @Override
    JdbcSessionStore open() {
        postgres.sql("CREATE TABLE orders (id INTEGER)");
        return JdbcSessionStore.of(postgres.pool());
    }

    @Override
    DataSource source() {
        return postgres.pool();
    }

    @Test
    void connectionToAnotherKindOfDatabase_isRefused() throws SQLException {
        try (JdbcSessionStore store = JdbcSessionStore.of(postgres.pool());
                Connection other = DriverManager.getConnection("jdbc:sqlite::memory:")) {
            other.setAutoCommit(false);
            assertThatThrownBy(() -> store.post(other, ID, message("k")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContainingAll("SQLite", "PostgreSQL");
        }
    }

    @Test
    void transactionThatStaysOpen_keepsOnlyItsOwnSession_fromThoseWhoLookForWork() throws SQLException {
        try (HikariDataSource impatient = postgres.pool(Map.of("options", "-c lock_timeout=2000"));
                JdbcSessionStore other = JdbcSessionStore.of(impatient)) {
            assertOnlyItsSessionWaitsForAnOpenTransaction(other);
        }
    }

    @AfterEach
    void drop() {
        postgres.close();
    }
}

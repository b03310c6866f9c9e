package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    @Test
    void connectionToAnotherDatabaseOfTheKind_isNamedInTheError_notTheStores() throws SQLException {
        try (JdbcSessionStore store = JdbcSessionStore.of(postgres.pool());
                Connection other =
                        DriverManager.getConnection(Postgres.url().replaceFirst("/postgres(\\?|$)", "/template1$1"))) {
            other.setAutoCommit(false);
            assertThatThrownBy(() -> store.post(other, ID, message("k")))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("/template1, where the connection of this transaction leads")
                    .hasMessageNotContaining("database postgres at");
            other.rollback();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE})
    void transactionThatMeetsANewerRow_isToRollBackAndRepeat(int isolation) throws SQLException {
        try (JdbcSessionStore store = JdbcSessionStore.of(postgres.pool());
                Connection strict = postgres.pool().getConnection()) {
            strict.setAutoCommit(false);
            strict.setTransactionIsolation(isolation);
            strict.createStatement().executeQuery("SELECT count(*) FROM perdure_session");
            store.post(ID, message("first"));
            assertThatThrownBy(() -> store.post(strict, ID, message("second")))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("roll back and repeat the transaction")
                    .matches(e -> ((StoreException) e).retryable());
            strict.rollback();
            strict.setAutoCommit(true);
        }
    }

    @AfterEach
    void drop() {
        postgres.close();
    }
}

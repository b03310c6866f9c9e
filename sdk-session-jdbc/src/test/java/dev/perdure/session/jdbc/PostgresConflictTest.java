package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.Position;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.StoreException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real deadlocks and serialization failures, made by a second connection: the append is done again, and once. */
@Timeout(120)
class PostgresConflictTest {
    private final Postgres postgres = Postgres.empty();
    private final SessionStore store = JdbcSessionStore.of(postgres.pool());
    private Lease lease;
    private Position start;

    @BeforeEach
    void open() {
        opened(store, ID);
        lease = held(store, ID, WorkerId.random());
        start = end(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
        postgres.close();
    }

    private CompletableFuture<Appended> appending(SessionStore to) {
        return CompletableFuture.supplyAsync(
                () -> to.append(lease, start, batch(note("x"))), task -> new Thread(task).start());
    }

    private void awaitWaiting() {
        Eventually.await(
                "the append waits",
                () -> postgres.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = '"
                                + postgres.schema()
                                + "' AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO perdure_event%'")
                        .equals("1"));
    }

    private String deadlocks() {
        return postgres.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    }

    /** The append holds the session's row and waits for the number of its event; the other holds the number and wants the row. */
    @Test
    void deadlock_isBrokenByTheServer_andTheAppendIsDoneAgain_once() throws SQLException {
        String before = deadlocks();
        try (Connection other = postgres.pool().getConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            // So that the append is the victim.
            statement.execute("SET LOCAL deadlock_timeout = '10min'");
            statement.execute(
                    "INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)"
                            + " SELECT session, 2, id, 0, 0, 0, 'x', 0, 0, body FROM perdure_event");
            CompletableFuture<Appended> append = appending(store);
            awaitWaiting();
            // Waits for the append, until the server has ended it.
            statement.execute("UPDATE perdure_session SET changed_at = changed_at");
            other.rollback();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
        }
        Eventually.await("the deadlock was a real one", () -> !deadlocks().equals(before));
        assertThat(log(store, ID)).hasSize(2);
    }

    /** Its connections became strict after it was opened: at open it refuses them. */
    @Test
    void serializationFailure_isDoneAgain_once() throws SQLException {
        AtomicReference<DataSource> source = new AtomicReference<>(postgres.pool());
        DataSource exchanged = (DataSource) Proxy.newProxyInstance(
                DataSource.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> method.invoke(source.get(), arguments));
        try (HikariDataSource strict =
                        postgres.pool(Map.of("options", "-c default_transaction_isolation=serializable"));
                SessionStore later = JdbcSessionStore.of(exchanged);
                Connection other = postgres.pool().getConnection();
                Statement statement = other.createStatement()) {
            source.set(strict);
            other.setAutoCommit(false);
            statement.execute("UPDATE perdure_session SET changed_at = changed_at + 1");
            CompletableFuture<Appended> append = appending(later);
            awaitWaiting();
            // The row has changed since the waiting statement's snapshot: 40001.
            other.commit();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
        }
        assertThat(log(store, ID)).hasSize(2);
    }

    /** Raised by a trigger, because no second connection can make a statement fail for ever. */
    @Test
    void conflictThatNeverEnds_isUnavailable_retryable_afterTheBusyTimeout_andNothingIsWritten() {
        postgres.sql(
                "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$",
                "CREATE TRIGGER conflict BEFORE INSERT ON perdure_event FOR EACH ROW EXECUTE FUNCTION conflict()");
        try (SessionStore hasty =
                JdbcSessionStore.of(postgres.pool(), JdbcOptions.standard().busyTimeout(Duration.ofMillis(300)))) {
            assertThatThrownBy(() -> hasty.append(lease, start, batch(note("x"))))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("busy")
                    .matches(e -> ((StoreException) e).retryable(), "is retryable");
        }
        assertThat(log(store, ID)).hasSize(1);
        postgres.sql("DROP TRIGGER conflict ON perdure_event");
        assertThat(store.append(lease, start, batch(note("x")))).isInstanceOf(Appended.Ok.class);
    }
}

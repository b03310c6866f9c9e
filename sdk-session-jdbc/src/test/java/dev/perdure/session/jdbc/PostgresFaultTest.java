package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.Position;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Renewal;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What can be wrong with a server: each says what it is and what to do, and nothing is lost. */
class PostgresFaultTest {
    /** Version of the schema that this library makes. */
    private static final String KNOWN =
            String.valueOf(new PostgresDialect().migrations().size());

    private final Postgres postgres = Postgres.empty();

    @AfterEach
    void drop() {
        postgres.close();
    }

    @Test
    void settingsThatLoseAcknowledgedEvents_areRefused_unlessAcceptedByName() {
        try (HikariDataSource weak = postgres.pool(Map.of("options", "-c synchronous_commit=off"))) {
            assertUnusable(
                    () -> JdbcSessionStore.of(weak),
                    "synchronous_commit=off",
                    "accept(Weakness.SYNCHRONOUS_COMMIT_OFF)");

            try (SessionStore store =
                    JdbcSessionStore.of(weak, JdbcOptions.standard().accept(Weakness.SYNCHRONOUS_COMMIT_OFF))) {
                assertThat(store.guarantees().onceSafe()).isFalse();
                assertThat(store.guarantees().powerLoss()).isFalse();
                assertThat(store.guarantees().notes()).anyMatch(note -> note.contains("synchronous_commit=off"));
            }
        }
    }

    @Test
    void everySettingThatIsWrong_isNamedInOneMessage() {
        try (HikariDataSource weak = postgres.pool(
                Map.of("options", "-c synchronous_commit=off -c default_transaction_isolation=serializable"))) {
            assertUnusable(
                    () -> JdbcSessionStore.of(weak),
                    "synchronous_commit=off",
                    "accept(Weakness.SYNCHRONOUS_COMMIT_OFF)",
                    "transaction_isolation = serializable");
        }
    }

    @Test
    void schemaThatIsNotThere_isNamed_withWhatToDo() {
        assertUnusable(
                () -> JdbcSessionStore.of(
                        postgres.pool(), JdbcOptions.standard().schema("nowhere")),
                "no schema nowhere",
                "CREATE SCHEMA nowhere");
    }

    @Test
    void searchPathThatLeadsToNoSchema_isNamed_withWhatToDo() {
        try (HikariDataSource astray = new HikariDataSource()) {
            astray.setJdbcUrl(Postgres.url());
            astray.setConnectionInitSql("SET search_path = nowhere");
            assertUnusable(() -> JdbcSessionStore.of(astray), "search_path is \"nowhere\"", "currentSchema");
        }
    }

    @Test
    void olderSchema_andAUserWhoMayNotChangeTables_isRefused_withBothVersionsAndTheScript() {
        JdbcSessionStore.of(postgres.pool()).close();
        postgres.sql("DROP TABLE perdure_snapshot", "DELETE FROM perdure_schema WHERE version > 1");
        assertAsWorker("has schema version 1, and this version of Perdure needs " + KNOWN, "ddl --from 1");
    }

    @Test
    void noTables_andAUserWhoMayNotMakeThem_isRefused_withTheScript() {
        assertAsWorker("has no tables of sessions, and this user may not make them", "examples/run ddl");
    }

    private void assertAsWorker(String... words) {
        String role = "worker_of_" + postgres.schema();
        postgres.sql(
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA " + postgres.schema() + " TO " + role,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + postgres.schema() + " TO " + role);
        try (HikariDataSource worker = postgres.pool(Map.of("options", "-c role=" + role))) {
            assertUnusable(() -> JdbcSessionStore.of(worker), words);
        } finally {
            postgres.sql("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    @Test
    void tablesWithoutTheirSchemasTable_orOfAnotherProgram_areLeftAsTheyAre_andNamed() {
        postgres.sql("CREATE TABLE perdure_event (mine integer)");
        assertUnusable(
                () -> JdbcSessionStore.of(postgres.pool()),
                "has a table perdure_event, but no perdure_schema",
                "JdbcOptions.tablePrefix");

        postgres.sql("CREATE TABLE perdure_schema (mine integer)");
        assertUnusable(
                () -> JdbcSessionStore.of(postgres.pool()),
                "perdure_schema that is another program's",
                "JdbcOptions.tablePrefix");
        assertThat(postgres.query("SELECT count(*) FROM pg_tables WHERE schemaname = '" + postgres.schema() + "'"))
                .isEqualTo("2");
    }

    @Test
    void tableThatIsMissing_isNamedAtOpen() {
        JdbcSessionStore.of(postgres.pool()).close();
        postgres.sql("DROP TABLE perdure_question", "DROP TABLE perdure_blob", "DROP TABLE perdure_key");
        assertUnusable(
                () -> JdbcSessionStore.of(postgres.pool()),
                "lacks perdure_question, perdure_blob, perdure_key",
                "from one backup");
    }

    @Test
    void everyTableThatIsMade_isLookedForAtOpen_andNamedInFailures() {
        JdbcSessionStore.of(postgres.pool()).close();
        assertThat(postgres.query(
                                "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = '"
                                        + postgres.schema() + "' AND tablename <> 'perdure_schema'")
                        .split(","))
                .containsExactlyInAnyOrderElementsOf(
                        Tables.OF_SESSIONS.stream().map(Tables.STANDARD::named).toList());
    }

    @Test
    void strongSettings_areSaidInTheGuarantees() {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            assertThat(store.guarantees().processCrash()).isTrue();
            assertThat(store.guarantees().powerLoss()).isTrue();
            assertThat(store.guarantees().onceSafe()).isTrue();
        }
    }

    @Test
    void anotherIsolationLevel_isRefused() {
        try (HikariDataSource strict =
                postgres.pool(Map.of("options", "-c default_transaction_isolation=serializable"))) {
            assertUnusable(() -> JdbcSessionStore.of(strict), "serializable", "default_transaction_isolation");
        }
    }

    @Test
    void connectionsWithAutocommitOff_areRefused_soThatNoTransactionSwallowsAnAppend() {
        HikariConfig config = new HikariConfig();
        config.setDataSource(postgres.pool());
        config.setAutoCommit(false);
        try (HikariDataSource manual = new HikariDataSource(config)) {
            assertThatThrownBy(() -> JdbcSessionStore.of(manual))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("autocommit");
        }
    }

    @Test
    void userWithoutRightsOnTheTables_isToldWhatToGrant_andTheSchemaIsLeftAsItIs() {
        JdbcSessionStore.of(postgres.pool()).close();
        String role = "reader_of_" + postgres.schema();
        postgres.sql("CREATE ROLE " + role, "GRANT USAGE ON SCHEMA " + postgres.schema() + " TO " + role);
        try (HikariDataSource poor = postgres.pool(Map.of("options", "-c role=" + role))) {
            assertUnusable(() -> JdbcSessionStore.of(poor), "grant SELECT, INSERT, UPDATE and DELETE");
        } finally {
            postgres.sql("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    @Test
    void userWithoutRightsToMakeTables_isEnough_onceTheyAreThere() {
        JdbcSessionStore.of(postgres.pool()).close();
        String role = "worker_of_" + postgres.schema();
        postgres.sql(
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA " + postgres.schema() + " TO " + role,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + postgres.schema() + " TO " + role);
        try (HikariDataSource worker = postgres.pool(Map.of("options", "-c role=" + role));
                SessionStore store = JdbcSessionStore.of(worker)) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            assertThat(store.append(lease, end(store, ID), batch(note("x")))).isInstanceOf(Appended.Ok.class);
            assertThat(store.delete(ID)).isTrue();
        } finally {
            postgres.sql("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    @Test
    void readOnlyServer_isRead_andSaysSoWhenItIsWritten() {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
        }
        try (HikariDataSource standby = postgres.pool(Map.of("options", "-c default_transaction_read_only=on"));
                SessionStore store = JdbcSessionStore.of(standby)) {
            assertThat(log(store, ID)).hasSize(1);
            assertUnusable(() -> store.post(ID, message("k")), "can only be read", "primary");
        }
    }

    @Test
    void leasesAreRenewed_whileEverybodyElseWaitsForAConnection() throws SQLException {
        try (HikariDataSource small = postgres.pool(2);
                SessionStore store = JdbcSessionStore.of(small)) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            List<Connection> taken = everyConnectionOf(small);
            try {
                assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                        .extracting(Renewal::state)
                        .containsExactly(Renewal.State.HELD);
            } finally {
                for (Connection connection : taken) {
                    connection.close();
                }
            }
        }
    }

    private static List<Connection> everyConnectionOf(HikariDataSource pool) {
        List<Connection> taken = new ArrayList<>();
        while (true) {
            try {
                taken.add(pool.getConnection());
            } catch (SQLException none) {
                return taken;
            }
        }
    }

    @Test
    void leaseWhoseRowIsLocked_isSkipped_notLost() throws SQLException {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            try (Connection other = postgres.pool().getConnection()) {
                other.setAutoCommit(false);
                other.createStatement().execute("SELECT 1 FROM perdure_session FOR UPDATE");
                assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                        .extracting(Renewal::state)
                        .containsExactly(Renewal.State.SKIPPED);
                other.rollback();
            }
            assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                    .extracting(Renewal::state)
                    .containsExactly(Renewal.State.HELD);
        }
    }

    @Test
    void everyConnectionCut_isUnavailable_retryable_andTheSameAppendIsRecognised() {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            Position start = end(store, ID);
            SessionStore.Batch batch = batch(note("x"));
            assertThat(store.append(lease, start, batch)).isInstanceOf(Appended.Ok.class);

            postgres.cutConnections();

            assertThat(retried(() -> store.append(lease, start, batch))).isInstanceOf(Appended.Duplicate.class);
            assertThat(log(store, ID)).hasSize(2);
        }
    }

    private static Appended retried(java.util.function.Supplier<Appended> append) {
        for (int i = 0; i < 50; i++) {
            try {
                return append.get();
            } catch (StoreException e) {
                assertThat(e.retryable()).isTrue();
            }
        }
        throw new AssertionError("never succeeded");
    }

    @Test
    void databaseOfAnEarlierVersion_getsTheTablesThatCameSince_andKeepsItsSessions() {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
        }
        postgres.sql("DROP TABLE perdure_snapshot", "DROP TABLE perdure_key");
        postgres.sql("DELETE FROM perdure_schema WHERE version > 1");

        try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            Lease lease = held(store, ID, WorkerId.random());
            SessionStore.Snapshot snapshot = new SessionStore.Snapshot(end(store, ID), "{}");
            assertThat(store.saveSnapshot(lease, snapshot)).isTrue();
            assertThat(store.snapshot(ID)).contains(snapshot);
        }
        assertThat(postgres.query("SELECT count(*) FROM perdure_schema")).isEqualTo(KNOWN);
    }

    @Test
    void newerSchema_isRefused_withBothVersions() {
        JdbcSessionStore.of(postgres.pool()).close();
        postgres.sql("INSERT INTO perdure_schema VALUES (42, 'V42__later.sql', 40, 0)");

        assertUnusable(
                () -> JdbcSessionStore.of(postgres.pool()),
                "version 42",
                "at least version 40",
                "up to " + KNOWN,
                "upgrade");
    }

    @Test
    void processesThatOpenAtTheSameTime_makeTheTablesOnce() {
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 6; i++) {
            Thread thread = new Thread(() -> {
                try {
                    JdbcSessionStore.of(postgres.pool()).close();
                } catch (Throwable e) {
                    failures.add(e);
                }
            });
            thread.start();
            threads.add(thread);
        }
        threads.forEach(PostgresFaultTest::join);

        assertThat(failures).isEmpty();
        assertThat(postgres.query("SELECT count(*) FROM perdure_schema")).isEqualTo(KNOWN);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void closedStore_leavesThePoolOfTheApplicationOpen() throws SQLException {
        JdbcSessionStore.of(postgres.pool()).close();

        try (Connection connection = postgres.pool().getConnection()) {
            assertThat(connection.isValid(1)).isTrue();
        }
    }

    private static void assertUnusable(ThrowingCallable call, String... words) {
        assertThatThrownBy(call)
                .isInstanceOf(StoreException.class)
                .hasMessageContainingAll(words)
                .matches(e -> !((StoreException) e).retryable(), "is not retryable");
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Operator;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Renewal;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What can be wrong with a MariaDB server: each says what it is and what to do, and nothing is lost. */
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class MariaDbFaultTest {
    private final MariaDb mariadb = MariaDb.empty();

    @TempDir
    Path folder;

    @AfterEach
    void drop() {
        mariadb.close();
    }

    @Test
    void settingsThatLoseAcknowledgedEvents_areRefused_unlessAcceptedByName() throws SQLException {
        try (MariaServer weak = MariaServer.start(
                folder, "--innodb-flush-log-at-trx-commit=2", "--log-bin", "--innodb-doublewrite=OFF")) {
            sql(weak, "CREATE DATABASE sessions");
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(weak.url("sessions"));
            config.setUsername("root");
            config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
            config.setMaximumPoolSize(4);
            try (HikariDataSource pool = new HikariDataSource(config)) {
                JdbcOptions options = JdbcOptions.standard();
                assertUnusable(
                        () -> JdbcSessionStore.of(pool, JdbcOptions.standard()),
                        "innodb_flush_log_at_trx_commit=2",
                        "accept(Weakness.LOG_NOT_FLUSHED_AT_COMMIT)",
                        "innodb_doublewrite=",
                        "accept(Weakness.DOUBLEWRITE_OFF)",
                        "sync_binlog=0",
                        "accept(Weakness.BINARY_LOG_NOT_SYNCED)");
                JdbcOptions flush = options.accept(Weakness.LOG_NOT_FLUSHED_AT_COMMIT);
                assertUnusable(
                        () -> JdbcSessionStore.of(pool, flush),
                        "innodb_doublewrite=",
                        "accept(Weakness.DOUBLEWRITE_OFF)");
                JdbcOptions pages = flush.accept(Weakness.DOUBLEWRITE_OFF);
                assertUnusable(
                        () -> JdbcSessionStore.of(pool, pages),
                        "sync_binlog=0",
                        "accept(Weakness.BINARY_LOG_NOT_SYNCED)");
                try (SessionStore store = JdbcSessionStore.of(pool, pages.accept(Weakness.BINARY_LOG_NOT_SYNCED))) {
                    assertThat(store.guarantees().processCrash()).isTrue();
                    assertThat(store.guarantees().powerLoss()).isFalse();
                    assertThat(store.guarantees().onceSafe()).isFalse();
                    assertThat(store.guarantees().notes()).anyMatch(note -> note.contains("sync_binlog=0"));
                }
                sql(weak, "SET GLOBAL binlog_format = 'STATEMENT'");
                pool.getHikariPoolMXBean().softEvictConnections();
                assertUnusable(
                        () -> JdbcSessionStore.of(pool, pages.accept(Weakness.BINARY_LOG_NOT_SYNCED)),
                        "binlog_format = STATEMENT",
                        "ROW or MIXED");
            }
        }
    }

    private static void sql(MariaServer server, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(server.url(""), "root", "")) {
            connection.createStatement().execute(sql);
        }
    }

    @Test
    void schemaThatIsNotThere_isNamed_withWhatToDo() {
        assertUnusable(
                () -> JdbcSessionStore.of(mariadb.pool(), JdbcOptions.standard().schema("nowhere")),
                "no schema nowhere",
                "CREATE SCHEMA nowhere");
    }

    @Test
    void olderSchema_andAUserWhoMayNotChangeTables_isRefused_withBothVersionsAndTheScript() {
        JdbcSessionStore.of(mariadb.pool()).close();
        mariadb.sql("DROP TABLE perdure_snapshot", "DELETE FROM perdure_schema WHERE version > 1");
        String user = "worker_of_" + mariadb.database();
        mariadb.sql(
                "CREATE USER " + user,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON " + mariadb.database() + ".* TO " + user);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(MariaDb.url(mariadb.database()));
        config.setUsername(user);
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        try (HikariDataSource worker = new HikariDataSource(config)) {
            assertUnusable(() -> JdbcSessionStore.of(worker), "has schema version 1", "needs 3", "ddl --from 1");
        } finally {
            mariadb.sql("DROP USER " + user);
        }
    }

    @Test
    void tableThatIsMissing_isNamedAtOpen_andTablesWithoutTheirSchemasTableToo() {
        JdbcSessionStore.of(mariadb.pool()).close();
        mariadb.sql("DROP TABLE perdure_question");
        assertUnusable(() -> JdbcSessionStore.of(mariadb.pool()), "lacks perdure_question", "from one backup");

        mariadb.sql("DROP TABLE perdure_schema");
        assertUnusable(() -> JdbcSessionStore.of(mariadb.pool()), "has a table perdure_session, but no perdure_schema");
    }

    @Test
    void strongSettings_areSaidInTheGuarantees() {
        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            assertThat(store.guarantees().processCrash()).isTrue();
            assertThat(store.guarantees().powerLoss()).isTrue();
            assertThat(store.guarantees().onceSafe()).isTrue();
        }
    }

    @Test
    void isolationLevelOfTheServersDefault_isRefused_withTheRemedy() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(MariaDb.url(mariadb.database()));
        config.setUsername("root");
        try (HikariDataSource pool = new HikariDataSource(config)) {
            assertUnusable(() -> JdbcSessionStore.of(pool), "REPEATABLE-READ", "TRANSACTION_READ_COMMITTED");
        }
    }

    @Test
    void modeThatCutsOffWhatIsTooLong_isRefused() {
        try (HikariDataSource lax = mariadb.pool(2, Map.of("sql_mode", "''"))) {
            assertUnusable(() -> JdbcSessionStore.of(lax), "sql_mode", "STRICT_TRANS_TABLES");
        }
    }

    @Test
    void commitThatBeginsAnotherTransaction_isRefused_forWhatFollowsWouldBeAcknowledgedAndNeverCommitted() {
        try (HikariDataSource pool = mariadb.pool(4, Map.of("completion_type", "1"))) {
            assertUnusable(() -> JdbcSessionStore.of(pool), "completion_type = CHAIN", "NO_CHAIN");
        }
    }

    @Test
    void connectionsWithAutocommitOff_areRefused_soThatNoTransactionSwallowsAnAppend() {
        HikariConfig config = new HikariConfig();
        config.setDataSource(mariadb.pool());
        config.setAutoCommit(false);
        try (HikariDataSource manual = new HikariDataSource(config)) {
            assertThatThrownBy(() -> JdbcSessionStore.of(manual))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("autocommit");
        }
    }

    @Test
    void userWithoutRightsToMakeTables_isEnough_onceTheyAreThere() {
        JdbcSessionStore.of(mariadb.pool()).close();
        String user = "worker_of_" + mariadb.database();
        mariadb.sql(
                "CREATE USER " + user,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON " + mariadb.database() + ".* TO " + user);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(MariaDb.url(mariadb.database()));
        config.setUsername(user);
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        config.setMaximumPoolSize(4);
        try (HikariDataSource worker = new HikariDataSource(config);
                SessionStore store = JdbcSessionStore.of(worker)) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            assertThat(store.append(lease, end(store, ID), batch(note("x")))).isInstanceOf(Appended.Ok.class);
            mariadb.sql("REVOKE DELETE ON " + mariadb.database() + ".* FROM " + user);
            // Only who comes anew has lost it.
            worker.getHikariPoolMXBean().softEvictConnections();
            assertUnusable(() -> store.delete(ID), "grant SELECT, INSERT, UPDATE and DELETE");
        } finally {
            mariadb.sql("DROP USER " + user);
        }
    }

    @Test
    void leaseWhoseRowIsLocked_isSkipped_notLost_andNobodyWhoLooksForWorkWaits() throws SQLException {
        SessionId other = SessionId.of("acme", "other");
        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            opened(store, ID);
            opened(store, other);
            store.post(other, message("k"));
            Lease lease = held(store, ID, WorkerId.random());
            try (Connection frozen = mariadb.pool().getConnection()) {
                frozen.setAutoCommit(false);
                frozen.createStatement().execute("SELECT 1 FROM perdure_session FOR UPDATE");
                assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                        .extracting(Renewal::state)
                        .containsExactly(Renewal.State.SKIPPED);
                assertThat(ready(store, WorkerId.random())).isEmpty();
                frozen.rollback();
            }
            assertThat(store.renew(List.of(lease), Duration.ofSeconds(15)))
                    .extracting(Renewal::state)
                    .containsExactly(Renewal.State.HELD);
            assertThat(ready(store, WorkerId.random()))
                    .extracting(Lease::session)
                    .containsExactly(other);
        }
    }

    @Test
    void everyConnectionCut_isUnavailable_retryable_andTheSameAppendIsRecognised() {
        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            Position start = end(store, ID);
            SessionStore.Batch batch = release(SessionStatus.WAITING, 0);
            assertThat(store.append(lease, start, batch)).isInstanceOf(Appended.Ok.class);

            mariadb.cutConnections();

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
    void namesThatDifferOnlyInSpacesAtTheirEnds_orInCase_areTwo() {
        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            opened(store, SessionId.of("acme", "a"));
            opened(store, SessionId.of("acme", "a "));
            opened(store, SessionId.of("acme", "A"));
            opened(store, SessionId.of("acme ", "a"));

            assertThat(mariadb.query("SELECT count(*) FROM perdure_session")).isEqualTo("4");
        }
    }

    @Test
    void statementLargerThanTheServerTakes_isRefused_withTheRemedy_andTheSessionGoesOn() {
        mariadb.sql("SET GLOBAL max_allowed_packet = 1048576");
        try (HikariDataSource pool = mariadb.pool(4, Map.of());
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            assertUnusable(() -> store.blobs().put(ID, new byte[3_000_000]), "max_allowed_packet");

            BlobRef small = store.blobs().put(ID, new byte[300_000]);
            assertThat(store.blobs().find(ID, small)).isPresent();
        } finally {
            mariadb.sql("SET GLOBAL max_allowed_packet = 16777216");
        }
    }

    @Test
    void messagesThatAreLargerTogetherThanTheServerTakes_areAllApplied_andMoveToAnotherName() throws Exception {
        mariadb.sql("SET GLOBAL max_allowed_packet = 1048576");
        try (HikariDataSource pool = mariadb.pool(4, Map.of());
                SessionStore store = JdbcSessionStore.of(pool)) {
            opened(store, ID);
            for (int i = 0; i < 8; i++) {
                store.post(ID, Messages.text("k" + i, "x".repeat(300_000)));
            }
            Operator operator = Operator.of(store);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            operator.exportSession(ID, out);
            SessionId copy = SessionId.of("acme", "copy");
            assertThat(operator.importSession(new ByteArrayInputStream(out.toByteArray()), copy))
                    .isEqualTo(Operator.Imported.DONE);
            assertThat(store.inbox(copy, 0, 100)).hasSize(8);

            // What waits for a turn when the session ends is applied together.
            operator.end(ID, "over", Actor.user("ann"));
            Agent agent = Agent.builder(AGENT)
                    .model(ScriptedModel.answering(request -> Step.text("done")))
                    .build();
            try (AgentRuntime runtime =
                    AgentRuntime.builder(store).agents(agent).quarantineAfter(1).build()) {
                Eventually.await(
                        "the session ends",
                        () -> runtime.operator().find(ID).orElseThrow().status() == SessionStatus.ENDED);
            }
            assertThat(log(store, ID))
                    .filteredOn(recorded -> recorded.event() instanceof Event.InputReceived)
                    .hasSize(8);
        } finally {
            mariadb.sql("SET GLOBAL max_allowed_packet = 16777216");
        }
    }

    @Test
    void processesThatOpenAtTheSameTime_makeTheTablesOnce() {
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Thread thread = new Thread(() -> {
                try {
                    JdbcSessionStore.of(mariadb.pool()).close();
                } catch (Throwable e) {
                    failures.add(e);
                }
            });
            thread.start();
            threads.add(thread);
        }
        threads.forEach(MariaDbFaultTest::join);

        assertThat(failures).isEmpty();
        assertThat(mariadb.query("SELECT count(*) FROM perdure_schema"))
                .isEqualTo(String.valueOf(
                        new MariaDialect(false, true).migrations().size()));
    }

    @Test
    void tablesThatAnotherProcessMakesForLong_areWaitedFor_andThenItIsUnavailable_notDoneBesideIt()
            throws SQLException {
        Function<Dialect, Dialect> impatient = dialect -> (Dialect) Proxy.newProxyInstance(
                Dialect.class.getClassLoader(),
                new Class<?>[] {Dialect.class},
                (proxy, method, arguments) -> method.getName().equals("schemaLock")
                        ? ((String) method.invoke(dialect)).replace(", 60)", ", 0)")
                        : method.invoke(dialect, arguments));
        try (Connection other = mariadb.pool().getConnection()) {
            other.createStatement().execute("SELECT get_lock('perdure_schema', 10)");
            assertThatThrownBy(() -> JdbcSessionStore.of(
                            mariadb.pool(),
                            JdbcOptions.standard(),
                            new Server.Wiring(impatient::apply, Statements::new, true)))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("by another process")
                    .matches(e -> ((StoreException) e).retryable(), "is retryable");
            assertThat(mariadb.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = '"
                            + mariadb.database() + "'"))
                    .isEqualTo("0");
            other.createStatement().execute("SELECT release_lock('perdure_schema')");
        }
    }

    @Test
    void tablesThatAProcessLeftHalfMade_areFinishedByTheNext() {
        JdbcSessionStore.of(mariadb.pool()).close();
        mariadb.sql("DELETE FROM perdure_schema", "DROP TABLE perdure_question", "DROP TABLE perdure_blob");

        try (SessionStore store = JdbcSessionStore.of(mariadb.pool())) {
            opened(store, ID);
            store.blobs().put(ID, new byte[1]);
            assertThat(store.questions(ID.tenant(), null, 10)).isEmpty();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertUnusable(ThrowingCallable call, String... words) {
        assertThatThrownBy(call)
                .isInstanceOf(StoreException.class)
                .hasMessageContainingAll(words)
                .matches(e -> !((StoreException) e).retryable(), "is not retryable");
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.logging;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.query;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How many statements each verb costs: counted, because on a database server each is a round trip. */
class SqliteStatementTest {
    private final SqliteStore.Statistics statistics = new SqliteStore.Statistics();
    private final WorkerId ann = WorkerId.random();

    @TempDir
    Path folder;

    private SessionStore store;

    @BeforeEach
    void open() {
        store = JdbcSessionStore.sqlite(folder.resolve("s.db"), SqliteOptions.standard(), logging(statistics));
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void appendOfEvents_isOneStatement_andNeverTouchesTheSessionsRow() throws SQLException {
        Lease lease = held(store, ID, ann);
        Position start = end(store, ID);
        String before = query(folder.resolve("s.db"), ROW);

        List<String> one = statistics.during(() -> store.append(lease, start, batch(note("a"), note("b"), note("c"))));

        assertThat(one).singleElement().asString().startsWith("INSERT INTO perdure_event");
        assertThat(query(folder.resolve("s.db"), ROW)).isEqualTo(before);
    }

    private static final String ROW = "SELECT status || fence || owner || lease_until || attempts || claim_seq"
            + " || retry_at || ready_at || inbox_head || changed_at FROM perdure_session";

    @Test
    void appendWithRelease_isTwoStatements() {
        Lease lease = held(store, ID, ann);
        Position start = end(store, ID);

        assertThat(statistics.during(() -> store.append(lease, start, release(SessionStatus.IDLE, 0))))
                .hasSize(2);
    }

    @Test
    void post_isTwoStatements_andFourWithItsClaim() {
        assertThat(statistics.during(() -> store.post(ID, message("k")))).hasSize(2);
        assertThat(statistics.during(() -> store.postAndClaim(ID, message("k2"), SessionStore.Terms.of(ann))))
                .hasSize(4);
    }

    @Test
    void claim_isTwoStatements() {
        assertThat(statistics.during(() -> held(store, ID, ann))).hasSize(2);
    }

    @Test
    void open_ofASessionThatIsThere_writesNothing() {
        assertThat(statistics.during(() -> opened(store, ID)))
                .singleElement()
                .asString()
                .startsWith("SELECT");
    }

    @Test
    void renewalOfManyLeases_isOneStatement() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            leases.add(held(store, opened(store, SessionId.of("acme", "s" + i)), ann));
        }

        assertThat(statistics.during(() -> store.renew(leases, Duration.ofSeconds(15))))
                .singleElement()
                .asString()
                .contains("UPDATE perdure_session");
    }

    @Test
    void waitingSessions_causeNoWrites_andNoStatementNamesThem_whileAWorkerPolls() throws SQLException {
        SessionId waiting = opened(store, SessionId.of("acme", "waiting"));
        Lease lease = held(store, waiting, ann);
        store.append(lease, end(store, waiting), release(SessionStatus.WAITING, 0));
        Path file = folder.resolve("s.db");
        String version = query(file, "PRAGMA data_version");
        String before = query(file, "SELECT group_concat(name || status || changed_at) FROM perdure_session");

        List<String> polls = statistics.during(() -> {
            for (int i = 0; i < 20; i++) {
                assertThat(ready(store, ann)).isEmpty();
            }
        });

        assertThat(polls).isNotEmpty().allMatch(sql -> sql.startsWith("SELECT"));
        assertThat(polls).noneMatch(sql -> sql.contains("WAITING") || sql.contains("waiting"));
        assertThat(query(file, "SELECT group_concat(name || status || changed_at) FROM perdure_session"))
                .isEqualTo(before);
        assertThat(query(file, "PRAGMA data_version")).isEqualTo(version);
    }

    @Test
    void pollsAndRenewals_useIndexes_notAScanOfAllSessions() throws SQLException {
        Statements sql = new Statements(new SqliteDialect());
        String poll = sql.candidates(false, false).replace("<agents>", "'support'");
        assertThat(plan(poll))
                .contains("perdure_session_ready", "perdure_session_running")
                .doesNotContain("SCAN s\n");
        assertThat(plan(sql.renew(2))).contains("SEARCH perdure_session USING INTEGER PRIMARY KEY");
        assertThat(plan(sql.owners())).contains("perdure_session_running");
        assertThat(plan(sql.append(1))).contains("SEARCH s USING INTEGER PRIMARY KEY");
        assertThat(plan(sql.consume().replace("<positions>", "1"))).contains("perdure_inbox_todo");
    }

    private String plan(String sql) throws SQLException {
        String bound = sql.replaceAll(":[a-zA-Z]+[0-9]*", "1");
        StringBuilder plan = new StringBuilder();
        try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("s.db"));
                var statement = connection.createStatement();
                var row = statement.executeQuery("EXPLAIN QUERY PLAN " + bound)) {
            while (row.next()) {
                plan.append(row.getString("detail")).append('\n');
            }
        }
        return plan.toString();
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** How many statements each verb costs, and that none scans all sessions. */
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class MariaDbStatementTest {
    private final SqliteStore.Statistics statistics = new SqliteStore.Statistics();
    private final WorkerId ann = WorkerId.random();
    private final MariaDb mariadb = MariaDb.empty();
    private SessionStore store;

    @BeforeEach
    void open() {
        store = JdbcSessionStore.of(statistics.apply(mariadb.pool()));
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
        mariadb.close();
    }

    @Test
    void appendOfEvents_isOneStatement() {
        Lease lease = held(store, ID, ann);
        Position start = end(store, ID);

        List<String> one = statistics.during(() -> store.append(lease, start, batch(note("a"), note("b"), note("c"))));

        assertThat(one).singleElement().asString().startsWith("INSERT INTO perdure_event");
    }

    @Test
    void renewalOfManyLeases_isThreeStatements_noneOfThemInATransaction() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            leases.add(held(store, opened(store, SessionId.of("acme", "s" + i)), ann));
        }

        assertThat(statistics.during(() -> store.renew(leases, Duration.ofSeconds(15))))
                .hasSize(3);
    }

    @Test
    void waitingSessions_causeNoWrites_andNoStatementNamesThem_whileAWorkerPolls() {
        SessionId waiting = opened(store, SessionId.of("acme", "waiting"));
        store.append(held(store, waiting, ann), end(store, waiting), release(SessionStatus.WAITING, 0));

        List<String> polls = statistics.during(() -> {
            for (int i = 0; i < 20; i++) {
                assertThat(ready(store, ann)).isEmpty();
            }
        });

        assertThat(polls).hasSize(20).allMatch(sql -> sql.startsWith("SELECT"));
        assertThat(polls).noneMatch(sql -> sql.contains("WAITING") || sql.contains("waiting"));
    }

    @Test
    void pollsAndAppends_useIndexes_notAScanOfAllSessions() {
        for (int i = 0; i < 200; i++) {
            opened(store, SessionId.of("acme", "s" + i));
        }
        Statements sql = new Statements(new MariaDialect(false, true));
        mariadb.sql("ANALYZE TABLE perdure_session, perdure_event");
        assertThat(mariadb.rowsOf(
                        "EXPLAIN " + bound(sql.candidates(false, false).replace("<agents>", "'support'"))))
                .filteredOn(row -> row.contains("| s |"))
                .isNotEmpty()
                .allMatch(row -> row.contains("perdure_session_ready") && !row.contains("| ALL |"));
        held(store, ID, ann);
        String append = sql.append(1)
                .replace("RETURNING at", "")
                .replace(":afterId", "X'" + mariadb.query("SELECT hex(id) FROM perdure_event WHERE session = 1") + "'")
                .replace(":fence", mariadb.query("SELECT fence FROM perdure_session WHERE id = 1"))
                .replace(":owner", "'" + ann.value() + "'");
        assertThat(mariadb.rowsOf("EXPLAIN " + bound(append)))
                .filteredOn(row -> row.contains("| s |") || row.contains("| e |"))
                .isNotEmpty()
                .allMatch(row -> row.contains("| const |"));
    }

    private static String bound(String sql) {
        return sql.replaceAll(":(event0|afterId|body0)", "''")
                .replaceAll(":(type0|owner)", "'x'")
                .replaceAll(":[a-zA-Z]+[0-9]*", "1");
    }
}

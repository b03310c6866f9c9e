package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.session.CallId;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Snapshot;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How many statements each verb costs. Each commits itself, so that each is one round trip, and none is left open by a process that is frozen. */
class PostgresStatementTest {
    private final SqliteStore.Statistics statistics = new SqliteStore.Statistics();
    private final WorkerId ann = WorkerId.random();
    private final Postgres postgres = Postgres.empty();
    private SessionStore store;

    @BeforeEach
    void open() {
        store = JdbcSessionStore.of(statistics.apply(postgres.pool()));
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
        postgres.close();
    }

    @Test
    void appendOfEvents_isOneStatement_andNeverWritesTheSessionsRow() {
        Lease lease = held(store, ID, ann);
        Position start = end(store, ID);
        String version = postgres.query("SELECT ctid FROM perdure_session");

        List<String> one = statistics.during(() -> store.append(lease, start, batch(note("a"), note("b"), note("c"))));

        assertThat(one).singleElement().asString().startsWith("INSERT INTO perdure_event");
        assertThat(postgres.query("SELECT ctid FROM perdure_session")).isEqualTo(version);
    }

    @Test
    void appendWithAllThatCanGoWithIt_isOneStatement() {
        store.post(ID, message("k"));
        Lease lease = held(store, ID, ann);
        Question question = new Question(
                new QuestionId(ID, "q"),
                Question.Kind.APPROVAL,
                CallId.of(EventId.random(), 0),
                "pay",
                "{}",
                "May I pay?",
                Instant.EPOCH);
        Position start = end(store, ID);
        Batch all = new Batch(
                List.of(note("a")),
                List.of(1L),
                List.of(question),
                List.of("other"),
                "next",
                new Release(SessionStatus.WAITING, 1));

        List<String> statements = statistics.during(
                () -> assertThat(store.append(lease, start, all)).isInstanceOf(Appended.Ok.class));

        assertThat(statements).hasSize(1);
        assertThat(store.inbox(ID, 0, 10)).isEmpty();
        assertThat(store.findQuestion(question.id())).isPresent();
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.WAITING);
        assertThat(store.find(ID).orElseThrow().agent()).isEqualTo("next");
    }

    @Test
    void snapshot_isOneStatementToKeepAndOneToRead_andNeverWritesTheSessionsRow() {
        Lease lease = held(store, ID, ann);
        Position end = end(store, ID);
        String version = postgres.query("SELECT ctid FROM perdure_session");
        Snapshot snapshot = new Snapshot(end, "{}");

        assertThat(statistics.during(() -> store.saveSnapshot(lease, snapshot))).hasSize(1);
        assertThat(statistics.during(() -> assertThat(store.snapshot(ID)).contains(snapshot)))
                .hasSize(1);

        assertThat(postgres.query("SELECT ctid FROM perdure_session")).isEqualTo(version);
    }

    @Test
    void post_isOneStatement_andThreeWithItsClaim() {
        assertThat(statistics.during(() -> store.post(ID, message("k")))).hasSize(1);
        assertThat(statistics.during(() -> store.postAndClaim(ID, message("k2"), SessionStore.Terms.of(ann))))
                .hasSize(3);
    }

    @Test
    void claim_isTwoStatements() {
        assertThat(statistics.during(() -> held(store, ID, ann))).hasSize(2);
    }

    @Test
    void renewalOfManyLeases_isOneStatement() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            leases.add(held(store, opened(store, SessionId.of("acme", "s" + i)), ann));
        }

        assertThat(statistics.during(() -> store.renew(leases, Duration.ofSeconds(15))))
                .hasSize(1);
    }

    /** From the first reply to the next request: everything that is sent counts, whoever sends it. */
    @Test
    void toolStepWithOneCall_isTwoRoundTrips() {
        List<Integer> atModelCall = new ArrayList<>();
        ScriptedModel model = ScriptedModel.answering(request -> {
            atModelCall.add(statistics.count());
            return atModelCall.size() == 1 ? Step.call("look", "{}") : Step.text("done");
        });
        Agent agent = Agent.builder(AGENT)
                .model(model)
                .tool(Tool.pure("look", "", Json.class, (in, call) -> "seen"))
                .build();
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).workers(0).build()) {
            runtime.open(SessionId.of("acme", "turn"), AGENT).send("hi").await();
        }

        assertThat(atModelCall).hasSize(2);
        assertThat(atModelCall.get(1) - atModelCall.get(0)).isEqualTo(2);
    }

    @Test
    void waitingSessions_causeNoWrites_andNoStatementNamesThem_whileAWorkerPolls() {
        SessionId waiting = opened(store, SessionId.of("acme", "waiting"));
        Lease lease = held(store, waiting, ann);
        store.append(lease, end(store, waiting), release(SessionStatus.WAITING, 0));
        String before = postgres.query("SELECT string_agg(name || ctid || xmin, ',' ORDER BY id) FROM perdure_session");

        List<String> polls = statistics.during(() -> {
            for (int i = 0; i < 20; i++) {
                assertThat(ready(store, ann)).isEmpty();
            }
        });

        assertThat(polls).hasSize(20).allMatch(sql -> sql.startsWith("WITH RECURSIVE tenants"));
        assertThat(polls).noneMatch(sql -> sql.contains("WAITING") || sql.contains("waiting"));
        assertThat(postgres.query("SELECT string_agg(name || ctid || xmin, ',' ORDER BY id) FROM perdure_session"))
                .isEqualTo(before);
    }

    @Test
    void pollsAndAppends_useIndexes_notAScanOfAllSessions() {
        Statements sql = new Statements(new PostgresDialect());
        assertThat(plan(sql.candidates(false, false).replace("<agents>", "'support'")))
                .contains("perdure_session_ready", "perdure_session_running")
                .doesNotContain("Seq Scan");
        assertThat(plan(sql.append(1))).contains("perdure_event_pkey").doesNotContain("Seq Scan");
    }

    /** Else each page of a long log costs as much as the whole rest of it. */
    @Test
    void pageAndEndOfALog_areReadFromTheIndex_withoutSortingTheRest() {
        postgres.sql(
                "INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)"
                        + " SELECT 1, n, '', 0, 0, 0, 'x', 0, 0, repeat('x', 900)::bytea FROM generate_series(2, 5000) n",
                "ANALYZE");
        assertThat(plan(Log.READ)).contains("perdure_event_pkey").doesNotContain("Sort");
        assertThat(plan(Log.HEAD)).contains("perdure_event_pkey").doesNotContain("Sort");
    }

    private String plan(String sql) {
        String bound = sql.replaceAll(":(event0|afterId|body0)", "''::bytea")
                .replaceAll(":(type0|owner|tenant|name)", "'x'")
                .replaceAll("(?<!:):[a-zA-Z]+[0-9]*", "1");
        return postgres.plan(bound);
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Operator;
import dev.perdure.RuntimeListener;
import dev.perdure.session.Actor;
import dev.perdure.session.CallId;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Snapshot;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever a database refuses, and whatever its driver says of it: what people, models and tools said is in no exception of the store, in none of its causes,
 * and in no line of the log. Every field of every call has a marker in it; bodies are stored in clear, so that the database can quote them.
 */
abstract class NoContentInFaultsContract {
    static final String MARKER = "Gr8Secret";
    /** Some of what is tried here meets a lock. */
    static final Duration BUSY = Duration.ofMillis(250);

    private static final SessionId OTHER = SessionId.of("acme", "other");
    private static final SessionId COPY = SessionId.of("acme", "copy");

    private JdbcSessionStore store;
    private Lease lease;
    private Position end;
    private byte[] export;
    final List<Throwable> thrown = new ArrayList<>();

    abstract JdbcSessionStore open() throws SQLException;

    abstract Connection connection() throws SQLException;

    abstract void sql(String... statements) throws SQLException;

    /** Makes each insert into the table, and each update of it, fail with what was to be written in the message, as far as this database can. */
    abstract void refuseWrites(String table, String column) throws SQLException;

    /** Makes each insert into the table fail by a constraint that a row breaks; nothing where that cannot be added. */
    abstract void refuseRows(String table) throws SQLException;

    @BeforeEach
    void begin() throws Exception {
        store = open();
        store.open(new NewSession(ID, AGENT, Map.of("label", MARKER), opened()));
        store.post(ID, post(MARKER + "-first"));
        lease = held(store, ID, WorkerId.random());
        store.append(
                lease,
                end(store, ID),
                new Batch(List.of(note(MARKER)), List.of(), List.of(question("q")), List.of(), null, null));
        store.blobs().put(ID, MARKER.getBytes(UTF_8));
        end = end(store, ID);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Operator.of(store).exportSession(ID, out);
        export = out.toByteArray();
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static Draft opened() {
        return Draft.of(EventId.random(), 0, new Event.SessionOpened(AGENT, Map.of("label", MARKER)));
    }

    private static Post post(String key) {
        return new Post(key, Event.InputKind.MESSAGE, Actor.user(MARKER), Json.of(Map.of("text", MARKER)));
    }

    private static Question question(String key) {
        return new Question(
                new QuestionId(ID, key),
                Question.Kind.APPROVAL,
                new CallId(EventId.random() + "/0"),
                "refund",
                "{\"order\":\"" + MARKER + "\"}",
                "May support call refund " + MARKER,
                Instant.EPOCH);
    }

    /** All that carries content, each by itself. */
    final void doEverything() {
        attempt(() -> store.open(new NewSession(OTHER, AGENT, Map.of("label", MARKER), opened())));
        attempt(() -> store.post(ID, post(MARKER + "-second")));
        attempt(() -> store.post(ID, post(MARKER + "\u0000")));
        attempt(() -> store.post(ID, post(MARKER + "\ud800")));
        attempt(() -> store.postAndClaim(ID, post(MARKER + "-third"), Terms.of(WorkerId.random())));
        attempt(this::postWithin);
        attempt(() -> store.inbox(ID, 0, 10));
        attempt(() -> store.append(lease, end, Batch.of(List.of(note(MARKER)))));
        attempt(() -> store.append(
                lease,
                end(store, ID),
                new Batch(List.of(note(MARKER)), List.of(1L), List.of(question("r")), List.of(), null, null)));
        attempt(() -> store.read(ID, 0, 10));
        attempt(() -> store.saveSnapshot(lease, new Snapshot(end, "{\"a\":\"" + MARKER + "\"}")));
        attempt(() -> store.snapshot(ID));
        attempt(() -> store.blobs().put(ID, (MARKER + "2").getBytes(UTF_8)));
        attempt(() -> store.questions(ID.tenant(), question("a"), 10));
        attempt(() -> store.findQuestion(new QuestionId(ID, MARKER)));
        attempt(() -> store.renew(List.of(lease), Duration.ofSeconds(15)));
        attempt(() -> Operator.of(store).importSession(new ByteArrayInputStream(export), COPY));
        attempt(() -> store.append(
                lease,
                end(store, ID),
                new Batch(
                        List.of(note(MARKER)),
                        List.of(),
                        List.of(question("s")),
                        List.of("q"),
                        null,
                        new Release(SessionStatus.IDLE, 9))));
    }

    private interface Call {
        void run() throws SQLException, IOException;
    }

    private void attempt(Call call) {
        try {
            call.run();
        } catch (SQLException | IOException | RuntimeException e) {
            thrown.add(e);
        }
    }

    private void postWithin() throws SQLException {
        try (Connection connection = connection()) {
            connection.setAutoCommit(false);
            try {
                store.post(connection, ID, post(MARKER + "-within"));
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "session, labels",
        "event, body",
        "inbox, idem_key",
        "question, arguments",
        "snapshot, body",
        "blob, body",
    })
    void columnThatIsGone_isToldWithoutContent(String table, String column) throws SQLException {
        sql("ALTER TABLE perdure_" + table + " RENAME COLUMN " + column + " TO gone");
        doEverything();
        assertToldWithoutContent(table);
    }

    @ParameterizedTest
    @CsvSource({"event", "inbox", "question", "snapshot", "blob"})
    void tableThatIsGone_isToldWithoutContent(String table) throws SQLException {
        sql("DROP TABLE perdure_" + table);
        doEverything();
        assertToldWithoutContent(table);
    }

    @ParameterizedTest
    @CsvSource({
        "session, labels",
        "event, body",
        "inbox, idem_key",
        "question, arguments",
        "snapshot, body",
        "blob, body",
    })
    void triggerThatQuotesTheRow_isToldWithoutContent(String table, String column) throws SQLException {
        refuseWrites("perdure_" + table, column);
        doEverything();
        assertToldWithoutContent(table);
    }

    @ParameterizedTest
    @CsvSource({"session", "event", "inbox", "question", "snapshot", "blob"})
    void constraintThatARowBreaks_isToldWithoutContent(String table) throws SQLException {
        refuseRows("perdure_" + table);
        doEverything();
        assertToldWithoutContent(table);
    }

    @Test
    void keyThatIsThereAlready_isToldWithoutContent() throws SQLException {
        sql("DELETE FROM perdure_question");
        sql("CREATE UNIQUE INDEX once ON perdure_inbox (actor)", "CREATE UNIQUE INDEX one ON perdure_event (fence)");
        doEverything();
        assertToldWithoutContent("");
    }

    @Test
    void logOfARuntime_saysWhatIsWrong_withoutContent() throws Exception {
        sql("ALTER TABLE perdure_question RENAME COLUMN arguments TO gone");
        SessionId id = SessionId.of("acme", "run");
        CountDownLatch failed = new CountDownLatch(2);
        Agent agent = Agent.builder("teller")
                .model(ScriptedModel.answering(request -> Step.call("refund", "{\"order\":\"" + MARKER + "\"}")))
                .tool(Tool.idempotent("refund", "", Json.class, (in, call) -> in)
                        .approval(Approval.required()))
                .build();
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        PrintStream err = System.err;
        System.setErr(new PrintStream(log, true, UTF_8));
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent)
                .listener(new RuntimeListener() {
                    @Override
                    public void onRunFailed(SessionId session, Throwable error) {
                        failed.countDown();
                    }
                })
                .build()) {
            runtime.open(id, "teller").send(MARKER);
            assertThat(failed.await(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            System.setErr(err);
        }
        assertThat(log.toString(UTF_8)).contains("run broke off", "database");
        assertWithoutContent(log.toString(UTF_8));
    }

    final void assertToldWithoutContent(String table) {
        assertThat(thrown).as("failures for " + table).isNotEmpty();
        for (Throwable e : thrown) {
            StringWriter text = new StringWriter();
            e.printStackTrace(new PrintWriter(text));
            assertWithoutContent(text.toString());
        }
    }

    /** Nor in the forms in which bytes are printed. */
    private static void assertWithoutContent(String text) {
        byte[] bytes = MARKER.getBytes(UTF_8);
        List<String> numbers = new ArrayList<>();
        for (byte b : bytes) {
            numbers.add(Byte.toString(b));
        }
        assertThat(text)
                .doesNotContain(MARKER, String.join(", ", numbers))
                .doesNotContain("May support call", "binding");
        assertThat(text.toLowerCase(Locale.ROOT)).doesNotContain(HexFormat.of().formatHex(bytes));
    }
}

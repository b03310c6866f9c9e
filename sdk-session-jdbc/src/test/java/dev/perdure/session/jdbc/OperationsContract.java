package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.Eventually.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.RuntimeListener;
import dev.perdure.model.ModelException;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.CallId;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Problem;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.TenantId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.KeySource;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The commands of {@code docs/operations.md}, as they stand there, on a database that they are meant for. */
@Timeout(120)
abstract class OperationsContract {
    private static final Logger log = LoggerFactory.getLogger(OperationsContract.class);
    private static final SessionId ID = SessionId.of("acme", "ticket-4711");
    private static final TenantId ACME = ID.tenant();
    private static final SessionId OTHER = SessionId.of("globex", "order-1");
    private static final WorkerId WORKER = new WorkerId("0b7e3a52-6b1c-4f0e-9a55-2f6c1d0e7a11");
    private static final String AGENT = SqliteStore.AGENT;

    private final List<SessionStore> open = new ArrayList<>();

    abstract SessionStore opened(BodyCodec codec);

    abstract Connection connection() throws SQLException;

    abstract void drop();

    /** The text of a query of the page, for this database. */
    abstract String query(String name);

    @AfterEach
    void close() {
        open.forEach(SessionStore::close);
        drop();
    }

    private SessionStore store(BodyCodec codec) {
        SessionStore store = opened(codec);
        open.add(store);
        return store;
    }

    private SessionStore store() {
        return store(BodyCodec.plain());
    }

    /** Columns between spaces; a number of seconds that is not 0 as {@code some}. */
    private List<String> rows(String query) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection connection = connection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query(query))) {
            while (row.next()) {
                List<String> columns = new ArrayList<>();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    boolean seconds = row.getMetaData().getColumnLabel(i).endsWith("seconds");
                    columns.add(seconds ? seconds(row.getDouble(i)) : String.valueOf(row.getString(i)));
                }
                rows.add(String.join(" ", columns));
            }
        }
        return rows;
    }

    private static String seconds(double value) {
        return value < -60 ? "past" : value < 60 ? "now" : "long";
    }

    private void sql(String sql) throws SQLException {
        try (Connection connection = connection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** As if two minutes had gone by since. */
    private void age() throws SQLException {
        sql("UPDATE perdure_session SET ready_at = ready_at - 120000, changed_at = changed_at - 120000,"
                + " lease_until = lease_until - 120000");
        sql("UPDATE perdure_event SET at = at - 120000");
        sql("UPDATE perdure_question SET asked_at = asked_at - 120000");
    }

    private static SessionId opened(SessionStore store, SessionId id) {
        return SqliteStore.opened(store, id);
    }

    private static long fence(SessionStore store, SessionId id) {
        return SqliteStore.held(store, id, WORKER).fence();
    }

    private static void quarantine(SessionStore store, SessionId id) {
        Terms once = new Terms(WORKER, Duration.ofMillis(1), 1, Duration.ZERO, Duration.ZERO);
        assertThat(store.claim(id, once)).isInstanceOf(Claimed.Held.class);
        await("set aside", () -> store.claim(id, once) instanceof Claimed.Quarantined);
    }

    private static void ask(SessionStore store, SessionId id, Question.Kind kind) {
        EventId event = EventId.random();
        CallId call = CallId.of(event, 0);
        Question question = new Question(
                new QuestionId(id, call.toString()), kind, call, "refund", "{}", "?", java.time.Instant.EPOCH);
        store.append(
                SqliteStore.held(store, id, WORKER),
                SqliteStore.end(store, id),
                new Batch(
                        List.of(SqliteStore.note("asked")),
                        List.of(),
                        List.of(question),
                        List.of(),
                        null,
                        new Release(SessionStatus.WAITING, 0)));
    }

    // ------------------------------------------------------------------ find

    @Test
    void tenants_areListed_withHowTheirSessionsStand() throws SQLException {
        SessionStore store = store();
        opened(store, ID);
        opened(store, OTHER);
        store.post(OTHER, SqliteStore.message("m"));
        opened(store, SessionId.of("gone", "s"));
        store.delete(SessionId.of("gone", "s"));
        assertThat(rows("tenants")).containsExactly("acme IDLE 1", "globex READY 1");
    }

    @Test
    void backlog_isWhatNobodyHasTaken_byTenantAndAgent() throws SQLException {
        SessionStore store = store();
        store.post(opened(store, ID), SqliteStore.message("m"));
        store.post(opened(store, SessionId.of("acme", "ticket-2")), SqliteStore.message("m"));
        opened(store, OTHER);
        assertThat(rows("backlog")).containsExactly("acme support 2 now");
        age();
        assertThat(rows("backlog")).containsExactly("acme support 2 long");
    }

    @Test
    void stuck_areThoseSetAside_andWhatNobodyTakesUpOrOver() throws SQLException {
        SessionStore store = store();
        SessionId ready = opened(store, SessionId.of("acme", "ready"));
        store.post(ready, SqliteStore.message("m"));
        SessionId running = opened(store, SessionId.of("acme", "running"));
        long fence = fence(store, running);
        assertThat(rows("stuck")).isEmpty();

        age();
        quarantine(store, opened(store, ID));
        opened(store, OTHER);

        assertThat(rows("stuck"))
                .contains(
                        "acme ready support READY null 0 0 long",
                        "acme running support RUNNING " + WORKER + " " + fence + " 1 long")
                .hasSize(3)
                .last()
                .asString()
                .startsWith("acme ticket-4711 support QUARANTINED " + WORKER)
                .endsWith(" 1 now");
    }

    @Test
    void waiting_saysForWhichQuestion_andSinceWhen() throws SQLException {
        SessionStore store = store();
        ask(store, opened(store, ID), Question.Kind.IN_DOUBT);
        String call = store.questions(ACME, null, 1).get(0).call().toString();
        opened(store, OTHER);
        store.append(
                SqliteStore.held(store, OTHER, WORKER),
                SqliteStore.end(store, OTHER),
                SqliteStore.release(SessionStatus.WAITING, 0));
        age();
        assertThat(rows("waiting"))
                .containsExactlyInAnyOrder(
                        "acme ticket-4711 support IN_DOUBT refund " + call + " long",
                        "globex order-1 support null null null long");
    }

    @Test
    void last_isWhatTheHeldAndTheSetAsideDid() throws SQLException {
        SessionStore store = store();
        long fence = fence(store, opened(store, ID));
        opened(store, OTHER);
        assertThat(rows("last"))
                .containsExactly("acme ticket-4711 support RUNNING " + WORKER + " " + fence + " SessionOpened now");
        quarantine(store, OTHER);
        age();
        assertThat(rows("last"))
                .hasSize(2)
                .allMatch(row -> row.endsWith(" SessionOpened long"))
                .anyMatch(row -> row.startsWith("globex order-1 support QUARANTINED"));
    }

    @Test
    void owners_areThoseWhoHold_theGoneOnesFirst() throws SQLException {
        SessionStore store = store();
        fence(store, opened(store, ID));
        age();
        WorkerId alive = new WorkerId("alive");
        SqliteStore.held(store, opened(store, OTHER), alive);
        assertThat(rows("owners")).containsExactly(WORKER + " 1 past", "alive 1 now");
    }

    /** The process that holds a session has written down the fence that its row has. */
    @Test
    void fenceOfARow_leadsToTheProcessThatTookIt() {
        SessionStore store = store();
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        RuntimeListener holder = new RuntimeListener() {
            @Override
            public void onClaimed(SessionId session, long fence, boolean takenOver) {
                log.info(
                        "{} fence {} pid {}",
                        session,
                        fence,
                        ProcessHandle.current().pid());
            }
        };
        RuntimeListener kept = new RuntimeListener() {
            @Override
            public void onClaimed(SessionId session, long fence, boolean takenOver) {
                lines.add(session + " " + fence);
            }
        };
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent(ScriptedModel.replies("hello")))
                .listener(holder.andThen(kept))
                .build()) {
            settled(runtime, ID);
        }
        try (Connection connection = connection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT fence FROM perdure_session")) {
            assertThat(row.next()).isTrue();
            assertThat(lines).contains(ID + " " + row.getLong(1));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    // ------------------------------------------------------------------ look

    private static Agent agent(ScriptedModel model) {
        return Agent.builder(AGENT).model(model).build();
    }

    private static Outcome settled(AgentRuntime runtime, SessionId id) {
        return runtime.open(id, AGENT)
                .send("hello")
                .await(Duration.ofSeconds(60))
                .orElseThrow();
    }

    @Test
    void look_tellsQuestionsCostAndTheLastError() throws SQLException {
        SessionStore store = store();
        ScriptedModel model =
                ScriptedModel.replies(Step.text("hello"), Step.failure(ModelException.Kind.AUTH), Step.text("again"));
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(model.cost("0.0003")))) {
            settled(runtime, ID);
            assertThat(settled(runtime, ID)).isInstanceOf(Outcome.Failed.class);
            settled(runtime, OTHER);
        }
        SessionId id = ID;
        TenantId tenant = id.tenant();

        Operator operator = Operator.of(store);
        SessionView view = SessionView.of(id, operator.history(id)); // the whole log; empty: unknown, or deleted
        List<Question> open = view.questions();
        Cost cost = view.cost(); // of all turns; source() says how sure it is
        long tokens = view.usage().total(); // input and output
        Problem lastError = null;
        for (Recorded recorded : view.events()) {
            if (recorded.event() instanceof Event.ModelFailed failed) {
                lastError = failed.problem();
            } else if (recorded.event() instanceof Event.TurnEnded end && end.problem() != null) {
                lastError = end.problem();
            }
        }

        BigDecimal spent = BigDecimal.ZERO;
        for (SessionInfo session : operator.sessions(tenant)) {
            spent = spent.add(SessionView.of(session.id(), operator.history(session.id()))
                    .cost()
                    .usd());
        }

        assertThat(open).isEmpty();
        assertThat(cost.usd()).isEqualByComparingTo("0.0003");
        assertThat(tokens).isPositive();
        assertThat(problem(lastError).kind()).isEqualTo("auth");
        assertThat(spent).isEqualByComparingTo("0.0003");
        assertThat(rows("cost"))
                .extracting(row -> row.substring(0, row.indexOf(' ')))
                .containsExactlyInAnyOrder("acme", "globex");
        assertThat(rows("cost"))
                .allSatisfy(row -> assertThat(new BigDecimal(row.substring(row.indexOf(' ') + 1)))
                        .isEqualByComparingTo("0.0003"));
        assertThat(rows("events").stream().map(row -> row.split(" ", -1)[2]))
                .startsWith("TurnEnded", "ModelFailed")
                .endsWith("TurnStarted", "SessionOpened");
    }

    private static Problem problem(@Nullable Problem problem) {
        assertThat(problem).isNotNull();
        return Objects.requireNonNull(problem);
    }

    // ------------------------------------------------------------------ repair

    @Test
    void end_isQueued_andAPurgeBeforeAWorkerHasItRemovesNothing() {
        SessionStore store = store();
        opened(store, ID);
        Operator operator = Operator.of(store);
        operator.end(ID, "solved", Actor.user("ann"));
        assertThat(status(store, ID)).isEqualTo(SessionStatus.READY);
        assertThat(operator.purge(Retention.of(Duration.ZERO))).isZero();

        try (AgentRuntime runtime = AgentRuntime.open(store, agent(ScriptedModel.replies("")))) {
            assertThat(runtime.find(ID)).isPresent();
            await("ended", () -> status(store, ID) == SessionStatus.ENDED);
        }
        assertThat(operator.purge(Retention.of(Duration.ZERO))).isEqualTo(1);
    }

    @Test
    void endOfAQuarantinedSession_waitsForResume() {
        SessionStore store = store();
        SessionId id = opened(store, ID);
        quarantine(store, id);
        Operator operator = Operator.of(store);
        Actor ann = Actor.user("ann");
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(ScriptedModel.replies("")))) {
            runtime.operator().end(id, "first", ann);
            assertThat(status(store, id)).isEqualTo(SessionStatus.QUARANTINED);

            operator.resume(id, ann);
            operator.end(id, "duplicate of ticket-4712", ann);

            await("ended", () -> status(store, id) == SessionStatus.ENDED);
        }
    }

    @Test
    void deleteOfAQuarantinedSession_needsNoWorker() {
        SessionStore store = store();
        quarantine(store, opened(store, ID));
        assertThat(Operator.of(store).delete(ID)).isTrue();
        assertThat(status(store, ID)).isEqualTo(SessionStatus.DELETED);
    }

    /** The end is there when the doubt is settled, not before. */
    @Test
    void endOfASessionInDoubt_waitsForTheAnswer() {
        SessionStore store = store();
        TenantId tenant = ACME;
        Actor ann = Actor.user("ann");
        Tool refund = Tool.once("refund", "", Json.class, (in, call) -> {
                    throw new InterruptedException();
                })
                .noProbe();
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.replies(Step.call("refund", "{}"), Step.text("refunded")))
                .tool(refund)
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(settled(runtime, ID)).isInstanceOf(Outcome.Waiting.class);
            Operator operator = runtime.operator();
            operator.end(ID, "solved", ann);
            await(
                    "interrupted, and waiting again",
                    () -> SqliteStore.log(store, ID).stream()
                                    .anyMatch(recorded -> recorded.event() instanceof Event.Interrupted)
                            && status(store, ID) == SessionStatus.WAITING);

            for (Question question : operator.questions(tenant)) {
                if (question.kind() == Question.Kind.IN_DOUBT) {
                    operator.answer(question.id(), Answer.happened("refund 88 is in the ledger", "looked it up"), ann);
                }
            }

            await("ended", () -> status(store, ID) == SessionStatus.ENDED);
        }
    }

    private static SessionStatus status(SessionStore store, SessionId id) {
        return store.find(id).orElseThrow().status();
    }

    // ------------------------------------------------------------------ keys

    private static BodyCodec encrypting(KeySource.Key current, KeySource.Key... others) {
        return BodyCodec.plain().encrypt(KeySource.of(current, others));
    }

    private void fill(SessionStore store, SessionId id) {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(ScriptedModel.replies("hello")))) {
            assertThat(settled(runtime, id)).isInstanceOf(Outcome.Done.class);
        }
    }

    @Test
    void keysInUse_areFoundBySql_andAnExportAndImportLeavesTheOldOneBehind() throws Exception {
        fill(store(encrypting(Keys.FIRST)), ID);
        assertThat(rows("keys")).containsExactly("2026-01 acme 1 ticket-4711");

        SessionStore store = store(encrypting(Keys.SECOND, Keys.FIRST));
        fill(store, OTHER);
        assertThat(rows("keys")).containsExactly("2026-01 acme 1 ticket-4711", "2026-02 globex 1 order-1");

        fill(store, ID);
        assertThat(rows("keys"))
                .containsExactly(
                        "2026-01 acme 1 ticket-4711", "2026-02 acme 1 ticket-4711", "2026-02 globex 1 order-1");

        writtenAnew(store, ID);
        assertThat(rows("keys")).containsExactly("2026-02 acme 1 ticket-4711", "2026-02 globex 1 order-1");
        SessionStore fresh = store(encrypting(Keys.SECOND));
        assertThat(Operator.of(fresh).history(ID)).isNotEmpty();
        fill(fresh, ID);
    }

    private static void writtenAnew(SessionStore store, SessionId id) throws IOException {
        Operator operator = Operator.of(store);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        operator.exportSession(id, file); // keep it until the import says DONE
        operator.delete(id);
        operator.purge(Retention.of(Duration.ZERO).tenant(id.tenant()).status(SessionStatus.DELETED)); // frees all
        operator.importSession(new ByteArrayInputStream(file.toByteArray()));
    }

    @Test
    void consumedInput_keepsItsKeyInUse_byItsHash() throws SQLException {
        fill(store(encrypting(Keys.FIRST)), ID);
        sql("DELETE FROM perdure_event");
        assertThat(rows("keys")).containsExactly("2026-01 acme 1 ticket-4711");
    }

    @Test
    void wrongBytesUnderAnId_areAnErrorWhenReading_andGoOnWriting() {
        fill(store(encrypting(Keys.FIRST)), ID);
        SessionStore wrong = store(encrypting(Keys.key("2026-01", 7)));
        assertThatThrownBy(() -> Operator.of(wrong).history(ID))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("cannot be decrypted with key 2026-01");
        fill(wrong, OTHER);
        assertThat(Operator.of(wrong).history(OTHER)).isNotEmpty();
    }

    @Test
    void missingKey_isAnErrorWhenReading_andSessionsAreListedAndDeletedWithoutIt() {
        fill(store(encrypting(Keys.FIRST)), ID);
        SessionStore missing = store(encrypting(Keys.SECOND));
        Operator operator = Operator.of(missing);
        assertThatThrownBy(() -> operator.history(ID))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("2026-01, which the key source does not have");
        assertThat(operator.sessions(ACME)).extracting(SessionInfo::id).containsExactly(ID);
        assertThat(operator.delete(ID)).isTrue();
    }

    @Test
    void secondEncrypt_replacesTheFirst() {
        SessionStore store =
                store(BodyCodec.plain().encrypt(KeySource.of(Keys.FIRST)).encrypt(KeySource.of(Keys.SECOND)));
        fill(store, ID);
        assertThat(Operator.of(store(encrypting(Keys.SECOND))).history(ID)).isNotEmpty();
    }
}

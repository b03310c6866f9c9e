package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Position;
import dev.perdure.session.Problem;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.testkit.TestClock;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code docs/session-format.md} shows what is really stored. {@code -Dperdure.docs=write} writes it anew. */
class SessionFormatTest {
    private static final Path PAGE = Path.of("..", "docs", "session-format.md");
    private static final SessionId ID = SessionId.of("acme", "ticket-4711");
    private static final EventId FIRST = EventId.parse("00000000-0000-4000-8000-000000000001");
    private static final EventId SECOND = EventId.parse("00000000-0000-4000-8000-000000000002");
    private static final CallId CALL = CallId.of(SECOND, 0);
    private static final String APPROVAL = CALL.toString();
    private static final String IN_DOUBT = CALL + "#1";
    private static final WorkerId WORKER = new WorkerId("0b7e3a52-6b1c-4f0e-9a55-2f6c1d0e7a11");
    private static final WorkerId OTHER = new WorkerId("5d2f9c11-3e4a-4c0b-8d66-7a1b2c3d4e5f");
    private static final Actor ANN = Actor.user("ann");
    private static final BlobRef BLOB = new BlobRef(Hashes.hex(new byte[] {1, 2, 3}), 3);
    private static final Usage USAGE = new Usage(1200, 40, 1000, 0);
    private static final Cost COST = new Cost(new BigDecimal("0.00031"), Cost.Source.HEADER);

    @TempDir
    Path folder;

    @Test
    void page_showsWhatIsStored() throws Exception {
        String page = page();
        if ("write".equals(System.getProperty("perdure.docs"))) {
            Files.writeString(PAGE, page);
        }
        assertThat(PAGE).hasContent(page);
    }

    @Test
    void page_showsEveryEventType() {
        Set<String> shown = events().map(Event::type).collect(Collectors.toSet());
        assertThat(Stream.of(Event.class.getPermittedSubclasses())
                        .map(Class::getSimpleName)
                        .filter(name -> !name.equals("Unknown")))
                .allMatch(shown::contains);
    }

    @Test
    void shownEvents_areReadBack() {
        events().forEach(event -> assertThat(Event.of(event.json())).isEqualTo(event));
    }

    /** The page makes its questions itself; the keys are the engine's. */
    @Test
    void shownQuestionKeys_areThoseOfTheEngine() {
        Tool refund = Tool.once("refund", "", Json.class, (in, call) -> {
                    throw new InterruptedException();
                })
                .noProbe();
        assertThat(questionKey(refund)).isEqualTo(IN_DOUBT);
        assertThat(questionKey(refund.approval(Approval.required()))).isEqualTo(APPROVAL);
    }

    /** Key of the first question of a call of {@code tool}, as if the call were the page's. */
    private static String questionKey(Tool tool) {
        Agent agent = Agent.builder("support")
                .model(ScriptedModel.replies(Step.call("refund", "{}")))
                .tool(tool)
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), agent)) {
            Turn turn = runtime.open(ID, "support").send("refund it");
            Outcome.Waiting waiting = turn.await(Duration.ofSeconds(10))
                    .flatMap(Outcome::findWaiting)
                    .orElseThrow();
            Question question = waiting.questions().get(0);
            return question.id().key().replace(question.call().toString(), CALL.toString());
        }
    }

    private static Stream<Event> events() {
        return Stream.of(
                new Event.SessionOpened("support", Map.of("plan", "gold")),
                new Event.TurnStarted("support", "1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                new Event.InputReceived(
                        "evt-1",
                        Event.InputKind.MESSAGE,
                        Event.Disposition.APPLIED,
                        ANN,
                        List.of(new Part.Text("Refund order 4711"))),
                new Event.ModelReplied(
                        Event.Purpose.ANSWER,
                        1,
                        List.of(new Part.ToolUse("call_8", "refund", "{\"orderId\":\"4711\",\"cents\":1900}")),
                        "tool_calls",
                        USAGE,
                        COST,
                        "gpt-5-mini",
                        "azure-eu",
                        "gw-17",
                        840,
                        null),
                new Event.ModelFailed(
                        Event.Purpose.ANSWER,
                        1,
                        new Problem("rate_limit", "try again in 2 s", true, 429, "gw-16"),
                        true),
                new Event.CallsRequested(
                        List.of(new Event.CallsRequested.Requested("search", Json.of(Map.of("query", "4711")))), true),
                new Event.ToolStarted(
                        CALL, "refund", 1, Effect.IDEMPOTENT, ID + "/" + CALL, Hashes.hex("{\"cents\":1900}")),
                new Event.ToolFinished(CALL, "refund", 1, Event.CallOutcome.OK, "refunded", BLOB, 310),
                new Event.ToolInDoubt(CALL, "refund", 1, "the worker died while it ran"),
                new Event.ToolResolved(CALL, "refund", 1, Event.Resolution.HAPPENED, ANN, "seen in the ledger"),
                new Event.QuestionAsked(
                        APPROVAL, Question.Kind.APPROVAL, CALL, "refund", "{\"cents\":1900}", "refund 19.00?"),
                new Event.QuestionAsked(
                        IN_DOUBT, Question.Kind.IN_DOUBT, CALL, "refund", "{\"cents\":1900}", "did it take effect?"),
                new Event.QuestionAnswered(APPROVAL, Question.Kind.APPROVAL, CALL, Answer.accept("within policy"), ANN),
                new Event.NoteKept("plan", Json.of(List.of("refund", "mail"))),
                new Event.ArtifactSaved("invoice.pdf", 2, BLOB, "application/pdf"),
                new Event.SandboxBound("kubernetes", Json.of(Map.of("pod", "agents/s-1")), "first tool that needs it"),
                new Event.SandboxLost("kubernetes", Json.of(Map.of("pod", "agents/s-1")), "evicted"),
                new Event.HandedOff("support", "billing"),
                new Event.TakenOver(OTHER, 1767225600000L, WORKER, 1767225615000L),
                new Event.HandedBack(WORKER, "shutdown"),
                new Event.StoreRegressed(7, 9, false),
                new Event.Interrupted(ANN, "wrong order"),
                new Event.WaitStarted(Event.WaitFor.ANSWER, List.of(APPROVAL)),
                new Event.TurnEnded(Event.TurnOutcome.DONE, "Refunded.", null, 2, 1, USAGE, COST),
                new Event.SessionEnded(ANN, "solved"));
    }

    private String page() throws SQLException {
        StringBuilder page = new StringBuilder("""
                # What is stored, and where

                This page is generated by `SessionFormatTest`, which fails when it is not true. The tables are those of SQLite,
                and PostgreSQL's have the same names and columns; `sdk-session-jdbc/src/main/resources/dev/perdure/session/jdbc/` has the DDL of
                both with its reasons. Times are
                milliseconds since 1970 UTC by the store's clock.

                | where | what | written by |
                |---|---|---|
                | `perdure_session` | one row for each session: who holds it, what it waits for | open, claim, renew, post, release, delete |
                | `perdure_event` | the log: the only truth | append; never changed, only deleted with its session |
                | `perdure_inbox` | what was sent; `consumed` is the number of the event that took it, its body is then emptied, its key stays taken | post, append |
                | `perdure_question` | index of open questions | append |
                | `perdure_blob` | results and artifacts too large for the log, once for each session | `blobs().put` |
                | `perdure_schema` | which migrations ran | open |
                | `<file>-workers/*.lock` | one file for each live worker, locked by it | first claim of a worker |

                A deleted session keeps its row with status `DELETED`, so that its name stays taken; all its other rows are gone.

                ## An example row of each table

                """);
        for (String table : store()) {
            page.append(table);
        }
        page.append("## Events\n\n");
        page.append(
                        "The `body` of an event is this JSON in UTF-8 (`codec` 0). `progress` is 1 for what resets the count of fruitless")
                .append(
                        " claims.\nA reader ignores fields it does not know and keeps types it does not know, unless they say")
                .append(" `\"critical\":true`.\n\n```json\n");
        events().forEach(event -> page.append(event.json().text()).append('\n'));
        return page.append("```\n\n")
                .append(
                        "`ModelFailed` has `usage` and `cost` too when the model may have worked all the same; a `usage` that nobody")
                .append(" reported says\n`\"estimated\":true`.\n")
                .toString();
    }

    /** A session with one of everything, and its rows. */
    private List<String> store() throws SQLException {
        Path file = folder.resolve("sessions.db");
        TestClock clock = TestClock.create();
        try (SessionStore store =
                JdbcSessionStore.sqlite(file, SqliteOptions.standard().clock(clock))) {
            Event opened = new Event.SessionOpened("support", Map.of("plan", "gold"));
            store.open(new NewSession(ID, "support", Map.of("plan", "gold"), Draft.of(FIRST, 0, opened)));
            store.post(
                    ID, new Post("evt-1", Event.InputKind.MESSAGE, ANN, Json.of(Map.of("text", "Refund order 4711"))));
            Lease lease = SqliteStore.held(store, ID, WORKER);
            Question question = new Question(
                    new QuestionId(ID, APPROVAL),
                    Question.Kind.APPROVAL,
                    CALL,
                    "refund",
                    "{\"cents\":1900}",
                    "refund 19.00?",
                    clock.instant());
            Draft note = Draft.of(SECOND, 1, new Event.NoteKept("order", Json.of("4711")));
            store.append(
                    lease,
                    new Position(1, FIRST),
                    new Batch(List.of(note), List.of(), List.of(question), List.of(), null, null));
            store.blobs().put(ID, new byte[] {1, 2, 3});
        }
        return List.of(
                rows(file, "perdure_session"),
                rows(file, "perdure_event"),
                rows(file, "perdure_inbox"),
                rows(file, "perdure_question"),
                rows(file, "perdure_blob"),
                rows(file, "perdure_schema"));
    }

    private static String rows(Path file, String table) throws SQLException {
        StringBuilder text = new StringBuilder("`" + table + "`\n\n| column | value |\n|---|---|\n");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT * FROM " + table + " ORDER BY 1 DESC, 2 DESC LIMIT 1")) {
            ResultSetMetaData columns = row.getMetaData();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                text.append("| ").append(columns.getColumnName(i)).append(" | ");
                text.append(value(row.getObject(i))).append(" |\n");
            }
        }
        return text.append('\n').toString();
    }

    private static String value(Object value) {
        if (value == null) {
            return "";
        }
        if (value instanceof byte[] bytes) {
            String plain = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
            boolean readable = plain.startsWith("{");
            return "`" + (readable ? plain : "x'" + HexFormat.of().formatHex(bytes) + "'") + "`";
        }
        return "`" + value + "`";
    }
}

package dev.perdure.session.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;
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
import dev.perdure.session.SessionView;
import dev.perdure.session.Usage;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.KeySource;
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
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
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

    private static final byte[] KEY = ones();
    private static final BodyCodec CODEC = BodyCodec.plain().encrypt(KeySource.of(KeySource.Key.of("2026-01", KEY)));

    /** Written once; the nonce is random. */
    private static final String ENCODED =
            "f50207323032362d30317e7b05f297e0684fdbfc30ec4b01ca674a9a2182a2a693952f7bc34001d68cad8b0a7a8b72420d9b"
                    + "c103fd7e08df79b6acd981df189b2fca4f0bd9db6c0413d9e49d74e7ccc3ec3d6dfdbdcb4cd1349dd9e8a8";

    @TempDir
    Path folder;

    private static byte[] ones() {
        byte[] ones = new byte[32];
        Arrays.fill(ones, (byte) 1);
        return ones;
    }

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
                        null,
                        Json.parse(
                                "{\"gateway\":{\"group\":\"gpt-5-mini\",\"retries\":0,\"overheadMillis\":21.8},\"reply\":{\"id\":\"chatcmpl-8\"}}")),
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
                | `perdure_snapshot` | what the log of a session came to at some event, so that a resume need not read all of it: a cache, any row may be deleted | the session's holder, now and then |
                | `perdure_blob` | results and artifacts too large for the log, once for each session | `blobs().put` |
                | `perdure_key` | the ids of keys that bodies of a tenant were encrypted with, each with a proof, which tells nothing of the key | first use of a key |
                | `perdure_schema` | which migrations ran | open |
                | `<file>-workers/*.lock` | one file for each live worker, locked by it | first claim of a worker |

                A deleted session leaves a row with status `DELETED`, so that its name stays taken, until that is purged too; all its other rows are gone. A row
                whose tenant is empty is a session that is being removed or imported at this moment, or was when its process died: nobody finds it but
                `purge`, which removes it (an import's an hour after its last commit, by `retry_at`).

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
                .append(" reported says\n`\"estimated\":true`.\n\n")
                .append(encoded())
                .toString();
    }

    private static String encoded() {
        return """
                ## Compressed and encrypted

                A store reads every form and writes the one of its `BodyCodec`; by default all is as above. `docs/decisions/0008-codec.md` has the reasons.

                | where | compressed, encrypted | never |
                |---|---|---|
                | `perdure_session` | | all, the labels too |
                | `perdure_event` | `body`; `codec` is then 1 | the rest |
                | `perdure_inbox` | `body`; `hash` is keyed when encrypted | the rest, so the key and who sent it |
                | `perdure_question` | `arguments` and `text`, in Base64 behind `perdure:` | the rest, so the tool's name |
                | `perdure_blob` | `body`; `sha256` is keyed when encrypted | `size`, of the bytes before |

                | bytes of a body | |
                |---|---|
                | 1 | `F5`, with which no UTF-8 begins; a blob that does is compressed, whatever it saves |
                | 1 | 1 compressed, 2 encrypted, 3 first compressed and then encrypted |
                | 1 and n | encrypted: length of the key's id, and the id |
                | 12 | encrypted: nonce |
                | the rest | encrypted: AES-256-GCM with a tag of 16 bytes; compressed: the length before in 4 bytes, then a zlib stream |

                - The keys of a session are 64 bytes of HKDF with SHA-256 from the tenant's key, the salt 32 zeros, the info `perdure session keys 1`, then tenant and
                  session name, each with its length before it. The first 32 encrypt, the others are for HMAC-SHA-256.
                - Authenticated with a body are all bytes before the nonce, then these texts, each with its length before it: tenant, session name, and
                  `event`, seq, id, turn, type; or `item`, key, kind, actor_kind, actor; or `arguments` or `text`, key, kind, call_id, tool; or `blob`, SHA-256, size.
                - A keyed `hash` is `F5`, 2, the key's id with its length, and the HMAC of `fingerprint`, a line feed, kind, a line feed, body. A keyed `sha256` is
                  the HMAC of `blob`, a line feed and the 32 bytes of the SHA-256, in hexadecimal.
                - Lengths have 4 bytes, the highest first, but for that of a key's id; numbers are in decimal.

                For example, the body of the event above under key `2026-01`, 32 bytes of 1, is `x'%s'`.
                """.formatted(ENCODED);
    }

    /** The form as the page has it, by the JVM's own means. */
    @Test
    void encodedForm_isReadWithoutThisLibrary() throws Exception {
        byte[] stored = HexFormat.of().parseHex(ENCODED);
        BodyPlace place = BodyPlace.event(ID, 2, SECOND, 1, "NoteKept");
        String note = "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"order\",\"value\":\"4711\"}";
        assertThat(CODEC.decode(place, stored)).asString().isEqualTo(note);

        assertThat(decrypted(stored)).asString().isEqualTo(note);
        assertThat(decrypted(CODEC.encode(place, note.getBytes(UTF_8))))
                .asString()
                .isEqualTo(note);
        assertThat(HexFormat.of()
                        .formatHex(CODEC.fingerprint(ID, "MESSAGE\n{\"text\":\"Refund order 4711\"}".getBytes(UTF_8))))
                .isEqualTo("f50207" + HexFormat.of().formatHex("2026-01".getBytes(UTF_8))
                        + HexFormat.of()
                                .formatHex(hmac(
                                        derived(32),
                                        "fingerprint\nMESSAGE\n{\"text\":\"Refund order 4711\"}".getBytes(UTF_8))));
    }

    private static byte[] decrypted(byte[] stored) throws Exception {
        int head = 3 + stored[2];
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                Cipher.DECRYPT_MODE, new SecretKeySpec(derived(0), "AES"), new GCMParameterSpec(128, stored, head, 12));
        cipher.updateAAD(stored, 0, head);
        cipher.updateAAD(
                texts("acme", "ticket-4711", "event", "2", SECOND.value().toString(), "1", "NoteKept"));
        return cipher.doFinal(stored, head + 12, stored.length - head - 12);
    }

    private static byte[] derived(int from) throws Exception {
        byte[] extracted = hmac(new byte[32], KEY);
        byte[] names = texts("acme", "ticket-4711");
        byte[] purpose = "perdure session keys 1".getBytes(UTF_8);
        byte[] info = ByteBuffer.allocate(purpose.length + names.length)
                .put(purpose)
                .put(names)
                .array();
        byte[] first = hmac(
                extracted,
                ByteBuffer.allocate(info.length + 1).put(info).put((byte) 1).array());
        byte[] second = hmac(
                extracted,
                ByteBuffer.allocate(33 + info.length)
                        .put(first)
                        .put(info)
                        .put((byte) 2)
                        .array());
        return from == 0 ? first : second;
    }

    private static byte[] hmac(byte[] key, byte[] bytes) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(bytes);
    }

    private static byte[] texts(String... texts) {
        ByteBuffer out = ByteBuffer.allocate(1_000);
        for (String text : texts) {
            out.putInt(text.length()).put(text.getBytes(UTF_8));
        }
        return Arrays.copyOf(out.array(), out.position());
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
            SessionView view = SessionView.of(ID, store.read(ID, 0, 10));
            store.saveSnapshot(lease, new SessionStore.Snapshot(view.position(), view.snapshot()));
        }
        return List.of(
                rows(file, "perdure_session"),
                rows(file, "perdure_event"),
                rows(file, "perdure_inbox"),
                rows(file, "perdure_question"),
                rows(file, "perdure_snapshot"),
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
            String plain = new String(bytes, UTF_8);
            boolean readable = plain.startsWith("{");
            return "`" + (readable ? plain : "x'" + HexFormat.of().formatHex(bytes) + "'") + "`";
        }
        return "`" + value + "`";
    }
}

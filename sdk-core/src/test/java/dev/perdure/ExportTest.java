package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A session as lines of JSON, and everything that may be wrong with them. */
class ExportTest {
    private static final SessionId ID = SessionId.of("acme", "ticket-4711");
    private static final SessionId COPY = SessionId.of("other", "copy");
    private static final WorkerId WORKER = new WorkerId("0b7e3a52-6b1c-4f0e-9a55-2f6c1d0e7a11");
    private static final Actor ANN = Actor.user("ann");
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private final SessionStore source = InMemorySessionStore.create(InstantSource.fixed(NOW));
    private final SessionStore target = InMemorySessionStore.create(InstantSource.fixed(NOW.plusSeconds(60)));

    // ---- there and back

    @Test
    void exportOfAnImport_isTheSameExport() throws IOException {
        waiting();
        byte[] file = export(source, ID);

        assertThat(restore(file)).isEqualTo(Operator.Imported.DONE);

        assertThat(unsealed(export(target, ID)))
                .isEqualTo(unsealed(file)
                        .replace(
                                "\"changedAt\":" + NOW.toEpochMilli(),
                                "\"changedAt\":" + (NOW.toEpochMilli() + 60_000)));
        assertThat(Sessions.log(target, ID)).isEqualTo(Sessions.log(source, ID));
    }

    /** The file of a released version: it is read for ever, and written so as long as the format has this number. */
    @Test
    void exportOfFormat1_isWrittenAndReadAsEver() throws IOException {
        waiting();
        String file = new String(export(source, ID), StandardCharsets.UTF_8);
        Files.createDirectories(Path.of("target"));
        Files.writeString(Path.of("target/export.jsonl"), file);

        assertThat(file).isEqualTo(GoldenEventsTest.golden("export.jsonl"));
        assertThat(restore(GoldenEventsTest.golden("export.jsonl").getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(Operator.Imported.DONE);
    }

    @Test
    void storedFormThatIsNotOurs_staysByteForByte() throws IOException {
        String odd = "{ \"type\":\"Later\",\n \"v\": 1, \"x\": 1.50e3 }";
        Lease lease = open(source);
        Draft later = new Draft(id(2), 0, new Event.Unknown("Later", Json.parse(odd)), odd);
        source.append(lease, new Position(1, id(1)), Batch.of(List.of(later)));
        restore(export(source, ID));

        assertThat(Sessions.log(target, ID).get(1).json()).isEqualTo(odd);
    }

    @Test
    void largeBlob_isWrittenInLinesOfBoundedLength_andComesBackWhole() throws IOException {
        byte[] large = new byte[300_000];
        new Random(1).nextBytes(large);
        BlobRef ref = saved(large);
        byte[] file = export(source, ID);

        assertThat(lines(file)).hasSize(11).allMatch(line -> line.length() < 70_000);
        restore(file);
        assertThat(target.blobs().find(ID, ref))
                .hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(large));
    }

    /** What was sent with a message and has not been read, and what was: both are named by an address, not by their hash and size. */
    @Test
    void filesOfMessages_goWithTheSession_consumedOrNot() throws IOException {
        Agent agent = Agent.builder("a")
                .model(new FakeModel(request -> FakeModel.text("seen")))
                .build();
        SessionId id = SessionId.of("acme", "with-files");
        byte[] read = "read".getBytes(StandardCharsets.UTF_8);
        byte[] waiting = "waiting".getBytes(StandardCharsets.UTF_8);
        try (AgentRuntime runtime = AgentRuntime.open(source, agent)) {
            AgentSession session = runtime.open(id, "a");
            session.send(Input.text("look").file("a.txt", "text/plain", read)).await();
        }
        try (AgentRuntime idle =
                AgentRuntime.builder(source).agents(agent).workers(0).build()) {
            idle.drain(Duration.ZERO);
            idle.open(id, "a").send(Input.text("and this").file("b.txt", "text/plain", waiting));
        }

        assertThat(restore(export(source, id))).isEqualTo(Operator.Imported.DONE);

        for (byte[] bytes : List.of(read, waiting)) {
            assertThat(target.blobs().find(id, BlobRef.of(bytes)))
                    .hasValueSatisfying(there -> assertThat(there).isEqualTo(bytes));
        }
        assertThat(target.inbox(id, 0, 10)).hasSize(1);
    }

    /** Whatever names it, also what a later version may bring; what only looks like a name of a blob does no harm. */
    @Test
    void blobNamedByAnItemOrAnUnknownEvent_goesWithTheSession() throws IOException {
        Lease lease = open(source);
        BlobRef first = source.blobs().put(ID, new byte[] {1});
        BlobRef second = source.blobs().put(ID, new byte[] {2});
        Json late = Json.of(Map.of("full", first, "note", List.of(new BlobRef("0".repeat(64), 1))));
        source.post(ID, new Post("k", Event.InputKind.LATE_RESULT, ANN, late));
        Json later = Json.of(Map.of("v", 1, "type", "Later", "parts", List.of(Map.of("image", second))));
        source.append(lease, new Position(1, id(1)), batch(Draft.of(id(2), 1, new Event.Unknown("Later", later))));
        restore(export(source, ID));

        assertThat(target.blobs().find(ID, first)).isPresent();
        assertThat(target.blobs().find(ID, second)).isPresent();
    }

    @Test
    void import_underAnotherTenantAndName_movesItsQuestionsToo() throws IOException {
        waiting();

        assertThat(Operator.of(source).importSession(new ByteArrayInputStream(export(source, ID)), COPY))
                .isEqualTo(Operator.Imported.DONE);

        assertThat(Operator.of(source).questions(COPY.tenant()))
                .extracting(Question::id)
                .containsExactly(new QuestionId(COPY, "q"));
        assertThat(Operator.of(source).questions(ID.tenant())).hasSize(1);
        assertThat(source.find(COPY).map(SessionInfo::status)).contains(SessionStatus.WAITING);
    }

    /** Its idempotency key holds the name, so that it would run a second time as another call. */
    @Test
    void import_underAnotherName_isRefusedWhileACallIsRunning() throws IOException {
        Lease lease = open(source);
        CallId call = CallId.of(id(1), 0);
        Event started = new Event.ToolStarted(call, "pay", 1, Effect.ONCE, ID + "/" + call, "00");
        source.append(lease, new Position(1, id(1)), batch(Draft.of(id(2), 1, started)));
        byte[] running = export(source, ID);
        Event finished = new Event.ToolFinished(call, "pay", 1, Event.CallOutcome.OK, "paid", null, 1);
        source.append(lease, new Position(2, id(2)), batch(Draft.of(id(3), 1, finished)));
        Operator operator = Operator.of(target);

        assertThatThrownBy(() -> operator.importSession(new ByteArrayInputStream(running), COPY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line 3")
                .hasMessageContaining(call.toString());
        assertThat(operator.importSession(new ByteArrayInputStream(running), ID))
                .isEqualTo(Operator.Imported.DONE);
        assertThat(operator.importSession(new ByteArrayInputStream(export(source, ID)), COPY))
                .isEqualTo(Operator.Imported.DONE);
    }

    @Test
    void import_ofASessionThatIsThere_orWasDeleted_isRefused() throws IOException {
        waiting();
        byte[] file = export(source, ID);
        restore(file);

        assertThat(restore(file)).isEqualTo(Operator.Imported.EXISTS);
        target.delete(ID);
        assertThat(restore(file)).isEqualTo(Operator.Imported.EXISTS);
        assertThat(target.find(ID).map(SessionInfo::status)).contains(SessionStatus.DELETED);
    }

    // ---- while it is at work

    @Test
    void exportOfARunningSession_isAPrefixOfItsLog_andWhatItsInboxWasByThen() throws IOException {
        Lease lease = open(source);
        source.post(ID, message("k1"));
        SessionStore busy = new FaultyStore(source).hook(new FaultyStore.Hook() {
            @Override
            public void after(String verb, @org.jspecify.annotations.Nullable Batch batch) {
                if (verb.equals("image")) {
                    Event note = new Event.NoteKept("n", Json.of("later"));
                    source.append(lease, new Position(1, id(1)), consuming(1, Draft.of(id(2), 1, note)));
                }
            }
        });
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        SessionInfo exported = Operator.of(busy).exportSession(ID, out).orElseThrow();
        restore(out.toByteArray());

        assertThat(exported.status()).isEqualTo(SessionStatus.RUNNING);
        assertThat(Sessions.log(source, ID)).hasSize(2);
        assertThat(Sessions.log(target, ID)).hasSize(1);
        assertThat(target.inbox(ID, 0, 10)).hasSize(1);
        assertThat(target.find(ID).map(SessionInfo::status)).contains(SessionStatus.READY);
    }

    @Test
    void sessionDeletedWhileItIsExported_makesNoExport() throws IOException {
        saved(new byte[] {1});
        for (String verb : List.of("image", "read")) {
            SessionStore other = InMemorySessionStore.create();
            Operator.of(other).importSession(new ByteArrayInputStream(export(source, ID)));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            SessionStore going = new FaultyStore(other).hook(new FaultyStore.Hook() {
                @Override
                public void after(String done, @org.jspecify.annotations.Nullable Batch batch) {
                    if (done.equals(verb)) {
                        other.delete(ID);
                    }
                }
            });

            assertThatThrownBy(() -> Operator.of(going).exportSession(ID, out))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("deleted while");
            assertThatThrownBy(() -> restore(out.toByteArray())).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void exportOfAnUnknownOrDeletedSession_isEmpty_andWritesNothing() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThat(Operator.of(source).exportSession(ID, out)).isEmpty();
        open(source);
        source.delete(ID);
        assertThat(Operator.of(source).exportSession(ID, out)).isEmpty();
        assertThat(out.size()).isZero();
    }

    @Test
    void streamThatFails_saysSo_andNothingIsMade() throws IOException {
        waiting();
        byte[] file = export(source, ID);
        OutputStream full = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("full");
            }
        };
        InputStream torn = new InputStream() {
            private int at;

            @Override
            public int read() throws IOException {
                if (at > 700) {
                    throw new IOException("torn");
                }
                return file[at++];
            }
        };

        assertThatThrownBy(() -> Operator.of(source).exportSession(ID, full))
                .isInstanceOf(IOException.class)
                .hasMessage("full");
        assertThatThrownBy(() -> Operator.of(target).importSession(torn))
                .isInstanceOf(IOException.class)
                .hasMessage("torn");
        assertThat(target.find(ID)).isEmpty();
    }

    // ---- damage

    @Test
    void fileThatWasCutShort_whereverItWas_isRefused() {
        waiting();
        byte[] file = exported();
        for (int length = 0; length < file.length; length++) {
            byte[] cut = Arrays.copyOf(file, length);

            assertThatThrownBy(() -> restore(cut))
                    .as("cut to %d bytes", length)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageMatching("(?s)line \\d+: .*");
        }
        assertThat(target.find(ID)).isEmpty();
    }

    @Test
    void fileWithOneByteChanged_whicheverItIs_isRefused() {
        waiting();
        byte[] file = exported();
        for (int at = 0; at < file.length; at++) {
            byte[] changed = file.clone();
            changed[at] ^= 1;
            int place = at;

            assertThatThrownBy(() -> restore(changed))
                    .as("byte %d", place)
                    .isInstanceOfAny(IllegalArgumentException.class, UnsupportedFormatException.class)
                    .hasMessageMatching("(?s)line \\d+: .*");
        }
        assertThat(target.list(ID.tenant(), java.util.Set.of(), "", 10)).isEmpty();
    }

    /** Sealed anew each time, so that it is not the seal which tells. */
    @Test
    void eachKindOfDamage_isAnErrorThatNamesItsLine() {
        waiting();
        List<String> whole = lines(exported());
        assertThat(whole).hasSize(9);

        refused(1, "begins with", lines -> without(lines, 0));
        refused(1, "this is no session, but a house", lines -> with(lines, 0, "\"session\"", "\"house\""));
        refused(1, "deleted session", lines -> with(lines, 0, "WAITING", "DELETED"));
        refused(1, "SessionStatus", lines -> with(lines, 0, "WAITING", "DREAMING"));
        refused(1, "tenant", lines -> with(lines, 0, "\"acme\"", "\"\""));
        refused(1, "\"fence\" is missing", lines -> with(lines, 0, "\"fence\":", "\"fences\":"));
        refused(1, "no such position", lines -> with(lines, 0, "\"events\":4", "\"events\":0"));
        refused(2, "not after 0 and up to 2", lines -> with(lines, 1, "\"item\":1", "\"item\":3"));
        refused(3, "is there already", lines -> with(lines, 2, "\"key\":\"k2\"", "\"key\":\"k1\""));
        refused(2, "not a SHA-256", lines -> with(lines, 1, "\"digest\":\"", "\"digest\":\"x"));
        refused(
                3,
                "has either a body",
                lines -> with(lines, 2, "\"consumed\":0", "\"consumed\":0,\"digest\":\"" + "0".repeat(64) + "\""));
        refused(3, "\"key\" is missing", lines -> with(lines, 2, "\"key\":", "\"keys\":"));
        refused(4, "the event 1 of 4 is missing", lines -> with(lines, 3, "\"question\":", "\"query\":"));
        refused(5, "is there already", lines -> twice(lines, 3));
        refused(5, "after event 0", lines -> without(lines, 4));
        refused(6, "after event 1", lines -> without(lines, 5));
        refused(7, "after event 2", lines -> twice(lines, 5));
        refused(6, "not JSON", lines -> with(lines, 5, "{", "["));
        refused(6, "not a JSON object", lines -> set(lines, 5, "7"));
        refused(6, "the fence of event 2", lines -> with(lines, 5, "\"fence\":1", "\"fence\":9"));
        refused(6, "no other one is", lines -> with(lines, 5, "\"type\":\"NoteKept\"", "\"type\":\"SessionOpened\""));
        refused(8, "the last one", lines -> with(lines, 7, "-000000000004", "-000000000005"));
        refused(8, "the event 4 of 4 is missing", lines -> without(lines, 7));
        refused(9, "has no place", lines -> {
            List<String> more = new ArrayList<>(lines);
            more.add(8, "{\"dream\":1}");
            return more;
        });
        refused(9, "another SHA-256", lines -> with(lines, 8, "\"end\":8", "\"end\":7"));
    }

    @Test
    void damagedBlob_isAnErrorThatNamesItsLine() {
        saved(new byte[100_000]);
        assertThat(lines(exported())).hasSize(7);

        refused(
                4,
                "others than its name",
                lines -> List.of(
                        lines.get(0),
                        lines.get(1),
                        lines.get(2),
                        "{\"blob\":\"" + "0".repeat(64) + "\",\"size\":1,\"from\":0,\"data\":\"AA==\"}",
                        lines.get(6)));
        refused(4, "goes on at 0", lines -> without(lines, 3));
        refused(5, "goes on at 49152", lines -> without(lines, 4));
        refused(6, "\"blob\" is missing", lines -> without(lines, 5));
        refused(4, "Illegal base64", lines -> with(lines, 3, "\"data\":\"A", "\"data\":\"*"));
        refused(4, "not a SHA-256", lines -> with(lines, 3, "\"blob\":\"", "\"blob\":\"x"));
        refused(7, "is there already", lines -> {
            List<String> more = new ArrayList<>(lines.subList(0, 6));
            more.addAll(lines.subList(3, 7));
            return more;
        });
    }

    @Test
    void somethingBehindTheLastLine_isRefused() {
        waiting();
        byte[] file = exported();
        byte[] longer = Arrays.copyOf(file, file.length + 3);
        longer[file.length] = '{';
        longer[file.length + 1] = '}';
        longer[file.length + 2] = '\n';

        assertThatThrownBy(() -> restore(longer)).hasMessageContaining("line 10: there is something behind");
    }

    @Test
    void fileOfALaterFormat_isRefused_andSaysToUpgrade() {
        waiting();

        assertThatThrownBy(() -> restore(seal(with(lines(exported()), 0, "\"format\":1", "\"format\":2"))))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("line 1")
                .hasMessageContaining("upgrade");
        assertThatThrownBy(() -> restore(seal(
                        with(lines(exported()), 5, "\"type\":\"NoteKept\"", "\"type\":\"Later\",\"critical\":true"))))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("line 6")
                .hasMessageContaining("upgrade");
    }

    private void refused(int line, String why, UnaryOperator<List<String>> damage) {
        byte[] damaged = seal(damage.apply(lines(exported())));

        assertThatThrownBy(() -> restore(damaged))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("line " + line + ": ")
                .hasMessageContaining(why);
        assertThat(target.find(ID)).isEmpty();
    }

    private static List<String> with(List<String> lines, int at, String what, String instead) {
        assertThat(lines.get(at)).contains(what);
        int place = lines.get(at).indexOf(what);
        return set(
                lines,
                at,
                lines.get(at).substring(0, place) + instead + lines.get(at).substring(place + what.length()));
    }

    private static List<String> set(List<String> lines, int at, String line) {
        List<String> changed = new ArrayList<>(lines);
        changed.set(at, line);
        return changed;
    }

    private static List<String> without(List<String> lines, int at) {
        List<String> fewer = new ArrayList<>(lines);
        fewer.remove(at);
        return fewer;
    }

    private static List<String> twice(List<String> lines, int at) {
        List<String> more = new ArrayList<>(lines);
        more.add(at, lines.get(at));
        return more;
    }

    /** With the right digest in the last line, which keeps its count. */
    private static byte[] seal(List<String> lines) {
        int last = lines.size() - 1;
        String before = String.join("\n", lines.subList(0, last)) + "\n";
        String count = lines.get(last).contains("\"end\":7") ? "7" : Integer.toString(last);
        String trailer = "{\"end\":" + count + ",\"sha256\":\"" + sha256(before) + "\"}\n";
        return (before + trailer).getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- words

    private static EventId id(int n) {
        return new EventId(new UUID(0x4000, 0x8000000000000000L | n));
    }

    private static Post message(String key) {
        return new Post(key, Event.InputKind.MESSAGE, ANN, Json.of(Map.of("text", "Refund order 4711")));
    }

    private static Batch batch(Draft... events) {
        return Batch.of(List.of(events));
    }

    private static Batch consuming(long position, Draft... events) {
        return new Batch(List.of(events), List.of(position), List.of(), List.of(), null, null);
    }

    /** An artifact of these bytes. */
    private BlobRef saved(byte[] bytes) {
        Lease lease = open(source);
        BlobRef ref = source.blobs().put(ID, bytes);
        Event saved = new Event.ArtifactSaved("a", 1, ref, "text/plain");
        source.append(lease, new Position(1, id(1)), batch(Draft.of(id(2), 1, saved)));
        return ref;
    }

    /** One event, held by a worker. */
    private static Lease open(SessionStore store) {
        Event opened = new Event.SessionOpened("support", Map.of("plan", "gold"));
        store.open(new NewSession(ID, "support", Map.of("plan", "gold"), Draft.of(id(1), 0, opened)));
        return ((Claimed.Held) store.claim(ID, Terms.of(WORKER))).lease();
    }

    /** Four events, an item consumed and one not, an open question. */
    private void waiting() {
        Lease lease = open(source);
        source.post(ID, message("k1"));
        source.post(ID, message("k2"));
        Event note = new Event.NoteKept("order", Json.of("4711"));
        source.append(lease, new Position(1, id(1)), consuming(1, Draft.of(id(2), 1, note)));
        CallId call = CallId.of(id(2), 0);
        Question question = new Question(
                new QuestionId(ID, "q"),
                Question.Kind.APPROVAL,
                call,
                "refund",
                "{\"cents\":1900}",
                "refund 19.00 \u20ac?",
                NOW);
        Event asked = new Event.QuestionAsked(
                "q", Question.Kind.APPROVAL, call, "refund", "{\"cents\":1900}", "refund 19.00 \u20ac?");
        source.append(
                lease,
                new Position(2, id(2)),
                new Batch(List.of(Draft.of(id(3), 1, asked)), List.of(), List.of(question), List.of(), null, null));
        Event waits = new Event.WaitStarted(Event.WaitFor.ANSWER, List.of("q"));
        source.append(
                lease,
                new Position(3, id(3)),
                new Batch(
                        List.of(Draft.of(id(4), 1, waits)),
                        List.of(),
                        List.of(),
                        List.of(),
                        null,
                        new Release(SessionStatus.WAITING, 2)));
    }

    private byte[] exported() {
        try {
            return export(source, ID);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] export(SessionStore store, SessionId id) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(Operator.of(store).exportSession(id, out)).isPresent();
        return out.toByteArray();
    }

    private Operator.Imported restore(byte[] file) throws IOException {
        return Operator.of(target).importSession(new ByteArrayInputStream(file));
    }

    private static List<String> lines(byte[] file) {
        return new String(file, StandardCharsets.UTF_8).lines().toList();
    }

    private static String unsealed(byte[] file) {
        List<String> lines = lines(file);
        return String.join("\n", lines.subList(0, lines.size() - 1));
    }
}

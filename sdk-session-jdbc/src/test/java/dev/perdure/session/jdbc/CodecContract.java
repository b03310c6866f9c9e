package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.InMemorySessionStore;
import dev.perdure.Operator;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.KeySource;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.StoreException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What encryption promises, on the rows themselves. */
abstract class CodecContract {
    static final String SECRET = "Xylophon-4711";

    private static final SessionId ID = SessionId.of("acme", "ticket-1");
    private static final SessionId OTHER = SessionId.of("acme", "ticket-2");
    private static final SessionId FOREIGN = SessionId.of("beta", "ticket-1");
    private static final EventId EVENT = EventId.parse("00000000-0000-4000-8000-000000000007");
    private static final CallId CALL = CallId.of(EVENT, 0);
    private static final byte[] BLOB = ("PDF " + SECRET).repeat(200).getBytes(StandardCharsets.UTF_8);
    private static final BodyCodec ROTATED = BodyCodec.plain().encrypt(KeySource.of(Keys.SECOND, Keys.FIRST));
    private static final BodyCodec LOST = BodyCodec.plain().encrypt(KeySource.of(Keys.SECOND));

    private final List<SessionStore> stores = new ArrayList<>();

    /** Opens the one database of this test. */
    abstract SessionStore opened(BodyCodec codec);

    /** On a connection that the store knows nothing of. */
    abstract Connection connection() throws SQLException;

    final SessionStore open(BodyCodec codec) {
        SessionStore store = opened(codec);
        stores.add(store);
        return store;
    }

    /** After all stores are closed. */
    void drop() {}

    @AfterEach
    void closeStores() {
        stores.forEach(SessionStore::close);
        drop();
    }

    @Test
    void noClearText_reachesTheDatabase() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);

        assertThat(places(SECRET)).isEmpty();
        assertThat(places("acme")).isNotEmpty();
    }

    /** That nothing was found means something only if it is found where it is. */
    @Test
    void clearText_isFoundInEveryTableOfAStoreWithoutKeys() throws Exception {
        SessionStore store = open(BodyCodec.plain());
        fill(store, ID);

        assertThat(places(SECRET))
                .containsExactlyInAnyOrder(
                        "perdure_event.body",
                        "perdure_inbox.body",
                        "perdure_question.arguments",
                        "perdure_question.text",
                        "perdure_blob.body");
    }

    @Test
    void whatIsEncrypted_isReadBack() {
        fill(open(Keys.codec()), ID);
        assertReadable(open(Keys.codec()), ID);
    }

    @Test
    void events_swapped_areAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        byte[] second = bytes("SELECT body FROM perdure_event WHERE seq = 2");
        byte[] third = bytes("SELECT body FROM perdure_event WHERE seq = 3");
        update("UPDATE perdure_event SET body = ? WHERE seq = 2", third);
        update("UPDATE perdure_event SET body = ? WHERE seq = 3", second);

        assertUnreadable(() -> store.read(ID, 1, 10), "event 2 of acme/ticket-1", "2026-01");
        assertUnreadable(() -> store.read(ID, 2, 10), "event 3 of acme/ticket-1", "2026-01");
        assertThat(store.read(ID, 0, 1)).hasSize(1);
    }

    @Test
    void rowsOfAnotherSessionOrTenant_areAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        for (SessionId id : List.of(ID, OTHER, FOREIGN)) {
            fill(store, id);
        }
        for (SessionId from : List.of(OTHER, FOREIGN)) {
            for (String table : List.of("perdure_event", "perdure_inbox", "perdure_question", "perdure_blob")) {
                execute("DELETE FROM " + table + " WHERE session = " + number(ID));
                execute("UPDATE " + table + " SET session = " + number(ID) + " WHERE session = " + number(from));
            }
            assertUnreadable(() -> store.read(ID, 0, 10), "event 1 of acme/ticket-1", "2026-01");
            assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item mail-1 of acme/ticket-1", "2026-01");
            assertUnreadable(
                    () -> store.findQuestion(new QuestionId(ID, "q")), "question q of acme/ticket-1", "2026-01");
            // Its address is keyed for the session it was put into, so that it is not even found here.
            assertThat(store.blobs().find(ID, blob())).isEmpty();
        }
    }

    @Test
    void columnsOfAnEvent_changed_areAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        for (String change : List.of("type = 'TurnEnded'", "turn = 9", "seq = 9", "id = ?")) {
            List<byte[]> id = change.endsWith("?") ? List.of(new byte[16]) : List.of();
            execute("CREATE TABLE spare AS SELECT * FROM perdure_event");
            update("UPDATE perdure_event SET " + change + " WHERE seq = 3", id.toArray(byte[][]::new));
            assertUnreadable(() -> store.read(ID, 2, 10), " of acme/ticket-1", "event ", "2026-01");
            execute("DELETE FROM perdure_event");
            execute("INSERT INTO perdure_event SELECT * FROM spare");
            execute("DROP TABLE spare");
        }
        assertReadable(store, ID);
    }

    @Test
    void columnsOfAnInboxItem_changed_areAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        for (String change : List.of("kind = 'INTERRUPT'", "actor = 'eve'", "actor_kind = 'SYSTEM'")) {
            execute("UPDATE perdure_inbox SET " + change);
            assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item mail-1 of acme/ticket-1", "2026-01");
            execute("UPDATE perdure_inbox SET kind = 'MESSAGE', actor = 'ann', actor_kind = 'USER'");
        }
        execute("UPDATE perdure_inbox SET idem_key = 'mail-2'");
        assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item mail-2 of acme/ticket-1", "2026-01");
    }

    /** What is approved is what was asked. */
    @Test
    void columnsOfAQuestion_changed_areAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        for (String change :
                List.of("tool = 'search'", "kind = 'IN_DOUBT'", "call_id = '" + EVENT + "/9'", "text = arguments")) {
            execute("CREATE TABLE spare AS SELECT * FROM perdure_question");
            execute("UPDATE perdure_question SET " + change);
            assertUnreadable(
                    () -> store.questions(TenantId.of("acme"), null, 10), "question q of acme/ticket-1", "2026-01");
            execute("DELETE FROM perdure_question");
            execute("INSERT INTO perdure_question SELECT * FROM spare");
            execute("DROP TABLE spare");
        }
        assertReadable(store, ID);
    }

    @Test
    void aFlippedBit_isAnError() throws Exception {
        assertEachIsAnError(bytes -> {
            bytes[bytes.length / 2] ^= 16;
            return bytes;
        });
    }

    @Test
    void aRecordThatWasCutOff_isAnError() throws Exception {
        assertEachIsAnError(bytes -> Arrays.copyOf(bytes, bytes.length - 1));
    }

    private void assertEachIsAnError(UnaryOperator<byte[]> damage) throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        change("perdure_event", "body", " WHERE seq = 3", damage);
        change("perdure_inbox", "body", "", damage);
        change("perdure_blob", "body", "", damage);
        String text = new String(bytes("SELECT text FROM perdure_question"), StandardCharsets.UTF_8);
        byte[] stored = Base64.getDecoder().decode(text.substring("perdure:".length()));
        execute("UPDATE perdure_question SET text = 'perdure:"
                + Base64.getEncoder().encodeToString(damage.apply(stored)) + "'");

        assertUnreadable(() -> store.read(ID, 0, 10), "event 3 of acme/ticket-1", "2026-01");
        assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item mail-1 of acme/ticket-1", "2026-01");
        assertUnreadable(() -> store.findQuestion(new QuestionId(ID, "q")), "question q of acme/ticket-1", "2026-01");
        assertUnreadable(
                () -> store.blobs().find(ID, blob()), "blob " + blob().sha256() + " of acme/ticket-1", "2026-01");
    }

    @Test
    void aRecordThatIsEmpty_isAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        for (String table : List.of("perdure_event", "perdure_inbox", "perdure_blob")) {
            update("UPDATE " + table + " SET body = ?", new byte[0]);
        }
        assertUnreadable(() -> store.read(ID, 0, 10), "event 1 of acme/ticket-1");
        assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item at position 1 of acme/ticket-1");
        assertUnreadable(() -> store.blobs().find(ID, blob()), "blob " + blob().sha256() + " of acme/ticket-1");
    }

    /** In a store without keys too. */
    @Test
    void aBlobWithOtherBytes_isAnError() throws Exception {
        SessionStore store = open(BodyCodec.plain());
        fill(store, ID);
        update("UPDATE perdure_blob SET body = ?", new byte[] {1, 2, 3});

        assertUnreadable(() -> store.blobs().find(ID, blob()), "blob " + blob().sha256() + " of acme/ticket-1");
    }

    @Test
    void anEncodingThatIsNotWhatItSays_isAnError() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        execute("UPDATE perdure_event SET codec = 0 WHERE seq = 2");
        assertUnreadable(() -> store.read(ID, 0, 10), "event 2 of acme/ticket-1", "encoding 0");
        execute("UPDATE perdure_event SET codec = 2 WHERE seq = 2");
        assertThatThrownBy(() -> store.read(ID, 0, 10))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("event 2 of acme/ticket-1")
                .hasMessageContaining("upgrade");
    }

    @Test
    void aStoreWithoutKeys_namesTheKeyAndTheRemedy() {
        fill(open(Keys.codec()), ID);
        SessionStore store = open(BodyCodec.plain());
        assertAllUnreadable(store, "acme/ticket-1", "2026-01", "without keys", "BodyCodec");
    }

    @Test
    void aKeyThatIsNotThere_isNamed() {
        fill(open(Keys.codec()), ID);
        SessionStore store = open(LOST);
        assertAllUnreadable(store, "acme/ticket-1", "2026-01", "does not have");
    }

    @Test
    void wrongBytesForAKey_areAnErrorThatNamesIt() {
        fill(open(Keys.codec()), ID);
        SessionStore store = open(BodyCodec.plain().encrypt(KeySource.of(Keys.key("2026-01", 9))));
        assertUnreadable(
                () -> store.read(ID, 0, 10), "event 1 of acme/ticket-1", "2026-01", "other bytes for that key");
        assertUnreadable(() -> store.inbox(ID, 0, 10), "inbox item mail-1 of acme/ticket-1", "2026-01");
        assertUnreadable(() -> store.findQuestion(new QuestionId(ID, "q")), "question q of acme/ticket-1", "2026-01");
    }

    @Test
    void aKeySourceThatFails_isRetryable_andNothingIsWritten() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        SessionStore failing = open(BodyCodec.plain().encrypt(Keys.failing()));
        for (Runnable work : List.<Runnable>of(
                () -> failing.read(ID, 0, 10),
                () -> failing.post(ID, message("mail-2", "hello")),
                () -> SqliteStore.opened(failing, OTHER),
                () -> failing.blobs().put(ID, new byte[] {1}))) {
            StoreException e = catchThrowableOfType(StoreException.class, work::run);
            assertThat(e.retryable()).isTrue();
            assertThat(e).hasRootCauseMessage("no answer");
        }
        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
        assertThat(store.find(OTHER)).isEmpty();
    }

    @Test
    void afterARotation_theNewKeyWritesAndTheOldOneReads() throws Exception {
        fill(open(Keys.codec()), ID);
        SessionStore rotated = open(ROTATED);
        fill(rotated, OTHER);

        assertReadable(rotated, ID);
        assertReadable(rotated, OTHER);
        assertThat(places("2026-02"))
                .contains("perdure_event.body", "perdure_inbox.body", "perdure_inbox.hash", "perdure_blob.body");
        assertUnreadable(() -> open(Keys.codec()).read(OTHER, 0, 10), "event 1 of acme/ticket-2", "2026-02");
    }

    @Test
    void aSessionGoesOn_acrossARotation() {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        Lease lease = SqliteStore.held(store, ID, new WorkerId("w1"));
        open(ROTATED).append(lease, store.head(ID), SqliteStore.batch(SqliteStore.note(SECRET)));

        assertThat(open(ROTATED).read(ID, 0, 10)).hasSize(4);
        assertUnreadable(() -> store.read(ID, 0, 10), "event 4 of acme/ticket-1", "2026-02");
    }

    @Test
    void aRepeatAfterARotation_isADuplicate_andAnotherBodyAConflict() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        for (BodyCodec codec : List.of(Keys.codec(), ROTATED, BodyCodec.plain().decrypt(KeySource.of(Keys.FIRST)))) {
            SessionStore later = open(codec);
            assertThat(later.post(ID, message("mail-1", SECRET))).isEqualTo(new Posted.Duplicate(1));
            assertThat(later.post(ID, message("mail-1", SECRET + "!"))).isEqualTo(new Posted.Conflict(1));
        }
        for (SessionStore unable : List.of(open(LOST), open(BodyCodec.plain()))) {
            assertUnreadable(() -> unable.post(ID, message("mail-1", SECRET)), "sent to acme/ticket-1", "2026-01");
        }
        assertThat(store.inbox(ID, 0, 10)).hasSize(1);
    }

    @Test
    void aRepeatAfterKeysWereAdded_isADuplicate() {
        fill(open(BodyCodec.plain()), ID);
        SessionStore store = open(Keys.codec());

        assertThat(store.post(ID, message("mail-1", SECRET))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.post(ID, message("mail-1", SECRET + "!"))).isEqualTo(new Posted.Conflict(1));
    }

    /** Else whoever reads the database could try out short bodies until one fits. */
    @Test
    void hashes_areKeyed() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        fill(store, OTHER);
        String plain = Hashes.hex("MESSAGE\n" + message("mail-1", SECRET).body().text());

        assertThat(places(plain)).isEmpty();
        assertThat(places(blob().sha256())).isEmpty();
        assertThat(query("SELECT count(DISTINCT hash) FROM perdure_inbox")).isEqualTo("2");
        assertThat(query("SELECT count(DISTINCT sha256) FROM perdure_blob")).isEqualTo("2");
    }

    @Test
    void aBlob_isKeptOnceForEachKey_andFoundUnderAny() throws Exception {
        SessionStore store = open(Keys.codec());
        fill(store, ID);
        store.blobs().put(ID, BLOB);
        assertThat(query("SELECT count(*) FROM perdure_blob")).isEqualTo("1");

        SessionStore rotated = open(ROTATED);
        assertThat(rotated.blobs().find(ID, blob())).hasValue(BLOB);
        rotated.blobs().put(ID, BLOB);
        rotated.blobs().put(ID, BLOB);

        assertThat(query("SELECT count(*) FROM perdure_blob")).isEqualTo("2");
        assertThat(open(LOST).blobs().find(ID, blob())).hasValue(BLOB);
        assertThat(rotated.blobs().find(ID, new BlobRef("ab".repeat(32), 3))).isEmpty();
    }

    /** A key that is gone takes what it encrypted with it, and nothing else. */
    @Test
    void withoutItsKey_aTenantIsUnreadable_andCanBeListedAndDeleted() {
        fill(open(Keys.codec()), ID);
        SessionStore store = open(LOST);
        assertAllUnreadable(store, "acme/ticket-1", "2026-01");

        assertThat(store.list(TenantId.of("acme"), Set.of(), "", 10))
                .extracting(SessionInfo::id)
                .containsExactly(ID);
        assertThat(store.find(ID)).isPresent();
        assertThat(store.head(ID).seq()).isEqualTo(3);
        assertThat(store.delete(ID)).isTrue();
        assertThat(store.read(ID, 0, 10)).isEmpty();
        assertThat(store.questions(TenantId.of("acme"), null, 10)).isEmpty();
        fill(store, OTHER);
        assertReadable(store, OTHER);
    }

    @Test
    void aStoreBegunInClear_isReadOnWithKeys() {
        fill(open(BodyCodec.plain()), ID);
        SessionStore store = open(Keys.codec());
        assertReadable(store, ID);
        Lease lease = SqliteStore.held(store, ID, new WorkerId("w1"));
        store.append(lease, store.head(ID), SqliteStore.batch(SqliteStore.note(SECRET)));

        assertThat(store.read(ID, 0, 10)).hasSize(4);
        assertUnreadable(() -> open(BodyCodec.plain()).read(ID, 0, 10), "event 4 of acme/ticket-1", "2026-01");
    }

    /** The first step of a fleet that begins to encrypt. */
    @Test
    void decrypt_readsWhatIsEncryptedAndWritesInClear() throws Exception {
        fill(open(Keys.codec()), ID);
        SessionStore reading = open(BodyCodec.plain().decrypt(KeySource.of(Keys.FIRST)));
        assertReadable(reading, ID);
        fill(reading, FOREIGN);

        assertReadable(open(BodyCodec.plain()), FOREIGN);
    }

    @Test
    void compressed_isReadByAStoreThatDoesNotCompress() throws Exception {
        SessionStore store = open(BodyCodec.plain().compress());
        fill(store, ID);

        assertThat(query("SELECT codec FROM perdure_event WHERE seq = 3")).isEqualTo("1");
        assertThat(query("SELECT codec FROM perdure_event WHERE seq = 1")).isEqualTo("0");
        assertThat(bytes("SELECT body FROM perdure_event WHERE seq = 3")).hasSizeLessThan(200);
        assertReadable(open(BodyCodec.plain()), ID);
    }

    /** A blob may begin with anything. */
    @Test
    void aBlobThatLooksEncoded_isReadBack() {
        for (BodyCodec codec : List.of(BodyCodec.plain(), BodyCodec.plain().compress(), Keys.codec())) {
            SessionStore store = open(codec);
            SqliteStore.opened(store, ID);
            byte[] bytes = {(byte) 0xF5, 2, 3, 'a', 'b', 'c', 1};
            assertThat(store.blobs().find(ID, store.blobs().put(ID, bytes))).hasValue(bytes);
        }
    }

    @Test
    void whatIsImported_isEncrypted_andSoIsEveryHashOfIt_andItIsExportedAgain() throws Exception {
        SessionStore clear = InMemorySessionStore.create();
        fill(clear, ID);
        Lease lease = SqliteStore.held(clear, ID, new WorkerId("w1"));
        Draft saved = Draft.of(EventId.random(), 1, new Event.ArtifactSaved("a", 1, blob(), "text/plain"));
        clear.append(lease, clear.head(ID), new Batch(List.of(saved), List.of(1L), List.of(), List.of(), null, null));
        clear.post(ID, message("mail-2", SECRET));
        SessionStore store = open(Keys.codec());

        assertThat(Operator.of(store).importSession(exported(clear))).isEqualTo(Operator.Imported.DONE);

        assertThat(places(SECRET)).isEmpty();
        assertThat(places(message("mail-1", SECRET).digest())).isEmpty();
        assertThat(places(blob().sha256())).isEmpty();
        assertThat(store.read(ID, 0, 10)).isEqualTo(clear.read(ID, 0, 10));
        assertThat(store.inbox(ID, 0, 10)).isEqualTo(clear.inbox(ID, 0, 10)).hasSize(1);
        assertThat(store.findQuestion(question(ID).id()))
                .isEqualTo(clear.findQuestion(question(ID).id()))
                .isPresent();
        assertThat(store.blobs().find(ID, blob())).hasValue(BLOB);
        assertThat(store.post(ID, message("mail-1", SECRET))).isEqualTo(new Posted.Duplicate(1));
        assertThat(store.post(ID, message("mail-2", SECRET + "!"))).isEqualTo(new Posted.Conflict(2));

        SessionStore back = InMemorySessionStore.create();
        Operator.of(back).importSession(exported(store));
        assertThat(back.read(ID, 0, 10)).isEqualTo(clear.read(ID, 0, 10));
        assertThat(back.inbox(ID, 0, 10)).isEqualTo(clear.inbox(ID, 0, 10));
        assertThat(back.blobs().find(ID, blob())).hasValue(BLOB);
        assertThat(back.post(ID, message("mail-1", SECRET))).isEqualTo(new Posted.Duplicate(1));
    }

    private static InputStream exported(SessionStore store) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Operator.of(store).exportSession(ID, out);
        return new ByteArrayInputStream(out.toByteArray());
    }

    /** One of everything, with the secret in it. */
    static void fill(SessionStore store, SessionId id) {
        Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened(SqliteStore.AGENT, Map.of()));
        store.open(new SessionStore.NewSession(id, SqliteStore.AGENT, Map.of(), first));
        store.post(id, message("mail-1", SECRET));
        Lease lease = SqliteStore.held(store, id, new WorkerId("w1"));
        Draft note = SqliteStore.note(SECRET);
        Draft progress = Draft.of(
                EventId.random(),
                1,
                new Event.CallsRequested(
                        List.of(new Event.CallsRequested.Requested("search", Json.of(SECRET.repeat(100)))), true));
        Batch batch = new Batch(List.of(note), List.of(), List.of(question(id)), List.of(), null, null);
        store.append(lease, store.head(id), batch);
        store.append(
                lease,
                store.head(id),
                new Batch(
                        List.of(progress),
                        List.of(),
                        List.of(),
                        List.of(),
                        null,
                        new SessionStore.Release(SessionStatus.READY, 1)));
        store.blobs().put(id, BLOB);
    }

    private static void assertReadable(SessionStore store, SessionId id) {
        List<Recorded> log = store.read(id, 0, 10);
        assertThat(log)
                .extracting(event -> event.event().type())
                .startsWith("SessionOpened", "NoteKept", "CallsRequested");
        assertThat(log.get(1).json()).contains(SECRET);
        assertThat(log.get(2).json()).contains(SECRET.repeat(100));
        assertThat(store.inbox(id, 0, 10))
                .extracting(InboxItem::body)
                .containsExactly(message("mail-1", SECRET).body());
        Question asked = question(id);
        assertThat(store.questions(id.tenant(), null, 10).stream()
                        .filter(question -> question.id().equals(asked.id())))
                .extracting(Question::arguments, Question::text)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(asked.arguments(), asked.text()));
        assertThat(store.findQuestion(asked.id())).map(Question::text).hasValue(asked.text());
        assertThat(store.blobs().find(id, blob())).hasValue(BLOB);
    }

    private static void assertAllUnreadable(SessionStore store, String... words) {
        assertUnreadable(() -> store.read(ID, 0, 10), words);
        assertUnreadable(() -> store.inbox(ID, 0, 10), words);
        assertUnreadable(() -> store.findQuestion(new QuestionId(ID, "q")), words);
        assertUnreadable(() -> store.questions(TenantId.of("acme"), null, 10), words);
        assertUnreadable(() -> store.blobs().find(ID, blob()), words);
    }

    /** Neither content nor keys are shown. */
    private static void assertUnreadable(Runnable work, String... words) {
        StoreException e = catchThrowableOfType(StoreException.class, work::run);
        assertThat(e).isNotNull().hasMessageContainingAll(words);
        assertThat(e.retryable()).isFalse();
        assertThat(e.findSession()).isPresent();
        for (Throwable t = e; t != null; t = t.getCause()) {
            assertThat(t.toString()).doesNotContain(SECRET);
            for (long seed : new long[] {1, 2, 9}) {
                assertThat(t.toString())
                        .doesNotContain(
                                HexFormat.of().formatHex(Keys.secret(seed)),
                                Base64.getEncoder().encodeToString(Keys.secret(seed)));
            }
        }
    }

    private static Post message(String key, String text) {
        return new Post(key, Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(Map.of("text", text)));
    }

    private static Question question(SessionId id) {
        return new Question(
                new QuestionId(id, "q"),
                Question.Kind.APPROVAL,
                CALL,
                "refund",
                Json.of(Map.of("order", SECRET)).text(),
                "refund " + SECRET + "?",
                Instant.EPOCH);
    }

    private static BlobRef blob() {
        return new BlobRef(Hashes.hex(BLOB), BLOB.length);
    }

    /** Columns of all tables in which these characters stand. */
    private List<String> places(String text) throws SQLException {
        List<String> places = new ArrayList<>();
        for (String table : List.of(
                "perdure_session",
                "perdure_event",
                "perdure_inbox",
                "perdure_question",
                "perdure_blob",
                "perdure_schema")) {
            try (Connection connection = connection();
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT * FROM " + table)) {
                while (row.next()) {
                    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                        if (holds(row.getObject(i), text)) {
                            places.add(table + "." + row.getMetaData().getColumnName(i));
                        }
                    }
                }
            }
        }
        return places.stream().distinct().toList();
    }

    private static boolean holds(Object value, String text) {
        return value instanceof byte[] bytes
                ? Stream.of(
                                new String(bytes, StandardCharsets.ISO_8859_1),
                                HexFormat.of().formatHex(bytes))
                        .anyMatch(shown -> shown.contains(text))
                : String.valueOf(value).contains(text);
    }

    private String number(SessionId id) throws SQLException {
        return query(
                "SELECT id FROM perdure_session WHERE tenant = '" + id.tenant() + "' AND name = '" + id.name() + "'");
    }

    private void change(String table, String column, String condition, UnaryOperator<byte[]> change)
            throws SQLException {
        byte[] old = bytes("SELECT " + column + " FROM " + table + condition);
        update("UPDATE " + table + " SET " + column + " = ?" + condition, change.apply(old));
    }

    private void execute(String sql) throws SQLException {
        update(sql);
    }

    private void update(String sql, byte[]... values) throws SQLException {
        try (Connection connection = connection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setBytes(i + 1, values[i]);
            }
            statement.executeUpdate();
        }
    }

    private String query(String sql) throws SQLException {
        try (Connection connection = connection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "none";
        }
    }

    private byte[] bytes(String sql) throws SQLException {
        try (Connection connection = connection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            Object value = row.getObject(1);
            return value instanceof byte[] bytes ? bytes : value.toString().getBytes(StandardCharsets.UTF_8);
        }
    }
}

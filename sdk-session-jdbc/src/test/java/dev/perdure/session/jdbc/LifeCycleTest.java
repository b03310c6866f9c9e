package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Input;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Image;
import dev.perdure.spi.SessionStore.Opened;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.testkit.TestClock;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Deletions and restorations that break off in the middle, on both kinds of database; what they leave, and who makes up for it. */
@Timeout(120)
class LifeCycleTest {
    /** Three batches. */
    private static final int EVENTS = 2_500;

    private static final List<String> TABLES =
            List.of("perdure_event", "perdure_inbox", "perdure_question", "perdure_blob", "perdure_session");

    private final AtomicReference<Consumer<String>> hook = new AtomicReference<>(sql -> {});
    private final Hooked hooked = new Hooked(sql -> hook.get().accept(sql));
    private final TestClock clock = TestClock.create();

    @TempDir
    Path folder;

    /** What happens to one of the two stores, in the words of both databases. */
    private interface OnBoth {
        void run(SessionStore hooked, SessionStore other, Database database) throws Exception;
    }

    private interface Database {
        String query(String sql) throws Exception;

        void elapse(Duration time);
    }

    private void onBoth(OnBoth test) throws Exception {
        onSqlite(test);
        hook.set(sql -> {});
        onPostgres(test);
    }

    private void onSqlite(OnBoth test) throws Exception {
        Path file = folder.resolve("s.db");
        SqliteOptions options = SqliteOptions.standard().clock(clock);
        try (SessionStore one = JdbcSessionStore.sqlite(
                        file, options, new SqliteFile.Wiring(hooked, source -> {}, Statements::new));
                SessionStore other = JdbcSessionStore.sqlite(file, options)) {
            test.run(one, other, new Database() {
                @Override
                public String query(String sql) throws Exception {
                    return SqliteStore.query(file, sql);
                }

                @Override
                public void elapse(Duration time) {
                    clock.advance(time);
                }
            });
        }
    }

    private void onPostgres(OnBoth test) throws Exception {
        try (Postgres postgres = Postgres.withClock(clock.instant());
                SessionStore one = JdbcSessionStore.of(hooked.apply((DataSource) postgres.pool()));
                SessionStore other = JdbcSessionStore.of(postgres.pool())) {
            test.run(one, other, new Database() {
                @Override
                public String query(String sql) {
                    return postgres.query(sql);
                }

                @Override
                public void elapse(Duration time) {
                    clock.advance(time);
                    postgres.setClock(clock.instant());
                }
            });
        }
    }

    /** The process dies at the {@code n}th statement that begins so: it does nothing more, and its transaction is rolled back. */
    private void dieAt(String statement, int n) {
        AtomicInteger seen = new AtomicInteger();
        hook.set(sql -> {
            boolean dead = seen.get() >= n && !sql.equals("ROLLBACK");
            if (dead || (sql.stripLeading().startsWith(statement) && seen.incrementAndGet() == n)) {
                throw new Dead();
            }
        });
    }

    private static final class Dead extends IllegalStateException {
        private static final long serialVersionUID = 1;

        Dead() {
            super("dead");
        }
    }

    private static Lease large(SessionStore store) {
        Lease lease = held(store, opened(store, ID), WorkerId.random());
        Position end = SqliteStore.end(store, ID);
        for (int i = 0; i < EVENTS / 500; i++) {
            Draft[] some = IntStream.range(0, 500).mapToObj(n -> note("n" + n)).toArray(Draft[]::new);
            end = ((Appended.Ok) store.append(lease, end, batch(some))).last();
        }
        store.post(ID, message("k"));
        store.blobs().put(ID, new byte[] {1, 2, 3});
        return lease;
    }

    private static String left(Database database) throws Exception {
        List<String> counts = new ArrayList<>();
        for (String table : TABLES) {
            counts.add(database.query("SELECT count(*) FROM " + table));
        }
        return String.join(" ", counts);
    }

    // ---- deletions

    @Test
    void delete_thatDiesInTheMiddle_leavesASessionThatNobodyReachesAnyMore() throws Exception {
        onBoth((store, other, database) -> {
            Lease lease = large(other);
            Position end = SqliteStore.end(other, ID);
            BlobRef blob = other.blobs().put(ID, new byte[] {1, 2, 3});
            dieAt("DELETE FROM perdure_event", 2);

            assertThatThrownBy(() -> store.delete(ID)).isInstanceOf(Dead.class);

            assertThat(database.query("SELECT count(*) FROM perdure_event")).isEqualTo("1501");
            assertThat(other.find(ID).map(SessionInfo::status)).contains(SessionStatus.DELETED);
            assertThat(other.read(ID, 0, 10)).isEmpty();
            assertThat(other.head(ID)).isEqualTo(Position.START);
            assertThat(other.inbox(ID, 0, 10)).isEmpty();
            assertThat(other.questions(ID.tenant(), null, 10)).isEmpty();
            assertThat(other.blobs().find(ID, blob)).isEmpty();
            assertThat(other.image(ID)).isEmpty();
            assertThat(other.list(ID.tenant(), Set.of(), "", 10)).isEmpty();
            assertThat(other.open(new SessionStore.NewSession(ID, AGENT, Map.of(), note("x"))))
                    .isEqualTo(new Opened.Deleted());
            assertThat(other.post(ID, message("k"))).isEqualTo(new Posted.Unknown());
            assertThat(other.claim(ID, Terms.of(WorkerId.random()))).isEqualTo(new Claimed.Unknown());
            assertThat(other.append(lease, end, batch(note("late")))).isEqualTo(new Appended.LeaseLost());
            assertThat(other.renew(List.of(lease), Duration.ofSeconds(15))
                            .get(0)
                            .state())
                    .isEqualTo(SessionStore.Renewal.State.LOST);
        });
    }

    @Test
    void delete_thatDiedInTheMiddle_isFinishedByItsRepeat() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            dieAt("DELETE FROM perdure_event", 2);
            assertThatThrownBy(() -> store.delete(ID)).isInstanceOf(Dead.class);

            assertThat(other.delete(ID)).isFalse();

            assertThat(left(database)).isEqualTo("0 0 0 0 1");
        });
    }

    @Test
    void delete_thatDiedInTheMiddle_isFinishedByAPurgeOfWhatever() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            dieAt("DELETE FROM perdure_blob", 1);
            assertThatThrownBy(() -> store.delete(ID)).isInstanceOf(Dead.class);

            assertThat(other.purge(Retention.of(Duration.ofDays(90)), 10)).isZero();
            assertThat(left(database)).isEqualTo("0 0 0 0 1");
            assertThat(other.purge(Retention.of(Duration.ZERO).status(SessionStatus.DELETED), 10))
                    .isEqualTo(1);
            assertThat(left(database)).isEqualTo("0 0 0 0 0");
        });
    }

    @Test
    void delete_removesAtMost1000RowsInACommit() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            List<Integer> counts = new ArrayList<>();
            hook.set(sql -> {
                if (sql.stripLeading().startsWith("DELETE FROM perdure_event")) {
                    counts.add(committedEvents(database));
                }
            });

            store.delete(ID);

            assertThat(counts).containsExactly(2501, 1501, 501);
            assertThat(left(database)).isEqualTo("0 0 0 0 1");
        });
    }

    private static int committedEvents(Database database) {
        try {
            return Integer.parseInt(database.query("SELECT count(*) FROM perdure_event"));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void slowDeletion_whoseRowOthersHaveRemoved_leavesTheNewSessionAlone() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            SessionId next = SessionId.of("acme", "next");
            AtomicInteger batches = new AtomicInteger();
            hook.set(sql -> {
                if (sql.stripLeading().startsWith("DELETE FROM perdure_event")) {
                    batches.incrementAndGet();
                } else if (batches.get() == 1
                        && (sql.startsWith("BEGIN") || sql.contains("s.id FROM perdure_session"))) {
                    // The first batch is committed, and the next one holds nothing yet.
                    hook.set(more -> {});
                    other.purge(Retention.of(Duration.ZERO).status(SessionStatus.DELETED), 10);
                    opened(other, next);
                }
            });

            assertThat(store.delete(ID)).isTrue();

            assertThat(batches).hasValue(1);
            assertThat(log(other, next)).hasSize(1);
            assertThat(left(database)).isEqualTo("1 0 0 0 1");
        });
    }

    @Test
    void sessionThatSomebodyWakes_betweenThePurgesLookAndItsDeletion_stays() throws Exception {
        onBoth((store, other, database) -> {
            opened(other, ID);
            AtomicInteger looks = new AtomicInteger();
            hook.set(sql -> {
                boolean look = sql.contains("SELECT s.id FROM perdure_session s WHERE s.tenant <>");
                if (look) {
                    looks.incrementAndGet();
                } else if (looks.get() == 1) {
                    hook.set(more -> {});
                    other.post(ID, message("k"));
                }
            });

            assertThat(store.purge(Retention.of(Duration.ZERO).status(SessionStatus.IDLE), 10))
                    .isZero();

            assertThat(looks).hasValue(1);
            assertThat(other.find(ID).map(SessionInfo::status)).contains(SessionStatus.READY);
            assertThat(log(other, ID)).hasSize(1);
        });
    }

    // ---- images

    @Test
    void image_isAsOfOneMoment_whateverIsWrittenWhileItIsRead() throws Exception {
        onBoth((store, other, database) -> {
            Lease lease = held(other, opened(other, ID), WorkerId.random());
            other.post(ID, message("k1"));
            hook.set(sql -> {
                if (sql.contains("FROM perdure_question")) {
                    // The items are read, and what comes now makes them old.
                    hook.set(more -> {});
                    Batch consuming = new Batch(List.of(note("n")), List.of(1L), List.of(), List.of(), null, null);
                    other.append(lease, SqliteStore.end(other, ID), consuming);
                    other.post(ID, message("k2"));
                }
            });

            Image image = store.image(ID).orElseThrow();

            assertThat(log(other, ID)).hasSize(2);
            assertThat(image.head().seq()).isEqualTo(2);
            assertThat(image.inboxHead()).isEqualTo(2);
            assertThat(image.items()).extracting(Image.Item::consumed).containsExactly(2L, 0L);
        });
    }

    // ---- restorations

    @Test
    void restoration_thatDiesInTheMiddle_isNoSession_andIsRepeatedAtOnce() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            byte[] file = export(other);
            other.delete(ID);
            other.purge(Retention.of(Duration.ZERO).status(SessionStatus.DELETED), 10);
            dieAt("INSERT INTO perdure_event", 3);

            assertThatThrownBy(() -> Operator.of(store).importSession(new ByteArrayInputStream(file)))
                    .isInstanceOf(Dead.class);

            assertThat(committedEvents(database)).isEqualTo(1_000);
            assertThat(other.find(ID)).isEmpty();
            assertThat(other.read(ID, 0, 10)).isEmpty();
            assertThat(other.ready()).isEmpty();
            assertThat(other.list(ID.tenant(), Set.of(), "", 10)).isEmpty();
            assertThat(other.image(ID)).isEmpty();
            assertThat(Operator.of(other).importSession(new ByteArrayInputStream(file)))
                    .isEqualTo(Operator.Imported.DONE);
            assertThat(log(other, ID)).hasSize(EVENTS + 1);
        });
    }

    @Test
    void restoration_thatDiedInTheMiddle_isRemovedByAPurge_notBeforeAnHour() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            byte[] file = export(other);
            other.delete(ID);
            dieAt("INSERT INTO perdure_event", 3);
            SessionId copy = SessionId.of("acme", "copy");
            assertThatThrownBy(() -> Operator.of(store).importSession(new ByteArrayInputStream(file), copy))
                    .isInstanceOf(Dead.class);

            database.elapse(Duration.ofMinutes(59));
            other.purge(Retention.of(Duration.ofDays(90)), 10);
            assertThat(committedEvents(database)).isEqualTo(1_000);
            database.elapse(Duration.ofMinutes(2));
            other.purge(Retention.of(Duration.ofDays(90)), 10);
            assertThat(left(database)).isEqualTo("0 0 0 0 1");
        });
    }

    @Test
    void restoration_thatTakesLong_butNeverAnHourForABatch_isLeftAlone() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            hook.set(sql -> {
                if (sql.startsWith("INSERT INTO perdure_event")) {
                    // Time goes by before the next commit; what holds the row meanwhile must not be waited for.
                    database.elapse(Duration.ofMinutes(40));
                }
            });
            SessionId copy = SessionId.of("acme", "copy");
            Iterator<byte[]> blobs = new Iterator<>() {
                @Override
                public boolean hasNext() {
                    other.purge(Retention.of(Duration.ofDays(90)), 10);
                    return false;
                }

                @Override
                public byte[] next() {
                    throw new NoSuchElementException();
                }
            };
            Image image = other.image(ID).orElseThrow();
            Image named = new Image(
                    new SessionInfo(
                            copy, AGENT, SessionStatus.IDLE, Map.of(), clock.instant(), clock.instant(), null, null, 0),
                    image.fence(),
                    image.head(),
                    image.inboxHead(),
                    image.items(),
                    List.of());

            assertThat(store.restore(named, log(other, ID).iterator(), blobs)).isTrue();
            assertThat(log(other, copy)).hasSize(EVENTS + 1);
        });
    }

    @Test
    void restoration_thatIsSlowerThanAnHour_isRefused_andLeavesNothing() throws Exception {
        onBoth((store, other, database) -> {
            large(other);
            byte[] file = export(other);
            SessionId copy = SessionId.of("acme", "copy");
            AtomicInteger inserts = new AtomicInteger();
            ByteArrayInputStream slow = new ByteArrayInputStream(file) {
                @Override
                public synchronized int read(byte[] into, int from, int length) {
                    if (pos > file.length / 2 && inserts.getAndIncrement() == 0) {
                        database.elapse(Duration.ofMinutes(61));
                        other.purge(Retention.of(Duration.ofDays(90)), 10);
                    }
                    return super.read(into, from, length);
                }
            };

            assertThatThrownBy(() -> Operator.of(store).importSession(slow, copy))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("too slowly");
            assertThat(other.find(copy)).isEmpty();
            assertThat(committedEvents(database)).isEqualTo(EVENTS + 1);
        });
    }

    // ---- by SIGKILL

    @Test
    void deletionKilledBySigkill_isOutOfReach_andFinishedByItsRepeat() throws Exception {
        onSqlite((store, other, database) -> {
            large(other);
            killInTheMiddleOf("delete");

            assertThat(committedEvents(database)).isEqualTo(1_501);
            assertThat(other.find(ID).map(SessionInfo::status)).contains(SessionStatus.DELETED);
            assertThat(other.read(ID, 0, 10)).isEmpty();
            other.delete(ID);
            assertThat(left(database)).isEqualTo("0 0 0 0 1");
        });
    }

    @Test
    void importKilledBySigkill_isNoSession_andIsRepeated() throws Exception {
        onSqlite((store, other, database) -> {
            large(other);
            byte[] file = export(other);
            Files.write(folder.resolve("s.db.jsonl"), file);
            other.delete(ID);
            other.purge(Retention.of(Duration.ZERO).status(SessionStatus.DELETED), 10);
            killInTheMiddleOf("import");

            assertThat(committedEvents(database)).isEqualTo(500);
            assertThat(other.find(ID)).isEmpty();
            assertThat(Operator.of(other).importSession(new ByteArrayInputStream(file)))
                    .isEqualTo(Operator.Imported.DONE);
            assertThat(log(other, ID)).hasSize(EVENTS + 1);
        });
    }

    private void killInTheMiddleOf(String what) throws IOException {
        try (Child child = Child.start(what, folder.resolve("s.db"))) {
            assertThat(child.line()).isEqualTo("in the middle");
            child.kill();
        }
    }

    // ---- from one kind of database to the other

    @Test
    void sessionThatWaitsForAnAnswer_movedFromSqliteToPostgres_isAnsweredAndFinishesThere() throws Exception {
        try (Postgres postgres = Postgres.empty();
                SessionStore sqlite = JdbcSessionStore.sqlite(folder.resolve("s.db"));
                SessionStore server = JdbcSessionStore.of(postgres.pool())) {
            movedSession_isAnsweredAndFinishes(sqlite, server);
        }
    }

    @Test
    void sessionThatWaitsForAnAnswer_movedFromPostgresToSqlite_isAnsweredAndFinishesThere() throws Exception {
        try (Postgres postgres = Postgres.empty();
                SessionStore sqlite = JdbcSessionStore.sqlite(folder.resolve("s.db"));
                SessionStore server = JdbcSessionStore.of(postgres.pool())) {
            movedSession_isAnsweredAndFinishes(server, sqlite);
        }
    }

    private static void movedSession_isAnsweredAndFinishes(SessionStore from, SessionStore to) throws IOException {
        List<String> refunds = Collections.synchronizedList(new ArrayList<>());
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.replies(Step.call("refund", "{}"), Step.text("Refunded.")))
                .tool(Tool.once("refund", "", Json.class, (in, call) -> refunds.add(call.idempotencyKey()))
                        .noProbe()
                        .approval(Approval.required()))
                .build();
        Input input = Input.text("refund it").key("mail-1");
        try (AgentRuntime runtime = AgentRuntime.open(from, agent)) {
            Outcome outcome = await(runtime.open(ID, AGENT).send(input));
            assertThat(outcome.findWaiting()).isPresent();
        }
        List<Recorded> before = log(from, ID);

        assertThat(Operator.of(to).importSession(new ByteArrayInputStream(export(from))))
                .isEqualTo(Operator.Imported.DONE);
        from.delete(ID);

        assertThat(log(to, ID)).isEqualTo(before);
        Operator operator = Operator.of(to);
        Question question = operator.questions(ID.tenant()).get(0);
        operator.answer(question.id(), Answer.accept("within policy"), Actor.user("ann"));
        try (AgentRuntime runtime = AgentRuntime.open(to, agent)) {
            Outcome outcome = await(runtime.open(ID, AGENT).send(input));
            assertThat(outcome.summary()).contains("Refunded.");
        }
        assertThat(refunds).containsExactly(ID + "/" + question.call());
        assertThat(log(to, ID)).extracting(Recorded::fence).isSorted();
        assertThat(log(to, ID).stream().filter(event -> event.event() instanceof Event.TurnStarted))
                .hasSize(1);
    }

    private static Outcome await(Turn turn) {
        return turn.await(Duration.ofSeconds(30)).orElseThrow();
    }

    private static byte[] export(SessionStore store) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Operator.of(store).exportSession(ID, out);
        return out.toByteArray();
    }
}

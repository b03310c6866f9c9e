package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.progress;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Position;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Something happens while a statement is on its way: a trigger holds every insert into the log back, as long as the test holds its lock. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PostgresInterleavingTest {
    private static final Duration SHORT = Duration.ofMillis(1);

    private final Postgres postgres = Postgres.empty();
    private final WorkerId ann = WorkerId.random();
    private final WorkerId bob = WorkerId.random();
    private SessionStore store;

    @BeforeEach
    void open() {
        store = JdbcSessionStore.of(postgres.pool());
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
        postgres.close();
    }

    static Stream<Batch> batches() {
        return Stream.of(batch(note("late")), release(SessionStatus.IDLE, 0));
    }

    /** The row's lock is what a takeover has to wait for: nothing with an old fence is committed after it. */
    @ParameterizedTest
    @MethodSource("batches")
    void appendOfAnOldOwner_isWrittenBeforeATakeoverCommits_orNotAtAll(Batch late) {
        Lease old = lease(ann, SHORT);
        Position end = end(store, ID);
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(old, end, late));
            gate.awaitHeldBack(1);
            CompletableFuture<Claimed> claim = aside(() -> store.claim(ID, Terms.of(bob)));
            gate.awaitWaiting(2);
            assertThat(claim).isNotDone();
            gate.open();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
            assertThat(claim.join()).isInstanceOf(Claimed.Held.class);
        }
        assertThat(log(store, ID)).hasSize(2);
        assertThat(store.append(old, end(store, ID), batch(note("too late")))).isInstanceOf(Appended.LeaseLost.class);
    }

    @Test
    void postDuringARelease_waitsForIt_andWakesTheSession() {
        Lease lease = held(store, ID, ann);
        Position end = end(store, ID);
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(lease, end, release(SessionStatus.IDLE, 0)));
            gate.awaitHeldBack(1);
            CompletableFuture<SessionStore.Posted> post = aside(() -> store.post(ID, message("k")));
            gate.awaitWaiting(2);
            gate.open();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
            assertThat(post.join()).isEqualTo(new SessionStore.Posted.Accepted(1));
        }
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.READY);
    }

    @Test
    void claimThatWaitedForARelease_countsTheProgressThatCameWithIt() {
        Terms terms = new Terms(bob, Duration.ofSeconds(15), 1, Duration.ZERO, Duration.ZERO);
        Lease lease = lease(ann, SHORT);
        Position end = end(store, ID);
        Batch last = new Batch(
                List.of(progress("done")),
                List.of(),
                List.of(),
                List.of(),
                null,
                new SessionStore.Release(SessionStatus.IDLE, 0));
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(lease, end, last));
            gate.awaitHeldBack(1);
            // One more claim without progress would be one too many.
            CompletableFuture<Claimed> claim = aside(() -> store.claim(ID, terms));
            gate.awaitWaiting(2);
            gate.open();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
            assertThat(claim.join()).isInstanceOf(Claimed.Held.class);
        }
    }

    @Test
    void blobKeptWhileItsSessionIsDeleted_isDeletedWithIt() {
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_blob")) {
            CompletableFuture<BlobRef> put = aside(() -> store.blobs().put(ID, new byte[] {1, 2, 3}));
            gate.awaitHeldBack(1);
            CompletableFuture<Boolean> delete = aside(() -> store.delete(ID));
            gate.awaitWaiting(2);
            gate.open();

            put.join();
            assertThat(delete.join()).isTrue();
        }
        assertThat(postgres.query("SELECT count(*) FROM perdure_blob")).isEqualTo("0");
    }

    @Test
    void eventsAppendedWhileTheirSessionIsDeleted_areDeletedWithIt() {
        Lease lease = held(store, ID, ann);
        Position end = end(store, ID);
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(lease, end, batch(note("n"))));
            gate.awaitHeldBack(1);
            CompletableFuture<Boolean> delete = aside(() -> store.delete(ID));
            gate.awaitWaiting(2);
            gate.open();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
            assertThat(delete.join()).isTrue();
        }
        assertThat(postgres.query("SELECT count(*) FROM perdure_event")).isEqualTo("0");
        assertThat(postgres.query("SELECT count(*) FROM perdure_session")).isEqualTo("1");
    }

    @Test
    void itemPostedWhileItsSessionIsDeleted_isDeletedWithIt() {
        try (Postgres.Gate gate = postgres.holdInsertsBack("perdure_inbox")) {
            CompletableFuture<SessionStore.Posted> post = aside(() -> store.post(ID, message("k")));
            gate.awaitHeldBack(1);
            CompletableFuture<Boolean> delete = aside(() -> store.delete(ID));
            gate.awaitWaiting(2);
            gate.open();

            assertThat(post.join()).isInstanceOf(SessionStore.Posted.Accepted.class);
            assertThat(delete.join()).isTrue();
        }
        assertThat(postgres.query("SELECT count(*) FROM perdure_inbox")).isEqualTo("0");
        assertThat(store.post(ID, message("k"))).isEqualTo(new SessionStore.Posted.Unknown());
    }

    /** On a thread of its own: the common pool may have one thread, and both statements wait. */
    private static <T> CompletableFuture<T> aside(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> new Thread(task).start());
    }

    private Lease lease(WorkerId worker, Duration ttl) {
        Terms terms = new Terms(worker, ttl, 5, Duration.ZERO, Duration.ZERO);
        return ((Claimed.Held) store.claim(ID, terms)).lease();
    }
}

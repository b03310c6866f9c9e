package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
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
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Something happens while a statement is on its way: a trigger holds every insert into the log back, as long as the test holds its lock. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class MariaDbInterleavingTest {
    private final MariaDb mariadb = MariaDb.empty();
    private SessionStore store;

    @BeforeEach
    void open() {
        store = JdbcSessionStore.of(mariadb.pool());
        opened(store, ID);
    }

    @AfterEach
    void close() {
        store.close();
        mariadb.close();
    }

    static Stream<Batch> batches() {
        return Stream.of(batch(note("late")), release(SessionStatus.IDLE, 0));
    }

    /** The row's lock is what a takeover has to wait for: nothing with an old fence is committed after it. */
    @ParameterizedTest
    @MethodSource("batches")
    void appendOfAnOldOwner_isWrittenBeforeATakeoverCommits_orNotAtAll(Batch late) {
        Lease old = lease(Duration.ofMillis(1));
        Position end = end(store, ID);
        try (MariaDb.Gate gate = mariadb.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(old, end, late));
            gate.awaitHeldBack();
            CompletableFuture<Claimed> claim = aside(() -> store.claim(ID, Terms.of(WorkerId.random())));
            gate.awaitLockWait();
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
        Lease lease = lease(Duration.ofSeconds(15));
        Position end = end(store, ID);
        try (MariaDb.Gate gate = mariadb.holdInsertsBack("perdure_event")) {
            CompletableFuture<Appended> append = aside(() -> store.append(lease, end, release(SessionStatus.IDLE, 0)));
            gate.awaitHeldBack();
            CompletableFuture<SessionStore.Posted> post = aside(() -> store.post(ID, message("k")));
            gate.awaitLockWait();
            gate.open();

            assertThat(append.join()).isInstanceOf(Appended.Ok.class);
            assertThat(post.join()).isEqualTo(new SessionStore.Posted.Accepted(1));
        }
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.READY);
    }

    @Test
    void blobKeptWhileItsSessionIsDeleted_isDeletedWithIt() {
        try (MariaDb.Gate gate = mariadb.holdInsertsBack("perdure_blob")) {
            CompletableFuture<BlobRef> put = aside(() -> store.blobs().put(ID, new byte[] {1, 2, 3}));
            gate.awaitHeldBack();
            CompletableFuture<Boolean> delete = aside(() -> store.delete(ID));
            gate.awaitLockWait();
            gate.open();

            put.join();
            assertThat(delete.join()).isTrue();
        }
        assertThat(mariadb.query("SELECT count(*) FROM perdure_blob")).isEqualTo("0");
    }

    private static <T> CompletableFuture<T> aside(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> new Thread(task).start());
    }

    private Lease lease(Duration ttl) {
        Terms terms = new Terms(WorkerId.random(), ttl, 5, Duration.ZERO, Duration.ZERO);
        return ((Claimed.Held) store.claim(ID, terms)).lease();
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static dev.perdure.session.jdbc.SqliteStore.release;
import static dev.perdure.session.jdbc.SqliteStore.statements;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.testkit.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Something happens between two statements of one verb: another store on the same file, at a hand-placed pause. */
class SqliteInterleavingTest {
    private final WorkerId ann = WorkerId.random();
    private final WorkerId bob = WorkerId.random();
    private final TestClock clock = TestClock.create();

    /** Run between the look for candidates and the lock on them. */
    private final AtomicReference<Runnable> beforeLock = new AtomicReference<>(() -> {});

    /** Run inside the holder's transaction, after its events are written and before the lease is given back. */
    private final AtomicReference<Runnable> beforeRelease = new AtomicReference<>(() -> {});

    @TempDir
    Path folder;

    private SessionStore paused;
    private SessionStore other;

    @BeforeEach
    void open() {
        SqliteOptions options = SqliteOptions.standard().clock(clock);
        other = JdbcSessionStore.sqlite(folder.resolve("s.db"), options);
        paused = JdbcSessionStore.sqlite(folder.resolve("s.db"), options, statements(Paused::new));
        opened(other, ID);
    }

    @AfterEach
    void close() {
        paused.close();
        other.close();
    }

    @Test
    void claimOfAnotherWorker_betweenLookAndLock_isLeftAlone() {
        other.post(ID, message("k"));
        beforeLock.set(() -> assertThat(ready(other, bob)).hasSize(1));

        assertThat(ready(paused, ann)).isEmpty();
        assertThat(other.find(ID).orElseThrow().findOwner()).contains(bob);
    }

    @Test
    void restOfTheHolder_betweenLookAndLock_isLeftAlone() {
        Lease slow = held(other, ID, bob);
        clock.advance(Duration.ofSeconds(15));
        beforeLock.set(() -> other.append(slow, end(other, ID), release(SessionStatus.IDLE, 0)));

        assertThat(ready(paused, ann)).isEmpty();
        assertThat(other.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
    }

    @Test
    void renewal_betweenLookAndLock_keepsTheLease() {
        Lease slow = held(other, ID, bob);
        clock.advance(Duration.ofSeconds(15));
        beforeLock.set(() -> other.renew(java.util.List.of(slow), Duration.ofSeconds(15)));

        assertThat(ready(paused, ann)).isEmpty();
        assertThat(other.find(ID).orElseThrow().findOwner()).contains(bob);
    }

    @Test
    void delete_betweenLookAndLock_isLeftAlone() {
        other.post(ID, message("k"));
        beforeLock.set(() -> other.delete(ID));

        assertThat(ready(paused, ann)).isEmpty();
    }

    @Test
    void post_duringARelease_waitsForIt_andWakesTheSession() {
        Lease lease = held(paused, ID, ann);
        AtomicReference<CompletableFuture<SessionStore.Posted>> post = new AtomicReference<>();
        beforeRelease.set(() -> post.set(CompletableFuture.supplyAsync(() -> other.post(ID, message("k")))));

        assertThat(paused.append(lease, end(paused, ID), release(SessionStatus.IDLE, 0)))
                .isInstanceOf(Appended.Ok.class);

        assertThat(post.get().join()).isEqualTo(new SessionStore.Posted.Accepted(1));
        assertThat(ready(other, bob)).hasSize(1);
    }

    @Test
    void deathInsideARelease_writesNothing() {
        Lease lease = held(paused, ID, ann);
        beforeRelease.set(() -> {
            throw new IllegalStateException("as if the process had died");
        });

        try {
            paused.append(lease, end(paused, ID), release(SessionStatus.IDLE, 0));
        } catch (IllegalStateException expected) {
            assertThat(expected).hasMessageContaining("died");
        }

        assertThat(other.read(ID, 0, 10)).hasSize(1);
        assertThat(other.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.RUNNING);
    }

    private final class Paused extends Statements {
        Paused(Dialect dialect) {
            super(dialect);
        }

        @Override
        String candidateRows() {
            beforeLock.get().run();
            return super.candidateRows();
        }

        @Override
        String change(Batch batch) {
            beforeRelease.get().run();
            return super.change(batch);
        }
    }
}

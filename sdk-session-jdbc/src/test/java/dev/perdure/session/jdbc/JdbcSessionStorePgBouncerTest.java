package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.SessionStoreContract;
import dev.perdure.testkit.TestClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** PostgreSQL behind PgBouncer in transaction mode, with server-side prepared statements off. */
@EnabledIf(
        value = "asked",
        disabledReason = "not asked for: no pgbouncer is installed (PERDURE_REQUIRE_PGBOUNCER makes that a failure)")
class JdbcSessionStorePgBouncerTest extends SessionStoreContract {
    private @Nullable Postgres postgres;

    static boolean asked() {
        return PgBouncer.installed() || "true".equals(System.getenv("PERDURE_REQUIRE_PGBOUNCER"));
    }

    @Override
    protected SessionStore open(InstantSource clock) {
        postgres = Postgres.throughPgBouncer(clock.instant());
        return JdbcSessionStore.of(postgres.pool());
    }

    @Override
    protected void elapse(TestClock clock, Duration time) {
        clock.advance(time);
        Objects.requireNonNull(postgres).setClock(clock.instant());
    }

    @AfterEach
    void drop() {
        Objects.requireNonNull(postgres).close();
    }

    @Test
    void serverSidePreparedStatements_areAnErrorThatNamesTheRemedy() {
        postgres = Postgres.throughPgBouncer(Instant.now());
        List<StoreException> errors = Collections.synchronizedList(new ArrayList<>());
        try (HikariDataSource preparing = postgres.preparing();
                SessionStore store = JdbcSessionStore.of(preparing)) {
            List<Thread> threads = Stream.generate(() -> new Thread(() -> read(store, errors)))
                    .limit(8)
                    .toList();
            threads.forEach(Thread::start);
            threads.forEach(JdbcSessionStorePgBouncerTest::join);
        } catch (StoreException e) {
            errors.add(e);
        }

        assertThat(errors).isNotEmpty().allMatch(e -> e.getMessage().contains("prepareThreshold=0"));
    }

    private static void read(SessionStore store, List<StoreException> errors) {
        for (int i = 0; i < 200 && errors.isEmpty(); i++) {
            try {
                opened(store, ID);
                store.read(ID, 0, 10);
            } catch (StoreException e) {
                errors.add(e);
            } catch (IllegalStateException e) {
                // Such a connection may come back to the pool inside a transaction; the store refuses it.
                return;
            }
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

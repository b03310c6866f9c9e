package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import dev.perdure.testkit.TestClock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class JdbcSessionStorePostgresTest extends SessionStoreContract {
    private @Nullable Postgres postgres;

    @Override
    protected SessionStore open(InstantSource clock) {
        postgres = Postgres.withClock(clock.instant());
        return JdbcSessionStore.of(postgres.pool(), JdbcOptions.standard().codec(codec()));
    }

    BodyCodec codec() {
        return BodyCodec.plain();
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
}

package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import dev.perdure.testkit.TestClock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class JdbcSessionStoreMariaDbTest extends SessionStoreContract {
    private @Nullable MariaDb mariadb;

    @Override
    protected SessionStore open(InstantSource clock) {
        mariadb = MariaDb.withClock(clock.instant());
        return JdbcSessionStore.of(source(mariadb), options(), wiring());
    }

    DataSource source(MariaDb database) {
        return database.pool();
    }

    JdbcOptions options() {
        return JdbcOptions.standard();
    }

    Server.Wiring wiring() {
        return SetClock.wiring();
    }

    @Override
    protected void elapse(TestClock clock, Duration time) {
        clock.advance(time);
        Objects.requireNonNull(mariadb).setClock(clock.instant());
    }

    @AfterEach
    void drop() {
        Objects.requireNonNull(mariadb).close();
    }
}

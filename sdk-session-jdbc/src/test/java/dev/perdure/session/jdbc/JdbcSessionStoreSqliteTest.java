package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.io.TempDir;

class JdbcSessionStoreSqliteTest extends SessionStoreContract {
    @TempDir
    Path folder;

    @Override
    protected SessionStore open(InstantSource clock) {
        return JdbcSessionStore.sqlite(
                folder.resolve("sessions.db"),
                SqliteOptions.standard().clock(clock).codec(codec()));
    }

    BodyCodec codec() {
        return BodyCodec.plain();
    }
}

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.SessionStoreContract;
import dev.perdure.testkit.TestClock;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

class JdbcSessionStoreH2Test extends SessionStoreContract {
    @TempDir
    Path folder;

    private @Nullable HikariDataSource pool;

    @Override
    protected SessionStore open(InstantSource clock) {
        HikariDataSource made = new HikariDataSource();
        pool = made;
        made.setJdbcUrl("jdbc:h2:" + folder.resolve("h2") + ";WRITE_DELAY=0");
        made.setMaximumPoolSize(24);
        sql("CREATE TABLE clock (millis BIGINT)", "INSERT INTO clock VALUES (" + clock.millis() + ")");
        return JdbcSessionStore.of(made, JdbcOptions.standard(), SetClock.wiring());
    }

    @Override
    protected void elapse(TestClock clock, Duration time) {
        clock.advance(time);
        sql("UPDATE clock SET millis = " + clock.millis());
    }

    private void sql(String... statements) {
        try (Connection connection = Objects.requireNonNull(pool).getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void close() {
        Objects.requireNonNull(pool).close();
    }
}

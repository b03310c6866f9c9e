package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.condition.EnabledIf;

/** Every statement is prepared on the server, as {@code useServerPrepStmts} of the driver has it. */
@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class JdbcSessionStoreMariaDbPreparedTest extends JdbcSessionStoreMariaDbTest {
    private @Nullable HikariDataSource preparing;

    @Override
    DataSource source(MariaDb database) {
        HikariDataSource made = database.preparing();
        preparing = made;
        return made;
    }

    @AfterEach
    void closePreparing() {
        HikariDataSource made = preparing;
        if (made != null) {
            made.close();
        }
    }
}

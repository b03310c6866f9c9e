package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.SessionStore;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.perdure.session.jdbc.MariaDb#asked",
        disabledReason = "not asked for: no mariadbd is installed (PERDURE_REQUIRE_MARIADB makes that a failure)")
class OperationsMariaDbTest extends OperationsContract {
    private final MariaDb mariadb = MariaDb.empty();

    @Override
    SessionStore opened(BodyCodec codec) {
        return JdbcSessionStore.of(mariadb.pool(), JdbcOptions.standard().codec(codec));
    }

    @Override
    Connection connection() throws SQLException {
        return mariadb.pool().getConnection();
    }

    @Override
    String query(String name) {
        return OperationsPage.read().query(name, 2);
    }

    @Override
    void drop() {
        mariadb.close();
    }
}

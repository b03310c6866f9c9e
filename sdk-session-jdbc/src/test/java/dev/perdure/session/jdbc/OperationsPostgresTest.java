package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.SessionStore;
import java.sql.Connection;
import java.sql.SQLException;

class OperationsPostgresTest extends OperationsContract {
    private final Postgres postgres = Postgres.empty();

    @Override
    SessionStore opened(BodyCodec codec) {
        return JdbcSessionStore.of(postgres.pool(), JdbcOptions.standard().codec(codec));
    }

    @Override
    Connection connection() throws SQLException {
        return postgres.pool().getConnection();
    }

    @Override
    String query(String name) {
        return OperationsPage.read().query(name, 1);
    }

    @Override
    void drop() {
        postgres.close();
    }
}

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import org.h2.api.Trigger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

class NoContentInFaultsH2Test extends NoContentInServerFaultsContract {
    @TempDir
    Path folder;

    /** Keeps the database open, with its settings: who may not change them may not name them. */
    private HikariDataSource keeper;

    private HikariDataSource pool;

    /** Says all that it is given. */
    public static final class Refusal implements Trigger {
        @Override
        public void fire(Connection connection, Object[] before, Object[] after) throws SQLException {
            Object[] told = Arrays.stream(after)
                    .map(value -> value instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : value)
                    .toArray();
            throw new SQLException("no " + Arrays.toString(told), "P0001");
        }
    }

    private HikariDataSource pool(String user, String settings) {
        HikariDataSource made = new HikariDataSource();
        made.setJdbcUrl("jdbc:h2:" + folder.resolve("h2") + settings);
        made.setUsername(user);
        made.setPassword("");
        made.setMaximumPoolSize(4);
        return made;
    }

    @Override
    JdbcSessionStore open() throws SQLException {
        keeper = pool("sa", ";WRITE_DELAY=0");
        JdbcSessionStore.of(keeper).close();
        sql("CREATE USER worker PASSWORD ''");
        for (String table :
                new String[] {"schema", "session", "event", "inbox", "question", "snapshot", "blob", "key"}) {
            sql("GRANT SELECT, INSERT, UPDATE, DELETE ON perdure_" + table + " TO worker");
        }
        pool = pool("worker", "");
        return JdbcSessionStore.of(pool, JdbcOptions.standard().busyTimeout(BUSY));
    }

    @Override
    Connection connection() throws SQLException {
        return pool.getConnection();
    }

    @Override
    void sql(String... statements) throws SQLException {
        try (Connection connection = keeper.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(
                        sql.replace(" RENAME COLUMN ", " ALTER COLUMN ").replace(" TO gone", " RENAME TO gone"));
            }
        }
    }

    @Override
    void refuseWrites(String table, String column) throws SQLException {
        sql("CREATE TRIGGER refuse BEFORE INSERT, UPDATE ON " + table + " FOR EACH ROW CALL '" + Refusal.class.getName()
                + "'");
    }

    @Override
    void refuseRows(String table) throws SQLException {
        sql("ALTER TABLE " + table + " ADD CONSTRAINT never CHECK (current_user = 'SA') NOCHECK");
    }

    @Override
    void revokeInserts(String table) throws SQLException {
        sql("REVOKE INSERT ON " + table + " FROM worker");
    }

    @AfterEach
    void drop() {
        pool.close();
        keeper.close();
    }
}

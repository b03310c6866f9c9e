package dev.perdure.session.jdbc;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.io.TempDir;

/** SQLite quotes no row, and gives no rights; a trigger can say only what stands in it. */
class NoContentInFaultsSqliteTest extends NoContentInFaultsContract {
    @TempDir
    Path folder;

    @Override
    JdbcSessionStore open() {
        return JdbcSessionStore.sqlite(
                folder.resolve("s.db"), SqliteOptions.standard().busyTimeout(BUSY));
    }

    @Override
    Connection connection() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("s.db"));
    }

    @Override
    void sql(String... statements) throws SQLException {
        SqliteStore.sql(folder.resolve("s.db"), statements);
    }

    @Override
    void refuseWrites(String table, String column) throws SQLException {
        for (String event : new String[] {"INSERT", "UPDATE"}) {
            sql("CREATE TRIGGER refuse_" + event + " BEFORE " + event + " ON " + table
                    + " BEGIN SELECT RAISE(ABORT, 'no " + MARKER + " in " + table + "'); END");
        }
    }

    @Override
    void refuseRows(String table) throws SQLException {
        sql(
                "PRAGMA ignore_check_constraints = ON",
                "ALTER TABLE " + table + " ADD COLUMN never INTEGER CHECK (ifnull(never, 0) > 0)");
    }
}

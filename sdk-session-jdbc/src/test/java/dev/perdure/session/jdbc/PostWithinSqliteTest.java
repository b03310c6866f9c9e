package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.sql;

import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteDataSource;

class PostWithinSqliteTest extends PostWithinContract {
    @TempDir
    Path folder;

    @Override
    JdbcSessionStore open() throws SQLException {
        JdbcSessionStore store = JdbcSessionStore.sqlite(folder.resolve("s.db"));
        sql(folder.resolve("s.db"), "CREATE TABLE orders (id INTEGER)");
        return store;
    }

    @Override
    DataSource source() {
        SQLiteDataSource source = new SQLiteDataSource();
        source.setUrl("jdbc:sqlite:" + folder.resolve("s.db"));
        return source;
    }
}

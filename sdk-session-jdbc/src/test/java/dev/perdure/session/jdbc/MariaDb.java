package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A real MariaDB that flushes at each commit, one for all tests of this JVM; each test has a database of its own in it. */
final class MariaDb implements AutoCloseable {
    private static final AtomicInteger DATABASES = new AtomicInteger();

    private final String database;
    private final HikariDataSource pool;

    /** Started when the first test needs it, stopped with the JVM. */
    private static final class Running {
        static final MariaServer SERVER = start();

        private static MariaServer start() {
            try {
                return MariaServer.start(Files.createTempDirectory("perdure-mariadb"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private MariaDb(String database) {
        this.database = database;
        this.pool = pool(24, Map.of());
    }

    static boolean asked() {
        return MariaServer.installed() || "true".equals(System.getenv("PERDURE_REQUIRE_MARIADB"));
    }

    static MariaDb empty() {
        String database = "t" + DATABASES.incrementAndGet();
        execute("", "CREATE DATABASE " + database);
        return new MariaDb(database);
    }

    /** With a table for {@link SetClock}. */
    static MariaDb withClock(Instant now) {
        MariaDb made = empty();
        made.sql("CREATE TABLE clock (millis BIGINT)", "INSERT INTO clock VALUES (" + now.toEpochMilli() + ")");
        return made;
    }

    void setClock(Instant now) {
        sql("UPDATE clock SET millis = " + now.toEpochMilli());
    }

    HikariDataSource pool() {
        return pool;
    }

    /** As users have it who want fewer texts sent: statements are prepared on the server. */
    HikariDataSource preparing() {
        HikariConfig config = config(24);
        config.addDataSourceProperty("useServerPrepStmts", "true");
        return new HikariDataSource(config);
    }

    HikariDataSource pool(int size, Map<String, String> session) {
        HikariConfig config = config(size);
        if (!session.isEmpty()) {
            List<String> settings = new ArrayList<>();
            session.forEach((name, value) -> settings.add(name + "=" + value));
            config.addDataSourceProperty("sessionVariables", String.join(",", settings));
        }
        return new HikariDataSource(config);
    }

    private HikariConfig config(int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url(database));
        config.setUsername("root");
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        return config;
    }

    String database() {
        return database;
    }

    /** On a connection that the store knows nothing of. */
    void sql(String... statements) {
        execute(database, statements);
    }

    /** The first column of the first row, or {@code none}. */
    String query(String sql) {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "none";
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    /** As a client prints them: columns between bars. */
    List<String> rowsOf(String sql) {
        List<String> rows = new ArrayList<>();
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                StringBuilder text = new StringBuilder("| ");
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    text.append(row.getString(i)).append(" | ");
                }
                rows.add(text.toString());
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    /** Holds each insert into {@code table} back, in the middle of its statement, until the gate is opened. */
    Gate holdInsertsBack(String table) {
        Gate gate = new Gate();
        sql("CREATE TRIGGER hold_back BEFORE INSERT ON " + table + " FOR EACH ROW" + " SET @held = get_lock('"
                + database + "', 30) + release_lock('" + database + "')");
        return gate;
    }

    /** Closed from its making on. */
    final class Gate implements AutoCloseable {
        private final Connection holder;

        private Gate() {
            try {
                holder = connect(database);
                holder.createStatement().execute("SELECT get_lock('" + database + "', 30)");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        void awaitHeldBack() {
            await("SELECT count(*) FROM information_schema.processlist WHERE state = 'User lock' AND db = '" + database
                    + "'");
        }

        /** For a lock of a row. */
        void awaitLockWait() {
            await("SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
                    + " ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = '" + database + "'");
        }

        private void await(String waiting) {
            long start = System.nanoTime();
            while (!query(waiting).equals("1")) {
                // The server shows its transactions anew only to those who have not asked for 100 ms.
                LockSupport.parkNanos(200_000_000);
                if (System.nanoTime() - start > 10_000_000_000L) {
                    throw new AssertionError("nobody waits within 10 s: " + waiting);
                }
            }
        }

        void open() {
            try {
                holder.createStatement().execute("SELECT release_all_locks()");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            try {
                holder.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Ends every connection to this database, as a restart would. */
    void cutConnections() {
        List<String> ids = new ArrayList<>();
        try (Connection connection = connect("");
                Statement statement = connection.createStatement()) {
            try (ResultSet row = statement.executeQuery(
                    "SELECT id FROM information_schema.processlist WHERE db = '" + database + "'")) {
                while (row.next()) {
                    ids.add(row.getString(1));
                }
            }
            for (String id : ids) {
                statement.execute("KILL CONNECTION " + id);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    static String url(String database) {
        return Running.SERVER.url(database);
    }

    private static Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(url(database), "root", "");
    }

    private static void execute(String database, String... statements) {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(String.join("; ", statements), e);
        }
    }

    @Override
    public void close() {
        pool.close();
        execute("", "DROP DATABASE " + database);
    }
}

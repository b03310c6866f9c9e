package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.testkit.crash.CrashServer;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A real PostgreSQL with fsync on, one for all tests of this JVM; each test has a schema of its own in it. */
final class Postgres implements AutoCloseable {
    private static final AtomicInteger SCHEMAS = new AtomicInteger();

    private final String schema;
    private final HikariDataSource pool;

    /** Started when the first test needs it, stopped with the JVM. */
    private static final class Server {
        static final EmbeddedPostgres RUNNING = start();

        private static EmbeddedPostgres start() {
            try {
                return durable().setServerConfig("max_connections", "100").start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Without these settings it would say nothing about durability: the library switches them off. */
    static EmbeddedPostgres.Builder durable() {
        return EmbeddedPostgres.builder()
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on");
    }

    private Postgres(String schema, HikariDataSource pool) {
        this.schema = schema;
        this.pool = pool;
    }

    /** An empty schema, with the server's clock. */
    static Postgres empty() {
        String schema = "t" + SCHEMAS.incrementAndGet();
        execute("CREATE SCHEMA " + schema);
        return new Postgres(schema, pool(schema, schema, 24, Map.of()));
    }

    /**
     * An empty schema whose {@code clock_timestamp()} stands still at what {@link #setClock} says: the statements are those of production, and only
     * what the server's clock answers is the test's.
     */
    static Postgres withClock(Instant now) {
        String schema = schemaWithClock();
        Postgres postgres = new Postgres(schema, pool(schema, schema + ", pg_catalog", 24, Map.of()));
        postgres.setClock(now);
        return postgres;
    }

    /** An empty schema whose {@code clock_timestamp()} goes on like the server's, and is wrong by {@code skew}. */
    static Postgres skewed(Duration skew) {
        String schema = "t" + SCHEMAS.incrementAndGet();
        execute(
                "CREATE SCHEMA " + schema,
                "CREATE FUNCTION " + schema + ".clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS"
                        + " $$ SELECT pg_catalog.clock_timestamp() + interval '" + skew.toSeconds() + " s' $$");
        return new Postgres(schema, pool(schema, schema + ", pg_catalog", 24, Map.of()));
    }

    /** The same behind PgBouncer. What is set on one of its connections is not there on the next, so that the user's settings lead to the schema. */
    static Postgres throughPgBouncer(Instant now) {
        String schema = schemaWithClock();
        execute(
                "CREATE ROLE " + schema + " SUPERUSER LOGIN",
                "ALTER ROLE " + schema + " SET search_path = " + schema + ", pg_catalog");
        Postgres postgres = new Postgres(schema, pooled(schema, "0"));
        postgres.setClock(now);
        return postgres;
    }

    /** A user whose settings lead to an empty schema, for whoever has nothing but a user's name. */
    static String userOfAnEmptySchema() {
        String schema = "t" + SCHEMAS.incrementAndGet();
        execute(
                "CREATE SCHEMA " + schema,
                "CREATE ROLE " + schema + " SUPERUSER LOGIN",
                "ALTER ROLE " + schema + " SET search_path = " + schema);
        return schema;
    }

    /** As a user would have it who does not know: with prepared statements on the server from the second use on. */
    HikariDataSource preparing() {
        return pooled(schema, "1");
    }

    private static HikariDataSource pooled(String user, String prepareThreshold) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + PgBouncer.port() + "/postgres");
        config.setUsername(user);
        config.addDataSourceProperty("prepareThreshold", prepareThreshold);
        config.setMaximumPoolSize(24);
        config.setMinimumIdle(1);
        return new HikariDataSource(config);
    }

    private static String schemaWithClock() {
        String schema = "t" + SCHEMAS.incrementAndGet();
        execute(
                "CREATE SCHEMA " + schema,
                "CREATE TABLE " + schema + ".clock (now timestamptz NOT NULL)",
                "INSERT INTO " + schema + ".clock VALUES (to_timestamp(0))",
                "CREATE FUNCTION " + schema + ".clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS"
                        + " 'SELECT now FROM " + schema + ".clock'");
        return schema;
    }

    void setClock(Instant now) {
        sql("UPDATE clock SET now = to_timestamp(" + now.toEpochMilli() + " / 1000.0)");
    }

    HikariDataSource pool() {
        return pool;
    }

    /** On a connection that the store knows nothing of. */
    void sql(String... statements) {
        String[] all = new String[statements.length + 1];
        all[0] = "SET search_path = " + schema;
        System.arraycopy(statements, 0, all, 1, statements.length);
        execute(all);
    }

    /** The first column of the first row, or {@code none}. */
    String query(String sql) {
        try (Connection connection = Server.RUNNING.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = " + schema);
            try (ResultSet row = statement.executeQuery(sql)) {
                return row.next() ? String.valueOf(row.getString(1)) : "none";
            }
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    String schema() {
        return schema;
    }

    /** Another pool on this schema. */
    HikariDataSource pool(Map<String, String> properties) {
        return pool(schema, schema, 4, properties);
    }

    /** A pool whose connections go through a proxy, and time out soon. Each statement is sent with its text, so that the proxy can tell which it is. */
    HikariDataSource through(TcpProxy proxy, int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + proxy.port() + "/postgres?user=postgres");
        Map.of("ApplicationName", schema, "prepareThreshold", "0", "connectTimeout", "2", "socketTimeout", "2")
                .forEach(config::addDataSourceProperty);
        config.setConnectionInitSql("SET search_path = " + schema);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(500);
        config.setValidationTimeout(300);
        return new HikariDataSource(config);
    }

    HikariDataSource pool(int size) {
        return pool(schema, schema, size, Map.of());
    }

    /** Holds each insert into {@code table} back, in the middle of its statement, until the gate is opened. */
    Gate holdInsertsBack(String table) {
        sql(
                "CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_advisory_xact_lock_shared(" + schema.hashCode() + "); RETURN NEW; END'",
                "CREATE TRIGGER hold_back BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION hold_back()");
        return new Gate();
    }

    /** Closed from its making on. */
    final class Gate implements AutoCloseable {
        private final Connection holder;

        private Gate() {
            try {
                holder = Server.RUNNING.getPostgresDatabase().getConnection();
                execute("SELECT pg_advisory_lock(" + schema.hashCode() + ")");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        private void execute(String sql) throws SQLException {
            try (Statement statement = holder.createStatement()) {
                statement.execute(sql);
            }
        }

        void awaitHeldBack(int statements) {
            await("wait_event = 'advisory'", statements);
        }

        /** For locks of every kind, those of the gate included. */
        void awaitWaiting(int statements) {
            await("wait_event_type = 'Lock'", statements);
        }

        private void await(String condition, int statements) {
            String waiting =
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + schema + "' AND " + condition;
            long start = System.nanoTime();
            while (!query(waiting).equals(Integer.toString(statements))) {
                if (System.nanoTime() - start > 10_000_000_000L) {
                    throw new AssertionError("not " + statements + " statements within 10 s where " + condition);
                }
            }
        }

        void open() {
            try {
                execute("SELECT pg_advisory_unlock_all()");
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

    /** Ends every connection to this schema, as a restart would. */
    void cutConnections() {
        execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity" + " WHERE application_name = '" + schema
                + "' AND pid <> pg_backend_pid()");
    }

    String plan(String sql) {
        try (Connection connection = Server.RUNNING.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = " + schema);
            statement.execute("SET enable_seqscan = off");
            StringBuilder plan = new StringBuilder();
            try (ResultSet row = statement.executeQuery("EXPLAIN " + sql)) {
                while (row.next()) {
                    plan.append(row.getString(1)).append('\n');
                }
            }
            return plan.toString();
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    static int port() {
        return Server.RUNNING.getPort();
    }

    /** For the crash harness, which must not kill it: other tests use it. */
    static CrashServer crashServer() {
        return new RunningServer(port());
    }

    static String url() {
        return Server.RUNNING.getJdbcUrl("postgres", "postgres");
    }

    private static HikariDataSource pool(String schema, String path, int size, Map<String, String> properties) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url());
        config.addDataSourceProperty("ApplicationName", schema);
        properties.forEach(config::addDataSourceProperty);
        config.setConnectionInitSql("SET search_path = " + path);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(1_000);
        return new HikariDataSource(config);
    }

    private static void execute(String... statements) {
        try (Connection connection = Server.RUNNING.getPostgresDatabase().getConnection();
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
        execute("DROP SCHEMA " + schema + " CASCADE");
    }
}

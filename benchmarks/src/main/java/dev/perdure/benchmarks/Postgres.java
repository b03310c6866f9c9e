package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A real PostgreSQL, with fsync on and its own settings otherwise, started for one benchmark. */
final class Postgres implements AutoCloseable {
    private static final long FLUSHING_NANOS = 500_000_000;
    private static final int WAL_PAGE = 8_192;

    private final EmbeddedPostgres server;
    private final HikariDataSource pool;

    private Postgres(EmbeddedPostgres server, HikariDataSource pool) {
        this.server = server;
        this.pool = pool;
    }

    /** Says on {@code out} which, on what disk and with which settings. */
    static Postgres start(int connections, PrintStream out) throws IOException, SQLException {
        // The library switches these off, for tests that are to be fast.
        EmbeddedPostgres server = EmbeddedPostgres.builder()
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("shared_buffers", "256MB")
                .setServerConfig("max_wal_size", "4GB")
                .start();
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(server.getJdbcUrl("postgres", "postgres"));
        // One more, which the store keeps for its leases.
        config.setMaximumPoolSize(connections + 1);
        config.setMinimumIdle(connections + 1);
        Postgres postgres = new Postgres(server, new HikariDataSource(config));
        postgres.describe(out);
        return postgres;
    }

    private void describe(PrintStream out) throws IOException, SQLException {
        Path folder = Path.of(query("SHOW data_directory")).toAbsolutePath().getParent();
        out.println(query("SELECT version()"));
        out.println(query("SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) FROM pg_settings"
                        + " WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers',"
                        + " 'max_wal_size', 'wal_sync_method')")
                + ", " + Math.round(flushesPerSecond(Files.createTempFile(folder, "flush", ".tmp")))
                + " flushes/s of 8 KB by one writer on its disk");
    }

    /** As pg_test_fsync does it: the same page written and flushed again and again. */
    private static double flushesPerSecond(Path file) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
            ByteBuffer page = ByteBuffer.allocateDirect(WAL_PAGE);
            long start = System.nanoTime();
            int flushes = 0;
            while (System.nanoTime() - start < FLUSHING_NANOS) {
                channel.write(page.rewind(), 0);
                channel.force(false);
                flushes++;
            }
            return flushes / ((System.nanoTime() - start) / 1e9);
        }
    }

    HikariDataSource pool() {
        return pool;
    }

    String url() {
        return server.getJdbcUrl("postgres", "postgres");
    }

    /** Another pool, whose round trips {@link RoundTrips} counts and makes longer. */
    HikariDataSource pool(int connections, int delayMicros) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url());
        config.addDataSourceProperty("socketFactory", RoundTrips.class.getName());
        config.addDataSourceProperty("socketFactoryArg", Integer.toString(delayMicros));
        config.setMaximumPoolSize(connections);
        return new HikariDataSource(config);
    }

    void execute(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    String query(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    long number(String sql) throws SQLException {
        return Long.parseLong(query(sql));
    }

    /** What a table takes on disk by now with all that belongs to it, after all of it has been written there. */
    long size(String table) throws SQLException {
        execute("CHECKPOINT");
        return number("SELECT pg_total_relation_size('" + table + "')");
    }

    /** What is no longer needed stays where it is, so that what a table has taken can be seen. */
    void neverVacuum(String table, boolean largeValues) throws SQLException {
        execute("ALTER TABLE " + table + " SET (autovacuum_enabled = off"
                + (largeValues ? ", toast.autovacuum_enabled = off)" : ")"));
    }

    @Override
    public void close() throws IOException {
        pool.close();
        server.close();
    }
}

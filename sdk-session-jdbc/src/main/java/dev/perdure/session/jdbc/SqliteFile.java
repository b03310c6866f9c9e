package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteJDBCLoader;

/** Opens a SQLite file: looks at it before it touches it, sets it up, and reads back what the settings really are. */
final class SqliteFile {
    private final Path file;
    private final SqliteOptions options;
    private final Wiring wiring;
    private final SqliteDialect dialect = new SqliteDialect();
    private final Faults faults;

    /** What tests replace. */
    record Wiring(
            UnaryOperator<DataSource> source,
            Consumer<SQLiteDataSource> driver,
            Function<Dialect, Statements> statements) {
        static final Wiring SHIPPED = new Wiring(UnaryOperator.identity(), source -> {}, Statements::new);
    }

    SqliteFile(Path file, SqliteOptions options, Wiring wiring) {
        this.file = real(file);
        this.options = options;
        this.wiring = wiring;
        this.faults = new Faults(
                dialect,
                Tables.STANDARD,
                this.file.toString(),
                () -> "all were in use for longer than the busy timeout; try again, or allow a longer one");
    }

    JdbcSessionStore open() {
        requireWritable();
        requireDriver();
        prepare();
        Database database = null;
        try {
            database = database();
            database.read(null, this::check);
        } catch (RuntimeException e) {
            if (database != null) {
                database.close();
            }
            throw faults.translate(e, null);
        }
        WorkerFiles workers = new WorkerFiles(locks());
        workers.sweep();
        return new JdbcSessionStore(
                database,
                wiring.statements().apply(dialect),
                workers,
                SqliteSettings.guarantees(options),
                options.codec(),
                Hints.NONE);
    }

    /** SQLite would open it all the same, and leave a -wal and -shm beside it that its owner may then be unable to write. */
    private void requireWritable() {
        if (Files.exists(file) && !Files.isWritable(file)) {
            throw StoreException.unusable(
                    "the SQLite database " + file
                            + " cannot be written by this process; make it writable, or run this process as its owner",
                    null,
                    null);
        }
    }

    /** A connection would say no more than that it could not be opened. */
    private static void requireDriver() {
        try {
            SQLiteJDBCLoader.initialize();
        } catch (Exception e) {
            String folder = System.getProperty("org.sqlite.tmpdir", System.getProperty("java.io.tmpdir"));
            throw StoreException.unusable(
                    "SQLite's driver cannot unpack and load its native library in " + folder + " (" + e.getMessage()
                            + "); name a folder where files can be written and executed: -Dorg.sqlite.tmpdir=FOLDER",
                    null,
                    e);
        }
    }

    private Void check(Handle handle) {
        SqliteSettings.check(handle, options.synchronous(), file);
        return null;
    }

    /** On a connection of its own: until the file is known to be ours, nothing is written. */
    private void prepare() {
        Jdbi jdbi = jdbi(source()::getConnection);
        try {
            jdbi.useHandle(handle -> SqliteSettings.prepare(handle));
            new Migrations(dialect, Tables.STANDARD, faults)
                    .run(jdbi, options.clock().millis());
        } catch (RuntimeException e) {
            throw faults.translate(e, null);
        }
    }

    private Database database() {
        return Database.oneWriter(
                pool("readers", options.readers()),
                pool("writer", 1),
                pool("leases", 1),
                this::jdbi,
                dialect,
                faults,
                options.busyTimeout(),
                options.clock());
    }

    private Database.Pool pool(String name, int size) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("perdure-sqlite-" + name);
        config.setDataSource(wiring.source().apply(source()));
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setMaxLifetime(0);
        config.setConnectionTimeout(options.busyTimeout().toMillis());
        HikariDataSource connections = new HikariDataSource(config);
        return new Database.Pool(connections::getConnection, jdbi(connections::getConnection), connections::close);
    }

    private Jdbi jdbi(ConnectionFactory connections) {
        Jdbi jdbi = Jdbi.create(connections);
        jdbi.setTransactionHandler(new SpelledTransactions(dialect.begin()));
        jdbi.getConfig(SqlStatements.class).setUnusedBindingAllowed(true);
        // It would tell what was to be written.
        jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
        return jdbi;
    }

    private SQLiteDataSource source() {
        SQLiteConfig config = new SQLiteConfig();
        config.setSynchronous(
                SQLiteConfig.SynchronousMode.valueOf(options.synchronous().name()));
        config.enforceForeignKeys(true);
        config.setBusyTimeout((int) options.busyTimeout().toMillis());
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        wiring.driver().accept(source);
        return source;
    }

    /** Beside the file's one name, so that everybody finds the same; a link has led to that only since the file is there. */
    private Path locks() {
        try {
            Path made = file.toRealPath();
            return made.resolveSibling(made.getFileName() + "-workers");
        } catch (IOException e) {
            throw StoreException.unusable("the file " + file + " cannot be looked at", null, e);
        }
    }

    /** The name of the file by which it is opened and named in messages. */
    private static Path real(Path file) {
        Path absolute = file.toAbsolutePath().normalize();
        Path folder = absolute.getParent();
        if (folder == null || Files.isDirectory(absolute)) {
            throw StoreException.unusable(absolute + " is a folder; name a file in it", null, null);
        }
        if (absolute.toString().contains("?")) {
            throw new IllegalArgumentException("the driver cannot open a file with a ? in its name: " + absolute);
        }
        if (!Files.isDirectory(folder)) {
            throw StoreException.unusable(
                    "there is no folder " + folder + " for the database " + absolute.getFileName() + "; make it first",
                    null,
                    null);
        }
        try {
            return Files.exists(absolute)
                    ? absolute.toRealPath()
                    : folder.toRealPath().resolve(absolute.getFileName());
        } catch (IOException e) {
            throw StoreException.unusable("the file " + absolute + " cannot be looked at", null, e);
        }
    }
}

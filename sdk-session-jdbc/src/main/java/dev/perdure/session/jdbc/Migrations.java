package dev.perdure.session.jdbc;

import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/**
 * Brings a database to the newest schema, once, at open. Migrations only add, so that an older version of the library goes on
 * working beside a newer one; one that could not says so in {@code oldest_reader}.
 */
final class Migrations {
    private static final String REGISTER = """
            CREATE TABLE IF NOT EXISTS perdure_schema (
              version       INTEGER PRIMARY KEY,
              name          VARCHAR(200) NOT NULL,
              oldest_reader INTEGER NOT NULL,
              applied_at    BIGINT  NOT NULL)""";

    private static final Pattern END = Pattern.compile(";\\s*\\n");

    private final Dialect dialect;
    private final Tables tables;
    private final String place;

    Migrations(Dialect dialect, Tables tables, String place) {
        this.dialect = dialect;
        this.tables = tables;
        this.place = place;
    }

    /** Writes nothing when nothing is missing. */
    void run(Jdbi jdbi, long now) {
        int known = dialect.migrations().size();
        if (jdbi.withHandle(this::version) < known) {
            jdbi.useTransaction(handle -> {
                if (!lock(handle, dialect.schemaLock())) {
                    throw StoreException.unavailable(
                            "the database " + place
                                    + " is having its tables made by another process for long; try again",
                            null,
                            null);
                }
                try {
                    apply(handle, now);
                } finally {
                    lock(handle, dialect.schemaUnlock());
                }
            });
        }
    }

    /**
     * All that {@link #run} would do to an empty database, for somebody else to do it.
     *
     * @param now the clock, in SQL
     */
    static String script(Dialect dialect, Tables tables, String now) {
        StringBuilder script = new StringBuilder(tables.in(REGISTER)).append(";\n\n");
        List<String> names = dialect.migrations();
        for (int version = 1; version <= names.size(); version++) {
            String name = names.get(version - 1);
            script.append(tables.in(dialect.migration(text(name))))
                    .append('\n')
                    .append(tables.in("INSERT INTO perdure_schema (version, name, oldest_reader, applied_at)"))
                    .append("\n  VALUES (%d, '%s', 1, %s);\n".formatted(version, name, now));
        }
        return script.toString();
    }

    /** False when the database says 0, which is that the lock was not to be had in time. */
    private static boolean lock(Handle handle, String sql) {
        return sql.isEmpty()
                || !handle.createQuery(sql)
                        .mapTo(String.class)
                        .findOne()
                        .orElse("")
                        .equals("0");
    }

    /** Looks again under the lock: another process may have done it meanwhile. */
    private void apply(Handle handle, long now) {
        handle.execute(REGISTER);
        List<String> names = dialect.migrations();
        for (int version = version(handle) + 1; version <= names.size(); version++) {
            String name = names.get(version - 1);
            execute(handle, tables.in(dialect.migration(text(name))));
            handle.execute(
                    "INSERT INTO perdure_schema (version, name, oldest_reader, applied_at) VALUES (?, ?, 1, ?)",
                    version,
                    name,
                    now);
        }
    }

    /** Past JDBI, which would put the names of the tables in twice. */
    private static void execute(Handle handle, String script) {
        try (Statement statement = handle.getConnection().createStatement()) {
            for (String sql : END.split(script, -1)) {
                if (!sql.isBlank()) {
                    statement.execute(sql);
                }
            }
        } catch (SQLException e) {
            throw new UnableToExecuteStatementException(e, null);
        }
    }

    /** Version of the schema that is there; 0 for none. */
    private int version(Handle handle) {
        if (!exists(handle)) {
            return 0;
        }
        int known = dialect.migrations().size();
        Found found = handle.createQuery("SELECT max(version), max(oldest_reader) FROM perdure_schema")
                .map((row, context) -> new Found(row.getInt(1), row.getInt(2)))
                .one();
        if (found.oldestReader() > known) {
            throw StoreException.unusable(
                    "the database " + place + " has schema version " + found.version()
                            + ", which needs a Perdure that knows at least version " + found.oldestReader()
                            + "; this one knows up to " + known + ": upgrade it",
                    null,
                    null);
        }
        return found.version();
    }

    private boolean exists(Handle handle) {
        return handle.createQuery(dialect.findSchema())
                .bind("schema", tables.schema())
                .bind("table", tables.named("schema"))
                .mapTo(Integer.class)
                .findFirst()
                .isPresent();
    }

    private static String text(String name) {
        try (InputStream in = Migrations.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + name + " from the jar", e);
        }
    }

    private record Found(int version, int oldestReader) {}
}

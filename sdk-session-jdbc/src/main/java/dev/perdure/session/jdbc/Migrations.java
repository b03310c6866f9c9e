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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
    private static final String SCHEMA = "schema";
    private static final Pattern END = Pattern.compile(";\\s*\\n");

    private final Dialect dialect;
    private final Tables tables;
    private final Faults faults;

    Migrations(Dialect dialect, Tables tables, Faults faults) {
        this.dialect = dialect;
        this.tables = tables;
        this.faults = faults;
    }

    /** Writes nothing when nothing is missing. */
    void run(Jdbi jdbi, long now) {
        int known = dialect.migrations().size();
        int found = jdbi.withHandle(this::version);
        if (found < known) {
            try {
                jdbi.useTransaction(handle -> migrate(handle, now));
            } catch (RuntimeException e) {
                throw faults.of(e) == Dialect.Fault.FORBIDDEN ? notAllowed(found, e) : e;
            }
        }
        jdbi.useHandle(this::requireTables);
    }

    private void migrate(Handle handle, long now) {
        if (!lock(handle, dialect.schemaLock())) {
            throw StoreException.unavailable(
                    faults.at("is having its tables made by another process for long; try again"), null, null);
        }
        try {
            apply(handle, now);
        } finally {
            lock(handle, dialect.schemaUnlock());
        }
    }

    private StoreException notAllowed(int found, RuntimeException e) {
        int known = dialect.migrations().size();
        String names = tables == Tables.STANDARD ? "" : ", with the same schema and prefix";
        String what = found == 0
                ? "has no tables of sessions, and this user may not make them: have somebody who may run what"
                        + " JdbcSessionStore.ddl gives (examples/run ddl" + names + ")"
                : "has schema version " + found + ", and this version of Perdure needs " + known
                        + ", but this user may not change tables: have somebody who may run what JdbcSessionStore.ddl gives"
                        + " for what comes after version " + found + " (examples/run ddl --from " + found + names + ")";
        return StoreException.unusable(
                faults.at(what), null, faults.translate(e, null).getCause());
    }

    /** Says which table was dropped, or left out of a backup, before a session runs into it. */
    private void requireTables(Handle handle) {
        try {
            handle.createQuery("SELECT 1 FROM perdure_"
                            + String.join(" CROSS JOIN perdure_", Tables.OF_SESSIONS)
                            + " WHERE 1 = 0")
                    .mapTo(Integer.class)
                    .list();
        } catch (RuntimeException e) {
            if (faults.of(e) != Dialect.Fault.MISSING) {
                throw e;
            }
            List<String> missing = Tables.OF_SESSIONS.stream()
                    .filter(table -> !exists(handle, table))
                    .map(tables::named)
                    .toList();
            throw missing.isEmpty()
                    ? e
                    : StoreException.unusable(
                            faults.at("lacks " + String.join(", ", missing) + ", which its schema version "
                                    + version(handle) + " has: restore all tables from one backup"),
                            null,
                            faults.translate(e, null).getCause());
        }
    }

    /**
     * All that {@link #run} would do to a database, for somebody else to do it.
     *
     * @param from the version that it has; 0 for an empty one
     * @param now the clock, in SQL
     */
    static String script(Dialect dialect, Tables tables, int from, String now) {
        List<String> names = dialect.migrations();
        if (from < 0 || from > names.size()) {
            throw new IllegalArgumentException(
                    "a schema has version 0, which is none, to " + names.size() + ", but this is " + from);
        }
        StringBuilder script = new StringBuilder(from == 0 ? tables.in(REGISTER) + ";\n\n" : "");
        for (int version = from + 1; version <= names.size(); version++) {
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
        int found = version(handle);
        requireNoStrangers(handle);
        handle.execute(REGISTER);
        List<String> names = dialect.migrations();
        for (int version = found + 1; version <= names.size(); version++) {
            String name = names.get(version - 1);
            execute(handle, tables.in(dialect.migration(text(name))));
            handle.execute(
                    "INSERT INTO perdure_schema (version, name, oldest_reader, applied_at) VALUES (?, ?, 1, ?)",
                    version,
                    name,
                    now);
        }
        if (found < names.size()) {
            LOG.info(
                    "{}: tables {} brought from schema version {} to {}",
                    faults.place(),
                    tables.in("perdure_…"),
                    found,
                    names.size());
        }
    }

    /** Ours have come after the schema's own table always, so that without it they are somebody else's, or only a part. */
    private void requireNoStrangers(Handle handle) {
        for (String table : Tables.OF_SESSIONS) {
            if (exists(handle, table) && !exists(handle, SCHEMA)) {
                throw StoreException.unusable(
                        faults.at("has a table " + tables.named(table) + ", but no " + tables.named(SCHEMA)
                                + ": if it is a part of a backup, restore all tables; if it is another program's, choose"
                                + " other names by JdbcOptions.tablePrefix or JdbcOptions.schema"),
                        null,
                        null);
            }
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
        if (!exists(handle, SCHEMA)) {
            return 0;
        }
        int known = dialect.migrations().size();
        Found found = look(handle);
        if (found.oldestReader() > known) {
            throw StoreException.unusable(
                    faults.at("has schema version " + found.version()
                            + ", which needs a Perdure that knows at least version " + found.oldestReader()
                            + "; this one knows up to " + known + ": upgrade it"),
                    null,
                    null);
        }
        return found.version();
    }

    private Found look(Handle handle) {
        try {
            return handle.createQuery("SELECT max(version), max(oldest_reader) FROM perdure_schema")
                    .map((row, context) -> new Found(row.getInt(1), row.getInt(2)))
                    .one();
        } catch (RuntimeException e) {
            throw faults.of(e) == Dialect.Fault.MISSING
                    ? StoreException.unusable(
                            faults.at("has a table " + tables.named(SCHEMA) + " that is another program's: choose other"
                                    + " names by JdbcOptions.tablePrefix or JdbcOptions.schema"),
                            null,
                            faults.translate(e, null).getCause())
                    : e;
        }
    }

    private boolean exists(Handle handle, String table) {
        return handle.createQuery(dialect.findTable())
                .bind("schema", tables.schema())
                .bind("table", tables.named(table))
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

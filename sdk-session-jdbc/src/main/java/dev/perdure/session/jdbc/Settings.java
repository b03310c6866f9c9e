package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.SessionStore.Guarantees;
import dev.perdure.spi.StoreException;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** What a server says of itself, and what follows from it. For one opening; not thread-safe. */
final class Settings {
    private final Handle handle;
    private final Dialect dialect;
    private final String place;
    private final JdbcOptions options;
    private final List<String> wrong = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    Settings(Handle handle, Dialect dialect, String place, JdbcOptions options) {
        this.handle = handle;
        this.dialect = dialect;
        this.place = place;
        this.options = options;
    }

    /** The first column of the first row; empty for null. */
    String ask(String sql, Object... arguments) {
        return handle.select(sql, arguments).mapTo(String.class).findOne().orElse("");
    }

    void require(String setting, String found, String wanted, String remedy) {
        if (!found.equalsIgnoreCase(wanted)) {
            wrong.add("has " + setting + " = " + found + ", but needs " + wanted + ": " + remedy);
        }
    }

    /**
     * Whether the setting is as it should be; if not, it must have been accepted by name, or is refused at the end.
     *
     * @param setting as it is, such as {@code fsync=off}
     */
    boolean strong(boolean strong, String setting, Weakness weakness) {
        if (strong) {
            return true;
        }
        if (!options.accepts(weakness)) {
            wrong.add("runs with " + setting + ", which can lose acknowledged events: change it, or accept it by name"
                    + " with JdbcOptions.accept(Weakness." + weakness + ")");
        }
        notes.add(dialect.name() + " with " + setting + ": a crash can lose acknowledged events.");
        return false;
    }

    /** @throws StoreException when there are wrong settings, with all of them, so that they are mended at once */
    void requireAllRight() {
        if (!wrong.isEmpty()) {
            throw StoreException.unusable(
                    "the " + dialect.name() + " database " + place + " " + String.join("; and it ", wrong), null, null);
        }
    }

    StoreException refused(String what, String remedy) {
        return StoreException.unusable(
                "the " + dialect.name() + " database " + place + " " + what + ": " + remedy, null, null);
    }

    /** Null for where the connection leads. */
    @Nullable
    String schema() {
        return options.tables().schema();
    }

    /** @param known asks for the schema of the name that it is given */
    void requireSchema(String known) {
        String schema = schema();
        if (schema != null && ask(known, schema).isEmpty()) {
            throw refused(
                    "has no schema " + schema + " that this user sees",
                    "make it with CREATE SCHEMA " + schema
                            + " and grant its use, or name another by JdbcOptions.schema");
        }
    }

    String product() {
        return dialect.name();
    }

    /** For a server that runs by itself: processes that use it may die. */
    Guarantees guarantees(boolean strong, String strongNote) {
        requireAllRight();
        if (notes.isEmpty()) {
            notes.add(strongNote);
        }
        notes.add(
                "After a failover to a replica that lacks the newest commits, those are lost: use synchronous replication"
                        + " where that must not be.");
        return new Guarantees(true, strong, strong, notes);
    }
}

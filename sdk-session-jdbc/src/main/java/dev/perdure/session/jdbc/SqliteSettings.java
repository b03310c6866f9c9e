package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.SqliteOptions.Synchronous;
import dev.perdure.spi.SessionStore.Guarantees;
import dev.perdure.spi.StoreException;
import java.nio.file.Path;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** The settings that decide what survives. */
final class SqliteSettings {
    private SqliteSettings() {}

    /** What is stored in the file. The page size takes effect only while the file is empty, and before the journal mode. */
    static void prepare(Handle handle) {
        handle.createQuery("SELECT count(*) FROM sqlite_master")
                .mapTo(Integer.class)
                .one();
        handle.execute("PRAGMA page_size = 8192");
        handle.createQuery("PRAGMA journal_mode = WAL").mapTo(String.class).one();
    }

    /** Reads back what is really in force. */
    static void check(Handle handle, Synchronous accepted, Path file) {
        String journal =
                handle.createQuery("PRAGMA journal_mode").mapTo(String.class).one();
        if (!journal.equalsIgnoreCase("wal")) {
            throw StoreException.unusable(
                    "the SQLite database " + file + " runs with journal_mode=" + journal
                            + " and cannot be switched to WAL: put it on a local disk, and close other programs that use it",
                    null,
                    null);
        }
        int synchronous =
                handle.createQuery("PRAGMA synchronous").mapTo(Integer.class).one();
        if (synchronous < accepted.level()) {
            throw StoreException.unusable(
                    "the SQLite database " + file + " runs with synchronous=" + Synchronous.of(synchronous)
                            + ", which can lose acknowledged events: set " + accepted
                            + ", or accept it by name with SqliteOptions.accept",
                    null,
                    null);
        }
    }

    static Guarantees guarantees(SqliteOptions options) {
        boolean full = options.synchronous() == Synchronous.FULL;
        String note = full
                ? "SQLite with WAL and synchronous=FULL: every commit is on disk before it is acknowledged."
                : "SQLite with synchronous=" + options.synchronous() + ": loss of power can lose acknowledged events.";
        return new Guarantees(
                true,
                full,
                full,
                List.of(note, "For one machine: the file is on a local disk, never on a network file system."));
    }
}

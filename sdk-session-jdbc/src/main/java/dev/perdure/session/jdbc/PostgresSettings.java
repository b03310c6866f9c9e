package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.SessionStore.Guarantees;
import dev.perdure.spi.StoreException;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** The settings that decide what survives, as the server says they are for this user and database. */
final class PostgresSettings {
    private static final int OLDEST = 130_000;

    private PostgresSettings() {}

    /** Reads what is really in force, and refuses what can lose acknowledged events. */
    static Guarantees check(Handle handle, JdbcOptions options, String place) {
        int version = Integer.parseInt(setting(handle, "server_version_num"));
        if (version < OLDEST) {
            throw refused(place, "is of version " + setting(handle, "server_version"), "use PostgreSQL 13 or newer");
        }
        requireSetting(handle, "server_encoding", "UTF8", place, "make the database with ENCODING 'UTF8'");
        requireSetting(
                handle,
                "transaction_isolation",
                "read committed",
                place,
                "set default_transaction_isolation to 'read committed' for this user, or in the data source");
        List<String> notes = new ArrayList<>();
        boolean fsync = strong(handle, "fsync", Weakness.FSYNC_OFF, options, place, notes);
        boolean pages = strong(handle, "full_page_writes", Weakness.FULL_PAGE_WRITES_OFF, options, place, notes);
        boolean commits = strong(handle, "synchronous_commit", Weakness.SYNCHRONOUS_COMMIT_OFF, options, place, notes);
        if (notes.isEmpty()) {
            notes.add("PostgreSQL with fsync and synchronous_commit: every commit is on the server's disk before it is"
                    + " acknowledged.");
        }
        notes.add(
                "After a failover to a standby that lacks the newest commits, those are lost: use synchronous replication"
                        + " where that must not be.");
        boolean powerLoss = fsync && pages && commits;
        return new Guarantees(true, powerLoss, powerLoss, notes);
    }

    private static boolean strong(
            Handle handle, String name, Weakness weakness, JdbcOptions options, String place, List<String> notes) {
        if (!setting(handle, name).equals("off")) {
            return true;
        }
        if (!options.accepts(weakness)) {
            throw refused(
                    place,
                    "runs with " + name + "=off, which can lose acknowledged events",
                    "switch it on, or accept it by name with JdbcOptions.accept(Weakness." + weakness + ")");
        }
        notes.add("PostgreSQL with " + name + "=off: a crash can lose acknowledged events.");
        return false;
    }

    private static void requireSetting(Handle handle, String name, String wanted, String place, String remedy) {
        String found = setting(handle, name);
        if (!found.equalsIgnoreCase(wanted)) {
            throw refused(place, "has " + name + " = " + found + ", but needs " + wanted, remedy);
        }
    }

    private static String setting(Handle handle, String name) {
        return handle.createQuery("SELECT current_setting(:name)")
                .bind("name", name)
                .mapTo(String.class)
                .one();
    }

    private static StoreException refused(String place, String what, String remedy) {
        return StoreException.unusable("the PostgreSQL database " + place + " " + what + ": " + remedy, null, null);
    }
}

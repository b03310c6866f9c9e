package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.SessionStore.Guarantees;

/** Reads what is really in force in PostgreSQL, and refuses what can lose acknowledged events. */
final class PostgresSettings {
    private static final int OLDEST = 130_000;

    private PostgresSettings() {}

    static Guarantees check(Settings settings) {
        if (Integer.parseInt(setting(settings, "server_version_num")) < OLDEST) {
            throw settings.refused(
                    "is of version " + setting(settings, "server_version"), "use PostgreSQL 13 or newer");
        }
        if (settings.schema() == null && settings.ask("SELECT current_schema()").isEmpty()) {
            throw settings.refused(
                    "leads this connection to no schema: search_path is \"" + setting(settings, "search_path")
                            + "\", and none of it is there for this user",
                    "set currentSchema in the JDBC URL to one that is, or name one by JdbcOptions.schema");
        }
        settings.requireSchema("SELECT nspname FROM pg_namespace WHERE nspname = ?");
        settings.require(
                "server_encoding",
                setting(settings, "server_encoding"),
                "UTF8",
                "make the database with ENCODING 'UTF8'");
        settings.require(
                "transaction_isolation",
                setting(settings, "transaction_isolation"),
                "read committed",
                "set default_transaction_isolation to 'read committed' for this user, or in the data source");
        boolean fsync = strong(settings, "fsync", Weakness.FSYNC_OFF);
        boolean pages = strong(settings, "full_page_writes", Weakness.FULL_PAGE_WRITES_OFF);
        boolean commits = strong(settings, "synchronous_commit", Weakness.SYNCHRONOUS_COMMIT_OFF);
        return settings.guarantees(
                fsync && pages && commits,
                "PostgreSQL with fsync and synchronous_commit: every commit is on the server's disk before it is"
                        + " acknowledged.");
    }

    private static boolean strong(Settings settings, String name, Weakness weakness) {
        String value = setting(settings, name);
        return settings.strong(!value.equals("off"), name + "=" + value, weakness);
    }

    private static String setting(Settings settings, String name) {
        return settings.ask("SELECT current_setting(?)", name);
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.JdbcOptions.Weakness;
import dev.perdure.spi.SessionStore.Guarantees;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what is really in force in MariaDB or MySQL, and refuses what can lose acknowledged events. */
final class MariaSettings {
    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");

    private MariaSettings() {}

    static Guarantees check(Settings settings) {
        boolean mysql = settings.product().equals("MySQL");
        requireVersion(settings, mysql ? 8 : 10, mysql ? 0 : 6);
        if (settings.schema() == null && settings.ask("SELECT database()").isEmpty()) {
            throw settings.refused(
                    "is none: the connection leads to no database",
                    "name one in the JDBC URL, or by JdbcOptions.schema");
        }
        settings.requireSchema("SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?");
        settings.require(
                "transaction isolation",
                settings.ask("SELECT @@" + (mysql ? "transaction_isolation" : "tx_isolation")),
                "READ-COMMITTED",
                "set it for the data source (HikariCP: transactionIsolation=TRANSACTION_READ_COMMITTED) or the server");
        String mode = settings.ask("SELECT @@sql_mode");
        if (!mode.contains("STRICT_TRANS_TABLES") && !mode.contains("STRICT_ALL_TABLES")) {
            throw settings.refused(
                    "has sql_mode = " + mode + ", which cuts off what is too long", "add STRICT_TRANS_TABLES to it");
        }
        settings.require(
                "completion_type",
                settings.ask("SELECT @@completion_type"),
                "NO_CHAIN",
                "set it back: with another one a commit begins a transaction that nobody commits, or ends the connection");
        boolean binlog = settings.ask("SELECT @@log_bin").equals("1");
        if (binlog && settings.ask("SELECT @@binlog_format").equalsIgnoreCase("STATEMENT")) {
            throw settings.refused(
                    "has binlog_format = STATEMENT, with which it refuses writes under READ COMMITTED",
                    "set it to ROW or MIXED");
        }
        String flush = settings.ask("SELECT @@innodb_flush_log_at_trx_commit");
        String doublewrite = settings.ask("SELECT @@innodb_doublewrite");
        String sync = binlog ? settings.ask("SELECT @@sync_binlog") : "1";
        boolean flushes = settings.strong(
                flush.equals("1") || flush.equals("3"),
                "innodb_flush_log_at_trx_commit=" + flush,
                Weakness.LOG_NOT_FLUSHED_AT_COMMIT);
        boolean pages = settings.strong(
                !doublewrite.equals("0") && !doublewrite.equalsIgnoreCase("OFF"),
                "innodb_doublewrite=" + doublewrite,
                Weakness.DOUBLEWRITE_OFF);
        boolean syncs = settings.strong(sync.equals("1"), "sync_binlog=" + sync, Weakness.BINARY_LOG_NOT_SYNCED);
        return settings.guarantees(
                flushes && pages && syncs,
                settings.product()
                        + " with innodb_flush_log_at_trx_commit=1: every commit is on the server's disk before"
                        + " it is acknowledged.");
    }

    private static void requireVersion(Settings settings, int major, int minor) {
        String version = settings.ask("SELECT version()");
        Matcher found = VERSION.matcher(version);
        boolean enough = found.matches()
                && (Integer.parseInt(found.group(1)) > major
                        || (Integer.parseInt(found.group(1)) == major && Integer.parseInt(found.group(2)) >= minor));
        if (!enough) {
            throw settings.refused(
                    "is of version " + version, "use " + settings.product() + " " + major + "." + minor + " or newer");
        }
    }
}

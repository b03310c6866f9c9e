package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** MariaDB from 10.6 on, and MySQL 8, which answers nothing that it writes and spells rows of values otherwise. */
final class MariaDialect implements Dialect {
    private static final String SCHEMA_LOCK = "'perdure_schema'";

    private static final FaultCodes FAULTS = new FaultCodes(Map.ofEntries(
            Map.entry("1062", Fault.CLASH),
            Map.entry("1020", Fault.BUSY),
            Map.entry("1205", Fault.BUSY),
            Map.entry("1213", Fault.BUSY),
            Map.entry("3572", Fault.BUSY),
            Map.entry("1290", Fault.READ_ONLY),
            Map.entry("1792", Fault.READ_ONLY),
            Map.entry("1836", Fault.READ_ONLY),
            Map.entry("1021", Fault.FULL),
            Map.entry("1114", Fault.FULL),
            Map.entry("1044", Fault.FORBIDDEN),
            Map.entry("1142", Fault.FORBIDDEN),
            Map.entry("1143", Fault.FORBIDDEN),
            Map.entry("1227", Fault.FORBIDDEN),
            Map.entry("1045", Fault.CANNOT_OPEN),
            Map.entry("1046", Fault.CANNOT_OPEN),
            Map.entry("1049", Fault.CANNOT_OPEN),
            Map.entry("1698", Fault.CANNOT_OPEN),
            Map.entry("1030", Fault.DAMAGED),
            Map.entry("1034", Fault.DAMAGED),
            Map.entry("1712", Fault.DAMAGED),
            Map.entry("1153", Fault.TOO_LARGE),
            Map.entry("1054", Fault.MISSING),
            Map.entry("1146", Fault.MISSING),
            Map.entry("22", Fault.REJECTED),
            Map.entry("23", Fault.REJECTED),
            Map.entry("42", Fault.REJECTED)));

    private final boolean mysql;
    private final boolean answersInserts;

    /** @param answersInserts false to use only what MySQL has, too */
    MariaDialect(boolean mysql, boolean answersInserts) {
        this.mysql = mysql;
        this.answersInserts = answersInserts;
    }

    @Override
    public String name() {
        return mysql ? "MySQL" : "MariaDB";
    }

    @Override
    public List<String> migrations() {
        return List.of("mariadb/V1__sessions.sql", "mariadb/V2__snapshots.sql", "mariadb/V3__keys.sql");
    }

    /** Without the padding that takes two names for one that differ only in spaces at the end. */
    @Override
    public String migration(String text) {
        return mysql ? text.replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin") : text;
    }

    @Override
    public String findTable() {
        return "SELECT 1 FROM information_schema.tables"
                + " WHERE table_schema = coalesce(:schema, database()) AND table_name = :table";
    }

    @Override
    public String begin() {
        return "START TRANSACTION";
    }

    /** Changes of tables commit themselves, so that a transaction would not hold a lock over them. */
    @Override
    public String schemaLock() {
        return "SELECT get_lock(" + SCHEMA_LOCK + ", 60)";
    }

    @Override
    public String schemaUnlock() {
        return "SELECT release_lock(" + SCHEMA_LOCK + ")";
    }

    /** Not by way of {@code unix_timestamp(now())}, which means two moments in the hour that is repeated in autumn. */
    @Override
    public String now() {
        return "timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(3)) DIV 1000";
    }

    @Override
    public boolean writesTogether() {
        return false;
    }

    @Override
    public boolean answersInserts() {
        return answersInserts;
    }

    @Override
    public boolean answersUpdates() {
        return false;
    }

    @Override
    public String row() {
        return mysql ? "ROW" : "";
    }

    /** It takes each value for an empty text when it prepares the statement, and keeps no more of it. */
    @Override
    public boolean typesValues() {
        return false;
    }

    @Override
    public String shareLock() {
        return " LOCK IN SHARE MODE";
    }

    @Override
    public String updateLock() {
        return " FOR UPDATE";
    }

    @Override
    public String skipLocked() {
        return updateLock() + " SKIP LOCKED";
    }

    @Override
    public String largestStatement() {
        return "SELECT @@max_allowed_packet";
    }

    @Override
    public String random() {
        return "rand()";
    }

    @Override
    public String remedy(Fault fault) {
        return switch (fault) {
            case READ_ONLY -> "can only be read: it is a replica, or set to read only; connect to the primary";
            case FULL -> "has no space left and nothing was written; free space on the server's disk, then go on";
            case CANNOT_OPEN -> "cannot be opened; check its name, the user and the password";
            case DAMAGED -> "is damaged, or its disk fails; see the server's log, restore it from a backup";
            case TOO_LARGE -> "takes no statement as large as this one; make the server's max_allowed_packet larger";
            case FORBIDDEN ->
                "does not allow this user what is needed; grant SELECT, INSERT, UPDATE and DELETE on the tables"
                        + " of the sessions, and CREATE to whoever opens the store first";
            default -> "failed";
        };
    }

    @Override
    public Fault fault(SQLException e) {
        return FAULTS.of(e);
    }
}

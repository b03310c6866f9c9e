package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** H2 from 2.2 on. */
final class H2Dialect implements Dialect {
    private static final FaultCodes FAULTS = new FaultCodes(Map.ofEntries(
            Map.entry("23505", Fault.CLASH),
            Map.entry("40001", Fault.BUSY),
            Map.entry("50200", Fault.BUSY),
            Map.entry("90131", Fault.BUSY),
            Map.entry("90097", Fault.READ_ONLY),
            Map.entry("90096", Fault.FORBIDDEN),
            Map.entry("90020", Fault.CANNOT_OPEN),
            Map.entry("28000", Fault.CANNOT_OPEN),
            Map.entry("90013", Fault.CANNOT_OPEN),
            Map.entry("90146", Fault.CANNOT_OPEN),
            Map.entry("90030", Fault.DAMAGED),
            Map.entry("42102", Fault.MISSING),
            Map.entry("42103", Fault.MISSING),
            Map.entry("42104", Fault.MISSING),
            Map.entry("42122", Fault.MISSING),
            Map.entry("22", Fault.REJECTED),
            Map.entry("23", Fault.REJECTED),
            Map.entry("42", Fault.REJECTED)));

    @Override
    public String name() {
        return "H2";
    }

    @Override
    public List<String> migrations() {
        return List.of("h2/V1__sessions.sql", "h2/V2__snapshots.sql", "h2/V3__keys.sql");
    }

    @Override
    public String findTable() {
        // Names are in capitals, in small letters or as they were written, as the database was opened.
        return "SELECT 1 FROM INFORMATION_SCHEMA.TABLES"
                + " WHERE upper(TABLE_SCHEMA) = upper(coalesce(:schema, schema())) AND upper(TABLE_NAME) = upper(:table)";
    }

    @Override
    public String begin() {
        return "BEGIN";
    }

    /** Changes of tables commit themselves; each of ours may be tried by two at a time. */
    @Override
    public String schemaLock() {
        return "";
    }

    @Override
    public String schemaUnlock() {
        return "";
    }

    @Override
    public String now() {
        return "datediff('MILLISECOND', TIMESTAMP WITH TIME ZONE '1970-01-01 00:00:00+00', CURRENT_TIMESTAMP)";
    }

    @Override
    public boolean writesTogether() {
        return false;
    }

    @Override
    public boolean answersInserts() {
        return false;
    }

    @Override
    public boolean answersUpdates() {
        return false;
    }

    @Override
    public String row() {
        return "";
    }

    @Override
    public String typed(String column, String parameter) {
        String type = switch (column) {
            case "n", "turn", "progress", "codec", "id", "fence" -> "BIGINT";
            case "event" -> "VARBINARY";
            case "body" -> "BINARY LARGE OBJECT";
            default -> "VARCHAR";
        };
        return "CAST(" + parameter + " AS " + type + ")";
    }

    /** There is no shared lock of rows. */
    @Override
    public String shareLock() {
        return updateLock();
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
    public String random() {
        return "rand()";
    }

    @Override
    public String remedy(Fault fault) {
        return switch (fault) {
            case READ_ONLY -> "can only be read; open it without ACCESS_MODE_DATA=r";
            case CANNOT_OPEN -> "cannot be opened; check its address, the user, the password, and who else has it open";
            case DAMAGED -> "is damaged; restore it from a backup";
            case FORBIDDEN -> "does not allow this user what is needed; grant SELECT, INSERT, UPDATE and DELETE";
            default -> "failed";
        };
    }

    @Override
    public Fault fault(SQLException e) {
        return FAULTS.of(e);
    }
}

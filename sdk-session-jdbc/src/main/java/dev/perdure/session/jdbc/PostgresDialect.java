package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;

/** PostgreSQL from 13 on. */
final class PostgresDialect implements Dialect {
    /** Any number, as long as no other user of advisory locks in the same database has it: the first bytes of "perdure". */
    private static final long SCHEMA_LOCK = 0x7065726475726501L;

    private static final FaultCodes FAULTS = new FaultCodes(Map.ofEntries(
            Map.entry("23505", Fault.CLASH),
            Map.entry("40001", Fault.BUSY),
            Map.entry("40P01", Fault.BUSY),
            Map.entry("55P03", Fault.BUSY),
            Map.entry("25006", Fault.READ_ONLY),
            Map.entry("53100", Fault.FULL),
            Map.entry("26000", Fault.POOLED),
            Map.entry("42P05", Fault.POOLED),
            Map.entry("42501", Fault.FORBIDDEN),
            Map.entry("42P01", Fault.MISSING),
            Map.entry("42703", Fault.MISSING),
            Map.entry("22", Fault.REJECTED),
            Map.entry("23", Fault.REJECTED),
            Map.entry("42", Fault.REJECTED),
            Map.entry("54", Fault.REJECTED),
            Map.entry("XX001", Fault.DAMAGED),
            Map.entry("XX002", Fault.DAMAGED),
            Map.entry("28", Fault.CANNOT_OPEN),
            Map.entry("3D", Fault.CANNOT_OPEN),
            Map.entry("3F", Fault.CANNOT_OPEN)));

    @Override
    public String name() {
        return "PostgreSQL";
    }

    @Override
    public List<String> migrations() {
        return List.of("postgres/V1__sessions.sql", "postgres/V2__snapshots.sql", "postgres/V3__keys.sql");
    }

    /** From the catalog: what was made while this transaction waited for {@link #schemaLock()} is seen only by what locks a table. */
    @Override
    public String findTable() {
        return "SELECT 1 FROM pg_catalog.pg_class"
                + " WHERE oid = to_regclass(coalesce(CAST(:schema AS text) || '.', '') || :table)";
    }

    @Override
    public String begin() {
        return "BEGIN";
    }

    @Override
    public String schemaUnlock() {
        return "";
    }

    @Override
    public String schemaLock() {
        return "SELECT pg_advisory_xact_lock(" + SCHEMA_LOCK + ")";
    }

    /** Not {@code now()}, which stands still within a transaction. */
    @Override
    public String now() {
        return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";
    }

    @Override
    public boolean writesTogether() {
        return true;
    }

    @Override
    public boolean answersInserts() {
        return true;
    }

    @Override
    public boolean answersUpdates() {
        return true;
    }

    @Override
    public String row() {
        return "";
    }

    /** A key share lock would let a claim pass, which changes no key. */
    @Override
    public String shareLock() {
        return " FOR SHARE OF s";
    }

    @Override
    public String updateLock() {
        return " FOR NO KEY UPDATE OF s";
    }

    @Override
    public String skipLocked() {
        return updateLock() + " SKIP LOCKED";
    }

    @Override
    public String random() {
        return "random()";
    }

    @Override
    public boolean joinsLaterally() {
        return true;
    }

    @Override
    public String remedy(Fault fault) {
        return switch (fault) {
            case READ_ONLY -> "can only be read: it is a standby, or the user may not write; connect to the primary";
            case FULL -> "has no space left and nothing was written; free space on the server's disk, then go on";
            case CANNOT_OPEN -> "cannot be opened; check its name, the user and the password";
            case DAMAGED -> "is damaged; restore it from a backup";
            case POOLED ->
                "is behind a pooler that gives each transaction another connection; switch off server-side prepared"
                        + " statements with prepareThreshold=0 in the JDBC URL";
            case FORBIDDEN ->
                "does not allow this user what is needed; grant SELECT, INSERT, UPDATE and DELETE on the tables"
                        + " of the sessions and USAGE on their schema, and CREATE on the schema to whoever opens the store first";
            default -> "failed";
        };
    }

    @Override
    public Fault fault(SQLException e) {
        return FAULTS.of(e);
    }
}

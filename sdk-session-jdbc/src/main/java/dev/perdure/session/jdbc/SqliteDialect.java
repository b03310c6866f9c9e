package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** SQLite from 3.35 on. It has one writer at a time, so no row is ever locked. */
final class SqliteDialect implements Dialect {
    @Override
    public String name() {
        return "SQLite";
    }

    @Override
    public List<String> migrations() {
        return List.of("sqlite/V1__sessions.sql", "sqlite/V2__snapshots.sql", "sqlite/V3__keys.sql");
    }

    @Override
    public String findTable() {
        return "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :table";
    }

    /** Takes the write lock first: a transaction that began by reading could not wait for it without a deadlock. */
    @Override
    public String begin() {
        return "BEGIN IMMEDIATE";
    }

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
        return ":now";
    }

    @Override
    public boolean writesTogether() {
        return false;
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

    @Override
    public String shareLock() {
        return "";
    }

    @Override
    public String updateLock() {
        return "";
    }

    @Override
    public String skipLocked() {
        return "";
    }

    @Override
    public String random() {
        return "random()";
    }

    @Override
    public String remedy(Fault fault) {
        return switch (fault) {
            case READ_ONLY ->
                "can only be read; make it, the -wal and -shm beside it, and its folder writable for this process";
            case FULL -> "is full and nothing was written; free space on its disk, then go on";
            case NOT_A_DATABASE -> "is not a database; it was left as it is. Name another file";
            case CANNOT_OPEN -> "cannot be opened; check that its folder is there and writable for this process";
            case DAMAGED -> "is damaged; restore it from a backup";
            default -> "failed";
        };
    }

    @Override
    public String code(SQLException e) {
        return e instanceof SQLiteException sqlite ? sqlite.getResultCode().name() : Dialect.super.code(e);
    }

    @Override
    public Fault fault(SQLException e) {
        if (e instanceof SQLTransientConnectionException) {
            return Fault.BUSY;
        }
        if (!(e instanceof SQLiteException sqlite)) {
            return Fault.OTHER;
        }
        SQLiteErrorCode code = sqlite.getResultCode();
        if (code == SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY
                || code == SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE
                || code == SQLiteErrorCode.SQLITE_CONSTRAINT_ROWID) {
            return Fault.CLASH;
        }
        // The low byte is the kind; the rest says more about it.
        return switch (code.code & 0xff) {
            case 1 -> lacks(e) ? Fault.MISSING : Fault.REJECTED;
            case 18, 19, 20, 21, 25 -> Fault.REJECTED;
            case 5, 6 -> Fault.BUSY;
            case 8 -> Fault.READ_ONLY;
            case 11 -> Fault.DAMAGED;
            case 13 -> Fault.FULL;
            case 14 -> Fault.CANNOT_OPEN;
            case 26 -> Fault.NOT_A_DATABASE;
            default -> Fault.OTHER;
        };
    }

    /** There is no code of its own for it. */
    private static boolean lacks(SQLException e) {
        String text = String.valueOf(e.getMessage());
        return text.contains("no such table: ") || text.contains("no such column: ");
    }
}

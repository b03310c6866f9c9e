package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.util.List;

/** How one database spells what the algorithm says. Decides nothing. Stateless. */
interface Dialect {
    /** For messages. */
    String name();

    /** Names of the migrations, oldest first; each is a resource beside this class. */
    List<String> migrations();

    /** The text of a migration as this database takes it. */
    default String migration(String text) {
        return text;
    }

    /** A query for 1 row when a table is there, and for none when it is not; {@code :schema} is null for the connection's own. */
    String findTable();

    /** Begins a transaction. */
    String begin();

    /** Taken before the schema is looked at again and changed, until the transaction's end; empty where a transaction has the database to itself. */
    String schemaLock();

    /** Lets go of {@link #schemaLock()} where the transaction's end does not; else empty. */
    String schemaUnlock();

    /** The store's clock in milliseconds; {@code :now} where it is this machine's. */
    String now();

    /** Whether one statement can write to several tables: then every append is one round trip. */
    boolean writesTogether();

    /** Whether an insert can answer what it has written. */
    boolean answersInserts();

    /** Whether an update can answer what it has written. */
    boolean answersUpdates();

    /** Stands before each row of a list of values. */
    String row();

    /** Whether what is bound in a list of values keeps its type and length, also in a statement that the server has prepared. */
    default boolean typesValues() {
        return true;
    }

    /** The parameter in a list of values, where a database has to be told what it is. */
    default String typed(String column, String parameter) {
        return parameter;
    }

    /** Ends the guarded insert, so that no claim commits between its look at the session and its commit. */
    String shareLock();

    /** Ends a select of rows about to be changed. */
    String updateLock();

    /** As {@link #updateLock()}, leaving out rows that others hold. */
    String skipLocked();

    /** A number by chance, another for each row. */
    String random();

    /** Whether a row can be joined to a query about it, so that a backlog need not be read whole. */
    default boolean joinsLaterally() {
        return false;
    }

    /** Asks for the size of the largest statement in bytes, where the server hangs up on a larger one and the driver cannot say why; else empty. */
    default String largestStatement() {
        return "";
    }

    /** The codes of an exception of the driver, for messages. */
    default String code(SQLException e) {
        String state = Told.state(e);
        String number = e.getErrorCode() == 0 ? "" : "error " + e.getErrorCode();
        String separator = state == null || number.isEmpty() ? "" : ", ";
        return (state == null ? "" : "SQLSTATE " + state) + separator + number;
    }

    /** What an exception of the driver means. */
    Fault fault(SQLException e);

    /** What to do about a fault of the kind, in the words of this database. */
    String remedy(Fault fault);

    /** What can go wrong, by what the caller can do about it. */
    enum Fault {
        /** A unique key was there already. */
        CLASH,
        /** Nothing was done, because others were in the way; a repeat may succeed. */
        BUSY,
        READ_ONLY,
        FULL,
        NOT_A_DATABASE,
        CANNOT_OPEN,
        DAMAGED,
        /** A pooler gives each transaction another connection, and the driver counts on one. */
        POOLED,
        FORBIDDEN,
        TOO_LARGE,
        /** A table or a column is not there. */
        MISSING,
        /** The statement itself does not work: too large, or tables that are not as they should be. */
        REJECTED,
        /** All else; a repeat may succeed. */
        OTHER
    }
}

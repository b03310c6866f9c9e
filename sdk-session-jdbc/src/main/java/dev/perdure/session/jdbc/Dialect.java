package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.util.List;

/** How one database spells what the algorithm says. Decides nothing. Stateless. */
interface Dialect {
    /** For messages. */
    String name();

    /** Names of the migrations, oldest first; each is a resource beside this class. */
    List<String> migrations();

    /** The store's clock in milliseconds; {@code :now} where it is this machine's. */
    String now();

    /** Ends the guarded insert, so that no claim commits between its look at the session and its commit. */
    String shareLock();

    /** Ends a select of rows about to be changed. */
    String updateLock();

    /** As {@link #updateLock()}, leaving out rows that others hold. */
    String skipLocked();

    /** What an exception of the driver means. */
    Fault fault(SQLException e);

    /** What can go wrong, by what the caller can do about it. */
    enum Fault {
        /** A unique key was there already. */
        CLASH,
        BUSY,
        READ_ONLY,
        FULL,
        NOT_A_DATABASE,
        CANNOT_OPEN,
        DAMAGED,
        /** The statement itself does not work: too large, or tables that are not as they should be. */
        REJECTED,
        /** All else; a repeat may succeed. */
        OTHER
    }
}

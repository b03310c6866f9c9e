package dev.perdure.session.jdbc;

import java.sql.SQLException;
import java.sql.Statement;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.transaction.DelegatingTransactionHandler;
import org.jdbi.v3.core.transaction.LocalTransactionHandler;
import org.jdbi.v3.core.transaction.TransactionException;
import org.jdbi.v3.core.transaction.TransactionHandler;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;

/**
 * Transactions that are spelled out on connections with autocommit on. SQLite's driver would begin the next one right after a commit and fail when that is
 * busy, although the commit is done; with MariaDB each change of autocommit is a round trip.
 */
final class SpelledTransactions extends DelegatingTransactionHandler {
    private final String begin;

    SpelledTransactions(String begin) {
        super(LocalTransactionHandler.binding());
        this.begin = begin;
    }

    @Override
    public TransactionHandler specialize(Handle handle) {
        return this;
    }

    @Override
    public <R, X extends Exception> R inTransaction(Handle handle, HandleCallback<R, X> work) throws X {
        execute(handle, begin);
        boolean done = false;
        try {
            R result = work.withHandle(handle);
            execute(handle, "COMMIT");
            done = true;
            return result;
        } finally {
            if (!done) {
                rollback(handle);
            }
        }
    }

    @Override
    public <R, X extends Exception> R inTransaction(
            Handle handle, TransactionIsolationLevel level, HandleCallback<R, X> work) throws X {
        return inTransaction(handle, work);
    }

    /** A failure here adds nothing: after a full disk SQLite has rolled back by itself, and a dead connection has, too. */
    @Override
    public void rollback(Handle handle) {
        try (Statement statement = handle.getConnection().createStatement()) {
            statement.execute("ROLLBACK");
        } catch (SQLException ignored) {
            // the exception under way says why
        }
    }

    @Override
    public boolean isInTransaction(Handle handle) {
        return false;
    }

    private static void execute(Handle handle, String sql) {
        try (Statement statement = handle.getConnection().createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new TransactionException(sql, e);
        }
    }
}

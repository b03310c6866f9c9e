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
 * SQLite transactions that take the write lock first: one that began by reading could not wait for it without a deadlock. They
 * are spelled out, because the driver's own begin the next one right after a commit and would fail when that is busy, although the
 * commit is done.
 */
final class ImmediateTransactions extends DelegatingTransactionHandler {
    ImmediateTransactions() {
        super(LocalTransactionHandler.binding());
    }

    @Override
    public TransactionHandler specialize(Handle handle) {
        return this;
    }

    @Override
    public <R, X extends Exception> R inTransaction(Handle handle, HandleCallback<R, X> work) throws X {
        return between("BEGIN IMMEDIATE", handle, work);
    }

    private <R, X extends Exception> R between(String begin, Handle handle, HandleCallback<R, X> work) throws X {
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

    /** A level is asked for by who only reads: what is seen stands still, whatever the level, and nobody is kept from writing. */
    @Override
    public <R, X extends Exception> R inTransaction(
            Handle handle, TransactionIsolationLevel level, HandleCallback<R, X> work) throws X {
        return between("BEGIN", handle, work);
    }

    /** A failure here adds nothing: after a full disk SQLite has rolled back by itself. */
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

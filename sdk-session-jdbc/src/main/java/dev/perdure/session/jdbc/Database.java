package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one database: readers, writers, and one that only renews leases, so that it never waits for a connection.
 * Thread-safe.
 */
final class Database implements AutoCloseable {
    /** More than a statement has beside its bodies. */
    private static final long STATEMENT = 32_768;

    private final Pool readers;
    private final Pool writers;
    private final Pool renewals;
    private final Faults faults;

    /**
     * With SQLite, writers of this process take turns, in order of arrival: it polls for its lock, so that a renewal among busy
     * writers could wait for seconds. Held across I/O, which it is there to order; nothing else is taken while it is held but a connection.
     */
    private final @Nullable Semaphore turns;

    /** JDBI as this database needs it, over other connections than those of the pools. */
    private final Function<ConnectionFactory, Jdbi> borrowed;

    private final Dialect dialect;
    private final Tables tables;
    private final Duration busyTimeout;
    private final InstantSource clock;
    /** In bytes. */
    private final long largestStatement;

    private volatile boolean closed;

    private Database(
            Pool readers,
            Pool writers,
            Pool renewals,
            @Nullable Semaphore turns,
            Function<ConnectionFactory, Jdbi> borrowed,
            Dialect dialect,
            Tables tables,
            Faults faults,
            Duration busyTimeout,
            InstantSource clock,
            long largestStatement) {
        this.readers = readers;
        this.writers = writers;
        this.renewals = renewals;
        this.turns = turns;
        this.borrowed = borrowed;
        this.dialect = dialect;
        this.tables = tables;
        this.faults = faults;
        this.busyTimeout = busyTimeout;
        this.clock = clock;
        this.largestStatement = largestStatement;
    }

    /** One that has a single writer at a time, and this machine's clock. */
    static Database oneWriter(
            Pool readers,
            Pool writers,
            Pool renewals,
            Function<ConnectionFactory, Jdbi> borrowed,
            Dialect dialect,
            Faults faults,
            Duration busyTimeout,
            InstantSource clock) {
        return new Database(
                readers,
                writers,
                renewals,
                new Semaphore(1, true),
                borrowed,
                dialect,
                Tables.STANDARD,
                faults,
                busyTimeout,
                clock,
                Long.MAX_VALUE);
    }

    /** One that many write to at a time, and that has a clock of its own. */
    static Database shared(
            Pool connections,
            Pool renewals,
            Function<ConnectionFactory, Jdbi> borrowed,
            Dialect dialect,
            Tables tables,
            Faults faults,
            Duration busyTimeout,
            long largestStatement) {
        return new Database(
                connections,
                connections,
                renewals,
                null,
                borrowed,
                dialect,
                tables,
                faults,
                busyTimeout,
                InstantSource.system(),
                largestStatement);
    }

    /**
     * Connections, and JDBI over them.
     *
     * @param close gives back what is ours of them
     */
    record Pool(ConnectionFactory connections, Jdbi jdbi, Runnable close) {}

    /** Work on a bare connection. */
    interface OnConnection<T> {
        T run(Connection connection) throws SQLException;
    }

    Dialect dialect() {
        return dialect;
    }

    /** What the tables are called. */
    Tables tables() {
        return tables;
    }

    /** Bound to every statement; only databases without a clock of their own look at it. */
    long now() {
        return clock.millis();
    }

    /** @throws StoreException when a statement with these bytes is larger than the server takes */
    <T> void requireFits(@Nullable SessionId session, List<T> parts, Function<T, byte[]> body) {
        if (largestStatement == Long.MAX_VALUE) {
            return;
        }
        long size = STATEMENT;
        for (T part : parts) {
            for (byte b : body.apply(part)) {
                size += b == 0 || b == '\'' || b == '"' || b == '\\' ? 2 : 1;
            }
        }
        if (size > largestStatement) {
            throw faults.refused(Dialect.Fault.TOO_LARGE, session);
        }
    }

    <T> T read(@Nullable SessionId session, Function<Handle, T> work) {
        return attempt(session, () -> readers.jdbi().withHandle(work::apply));
    }

    /** As {@link #read}, without JDBI. */
    <T> T readBare(@Nullable SessionId session, OnConnection<T> work) {
        return attempt(session, () -> bare(readers, work));
    }

    /** One statement that commits itself. */
    <T> T write(@Nullable SessionId session, Function<Handle, T> work) {
        return inTurn(session, () -> writers.jdbi().withHandle(work::apply));
    }

    /** As {@link #write}, without JDBI. */
    <T> T writeBare(@Nullable SessionId session, OnConnection<T> work) {
        return inTurn(session, () -> bare(writers, work));
    }

    private static <T> T bare(Pool pool, OnConnection<T> work) {
        try (Connection connection = opened(pool)) {
            return work.run(connection);
        } catch (SQLException e) {
            throw new UnableToExecuteStatementException(e, null);
        }
    }

    private static Connection opened(Pool pool) {
        try {
            return pool.connections().openConnection();
        } catch (SQLException e) {
            throw new ConnectionException(e);
        }
    }

    <T> T transact(@Nullable SessionId session, Function<Handle, T> work) {
        return inTurn(session, () -> writers.jdbi().inTransaction(work::apply));
    }

    /**
     * Several statements that look and then write only if nothing has changed since: with one writer a transaction, which costs one flush; else each
     * by itself, so that a process that is frozen in the middle keeps no lock.
     */
    <T> T decide(@Nullable SessionId session, Function<Handle, T> work) {
        return turns == null ? write(session, work) : transact(session, work);
    }

    /** What is one statement where one can write to several tables, and else a transaction. */
    <T> T together(@Nullable SessionId session, Function<Handle, T> work) {
        return dialect.writesTogether() ? write(session, work) : transact(session, work);
    }

    /** Within a transaction of somebody else, on the connection that it has; which is left to them. */
    <T> T within(Connection connection, SessionId session, Function<Handle, T> work) {
        try {
            return borrowed.apply(new Borrowed(connection)).withHandle(work::apply);
        } catch (RuntimeException e) {
            throw faults.translateWithin(connection, e, session);
        }
    }

    private record Borrowed(Connection connection) implements ConnectionFactory {
        @Override
        public Connection openConnection() {
            return connection;
        }

        @Override
        public void closeConnection(Connection same) {}
    }

    <T> T renew(Function<Handle, T> work) {
        return inTurn(null, () -> renewals.jdbi().withHandle(work::apply));
    }

    @Override
    public void close() {
        closed = true;
        renewals.close().run();
        writers.close().run();
        readers.close().run();
    }

    private interface Work<T> {
        T run();
    }

    private <T> T inTurn(@Nullable SessionId session, Work<T> work) {
        if (turns == null) {
            return attempt(session, work);
        }
        try {
            if (!turns.tryAcquire(busyTimeout.toNanos(), TimeUnit.NANOSECONDS)) {
                throw faults.busy(session, null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw StoreException.unavailable("interrupted while waiting to write; nothing was written", session, e);
        }
        try {
            return attempt(session, work);
        } finally {
            turns.release();
        }
    }

    /** A busy database has done nothing, so the same work may be tried again. */
    private <T> T attempt(@Nullable SessionId session, Work<T> work) {
        long start = System.nanoTime();
        while (true) {
            if (closed) {
                throw new IllegalStateException("the session store is closed");
            }
            try {
                return work.run();
            } catch (RuntimeException e) {
                if (faults.of(e) != Dialect.Fault.BUSY || System.nanoTime() - start >= busyTimeout.toNanos()) {
                    throw faults.translate(e, session);
                }
                // The driver has waited already, except where waiting could never end.
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one database: readers, writers, and one that only renews leases, so that it never waits for a connection.
 * Thread-safe.
 */
final class Database implements AutoCloseable {
    private final Pool readers;
    private final Pool writers;
    private final Pool renewals;
    private final Faults faults;

    /**
     * With SQLite, writers of this process take turns, in order of arrival: it polls for its lock, so that a renewal among busy
     * writers could wait for seconds. Held across I/O, which it is there to order; nothing else is taken while it is held but a connection.
     */
    private final @Nullable Semaphore turns;

    private final Dialect dialect;
    private final Duration busyTimeout;
    private final InstantSource clock;
    private volatile boolean closed;

    private Database(
            Pool readers,
            Pool writers,
            Pool renewals,
            @Nullable Semaphore turns,
            Dialect dialect,
            Faults faults,
            Duration busyTimeout,
            InstantSource clock) {
        this.readers = readers;
        this.writers = writers;
        this.renewals = renewals;
        this.turns = turns;
        this.dialect = dialect;
        this.faults = faults;
        this.busyTimeout = busyTimeout;
        this.clock = clock;
    }

    /** One that has a single writer at a time, and this machine's clock. */
    static Database oneWriter(
            Pool readers,
            Pool writers,
            Pool renewals,
            Dialect dialect,
            Faults faults,
            Duration busyTimeout,
            InstantSource clock) {
        return new Database(readers, writers, renewals, new Semaphore(1, true), dialect, faults, busyTimeout, clock);
    }

    /** One that many write to at a time, and that has a clock of its own. */
    static Database shared(Pool connections, Pool renewals, Dialect dialect, Faults faults, Duration busyTimeout) {
        return new Database(
                connections, connections, renewals, null, dialect, faults, busyTimeout, InstantSource.system());
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

    boolean writesTogether() {
        return dialect.writesTogether();
    }

    /** Bound to every statement; only databases without a clock of their own look at it. */
    long now() {
        return clock.millis();
    }

    <T> T read(@Nullable SessionId session, Function<Handle, T> work) {
        return attempt(session, () -> readers.jdbi().withHandle(work::apply));
    }

    /** Several queries that see the same moment. */
    <T> T readAtOnce(@Nullable SessionId session, Function<Handle, T> work) {
        return attempt(
                session, () -> readers.jdbi().inTransaction(TransactionIsolationLevel.REPEATABLE_READ, work::apply));
    }

    /** One statement that commits itself. */
    <T> T write(@Nullable SessionId session, Function<Handle, T> work) {
        return inTurn(session, () -> writers.jdbi().withHandle(work::apply));
    }

    /** As {@link #write}, without JDBI. */
    <T> T writeBare(@Nullable SessionId session, OnConnection<T> work) {
        return inTurn(session, () -> {
            try (Connection connection = writers.connections().openConnection()) {
                return work.run(connection);
            } catch (SQLException e) {
                throw new ConnectionException(e);
            }
        });
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

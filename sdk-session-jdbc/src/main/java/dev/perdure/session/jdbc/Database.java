package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
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
     * Writers of this process take turns, in order of arrival: SQLite itself polls for its lock, so that a renewal among busy
     * writers could wait for seconds. Held across I/O, which it is there to order; nothing else is taken while it is held but a connection.
     */
    private final Semaphore turns = new Semaphore(1, true);

    private final Duration busyTimeout;
    private final InstantSource clock;
    private volatile boolean closed;

    Database(Pool readers, Pool writers, Pool renewals, Faults faults, Duration busyTimeout, InstantSource clock) {
        this.readers = readers;
        this.writers = writers;
        this.renewals = renewals;
        this.faults = faults;
        this.busyTimeout = busyTimeout;
        this.clock = clock;
    }

    /** Connections and JDBI over them. */
    record Pool(HikariDataSource connections, Jdbi jdbi) {}

    /** Bound to every statement; only databases without a clock of their own look at it. */
    long now() {
        return clock.millis();
    }

    <T> T read(@Nullable SessionId session, Function<Handle, T> work) {
        return attempt(session, () -> readers.jdbi().withHandle(work::apply));
    }

    /** One statement that commits itself. */
    <T> T write(@Nullable SessionId session, Function<Handle, T> work) {
        return inTurn(session, () -> writers.jdbi().withHandle(work::apply));
    }

    <T> T transact(@Nullable SessionId session, Function<Handle, T> work) {
        return inTurn(session, () -> writers.jdbi().inTransaction(work::apply));
    }

    <T> T renew(Function<Handle, T> work) {
        return inTurn(null, () -> renewals.jdbi().withHandle(work::apply));
    }

    @Override
    public void close() {
        closed = true;
        renewals.connections().close();
        writers.connections().close();
        readers.connections().close();
    }

    private interface Work<T> {
        T run();
    }

    private <T> T inTurn(@Nullable SessionId session, Work<T> work) {
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

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.jdbi.v3.core.ConnectionFactory;
import org.jspecify.annotations.Nullable;

/** How many connections a data source gives at a time: HikariCP says it, of others it is tried out. Thread-safe. */
final class Supply {
    private static final String NEED =
            "; sessions need at least 2, of which one is kept for the renewal of leases, and 3 with notifications: ";

    private final ConnectionFactory connections;
    private final @Nullable HikariDataSource hikari;

    Supply(DataSource source, ConnectionFactory connections) {
        this.connections = connections;
        this.hikari = hikari(source);
    }

    private static @Nullable HikariDataSource hikari(DataSource source) {
        try {
            return source instanceof HikariDataSource one
                    ? one
                    : source.isWrapperFor(HikariDataSource.class) ? source.unwrap(HikariDataSource.class) : null;
        } catch (SQLException e) {
            return null;
        }
    }

    /**
     * Holds so many for a moment, where nothing says how many there are.
     *
     * @param patience for a pool that would wait without end
     * @throws StoreException when there are fewer
     */
    void require(int wanted, Duration patience) {
        if (hikari == null) {
            tryOut(wanted, patience);
        } else if (hikari.getMaximumPoolSize() < wanted) {
            throw StoreException.unusable(
                    "the pool " + hikari.getPoolName() + " gives " + count(hikari.getMaximumPoolSize()) + NEED
                            + "make its maximumPoolSize larger",
                    null,
                    null);
        }
    }

    private void tryOut(int wanted, Duration patience) {
        Trial trial = new Trial(wanted);
        Thread thread = new Thread(trial, "perdure-open");
        thread.setDaemon(true);
        thread.start();
        try {
            thread.join(patience.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw StoreException.unavailable("interrupted while the session store was opened", null, e);
        }
        int held = trial.held;
        if (held < wanted) {
            thread.interrupt();
            throw StoreException.unavailable(
                    "the data source gives " + count(held) + " at a time, and no other within " + patience.toMillis()
                            + " ms" + NEED + "make its pool larger",
                    null,
                    trial.refusal);
        }
    }

    private static String count(int connections) {
        return connections == 1 ? "1 connection" : connections + " connections";
    }

    /** Takes one connection after the other and gives all back; also those that come when nobody waits any more. */
    private final class Trial implements Runnable {
        private final int wanted;
        private volatile int held;
        private volatile @Nullable Exception refusal;

        Trial(int wanted) {
            this.wanted = wanted;
        }

        @Override
        public void run() {
            try {
                hold(wanted);
            } catch (SQLException | RuntimeException e) {
                refusal = e;
            }
        }

        private void hold(int more) throws SQLException {
            try (Connection one = connections.openConnection()) {
                held = wanted - more + 1;
                if (more > 1 && !one.isClosed()) {
                    hold(more - 1);
                }
            }
        }
    }

    /** Why no connection came in time, where nobody says why. */
    String shortage() {
        HikariPoolMXBean pool = hikari == null ? null : hikari.getHikariPoolMXBean();
        if (hikari == null || pool == null) {
            return "all are in use for longer than its timeout, or the database cannot be reached";
        }
        int most = hikari.getMaximumPoolSize();
        int used = pool.getActiveConnections();
        return used >= most
                ? "all " + most + " of the pool " + hikari.getPoolName()
                        + " were in use for longer than the timeout; make its maximumPoolSize larger, or have fewer workers"
                : "the pool " + hikari.getPoolName() + " has " + used + " of at most " + most
                        + " in use and opens no other: the database cannot be reached, or lets nobody in";
    }
}

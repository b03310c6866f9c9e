package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore.Listening;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.jdbi.v3.core.ConnectionFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hints by PostgreSQL's NOTIFY, at most 20 statements a second however much happens, and by LISTEN on one connection that is kept for it. When that connection
 * dies another is taken; where nothing comes through, as behind a pooler that gives each transaction another connection, it is given back and no other is
 * taken. Thread-safe.
 */
final class PostgresHints implements Hints {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresHints.class);
    /** Between two statements that tell: so a busy store tells many sessions at a time. */
    private static final long PAUSE = 50;
    /** Most sessions that are named; more are told as "any". */
    private static final int MOST = 200;
    /** How long a wait for hints lasts until it is looked whether they are still wanted. */
    private static final int WAIT = 500;
    /** A connection that was silent for so many waits is asked whether it is alive. */
    private static final int SILENT = 20;
    /** How long the first hint, which is to oneself, may take. */
    private static final long PROBE = 5_000;

    private final ConnectionFactory connections;
    private final String place;
    /** One for each set of tables of a database, as an expression. */
    private final String channel;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    private final Set<Long> changed = new TreeSet<>();
    private final List<LongConsumer> listeners = new CopyOnWriteArrayList<>();
    private boolean telling;
    private @Nullable Thread hearing;
    private volatile boolean closed;

    /** @param place of the database, for messages */
    PostgresHints(ConnectionFactory connections, Tables tables, String place) {
        this.connections = connections;
        this.channel = "'perdure' || '_' || CAST('" + tables.in("perdure_session") + "' AS regclass)::oid";
        this.place = place;
    }

    private static Thread start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    // ---- telling

    @Override
    public void changed(long session) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            changed.add(session);
            news.signalAll();
            if (!telling) {
                telling = true;
                Thread unused = start("perdure-hint", this::tell);
            }
        } finally {
            lock.unlock();
        }
    }

    private void tell() {
        try {
            for (String sessions = next(); !closed; sessions = next()) {
                notify(sessions);
                Thread.sleep(PAUSE);
            }
        } catch (InterruptedException e) {
            LOG.debug("no more hints are sent", e);
        }
    }

    /** Waits for sessions to name. */
    private String next() throws InterruptedException {
        lock.lock();
        try {
            while (changed.isEmpty() && !closed) {
                news.await();
            }
            String sessions = changed.size() > MOST
                    ? "0"
                    : changed.stream().map(String::valueOf).collect(Collectors.joining(","));
            changed.clear();
            return sessions;
        } finally {
            lock.unlock();
        }
    }

    private void notify(String payload) {
        try (Connection connection = connections.openConnection()) {
            notify(connection, payload);
        } catch (SQLException | RuntimeException e) {
            LOG.debug("a hint is lost: {}", e.getMessage());
        }
    }

    private void notify(Connection connection, String payload) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT pg_notify(" + channel + ", ?)")) {
            statement.setString(1, payload);
            statement.execute();
        }
    }

    // ---- listening

    @Override
    public Listening listen(LongConsumer consumer) {
        listeners.add(consumer);
        lock.lock();
        try {
            if (hearing == null && !closed) {
                hearing = start("perdure-listen", this::hearForEver);
            }
        } finally {
            lock.unlock();
        }
        return () -> listeners.remove(consumer);
    }

    private void hearForEver() {
        boolean works = true;
        boolean failed = false;
        long pause = WAIT;
        while (!closed && works) {
            try (Connection connection = connections.openConnection()) {
                works = hear(connection);
                pause = WAIT;
                failed = false;
            } catch (SQLException | RuntimeException e) {
                if (!failed) {
                    LOG.warn("hints cannot be heard for now, work is found by polling: {}", e.getMessage());
                }
                failed = true;
            }
            if (works && !closed) {
                sleep(pause / 2 + ThreadLocalRandom.current().nextLong(pause));
                pause = Math.min(pause * 2, 20L * WAIT);
            }
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Hears until the connection dies; false when nothing ever comes through. */
    private boolean hear(Connection connection) throws SQLException {
        PostgresEar ear = PostgresEar.of(connection);
        try {
            listenOn(connection);
            if (!comesThrough(ear)) {
                LOG.warn(
                        "the PostgreSQL database {} is behind a pooler that gives each transaction another connection, so that no"
                                + " notification comes through: work of other processes is found by polling alone",
                        place);
                return false;
            }
            // Something may have been told while nobody heard.
            tellListeners(0);
            for (int silent = 0; !closed; ) {
                List<String> hints = ear.hear(WAIT);
                if (!hints.isEmpty()) {
                    silent = 0;
                    hints.forEach(this::heard);
                } else if (++silent >= SILENT) {
                    silent = 0;
                    requireAlive(connection);
                }
            }
            return true;
        } finally {
            letGo(connection);
        }
    }

    private void listenOn(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            String name;
            try (ResultSet row = statement.executeQuery("SELECT " + channel)) {
                row.next();
                name = row.getString(1);
            }
            statement.execute("LISTEN " + name);
        }
    }

    /** Says something over another connection, as others would. */
    private boolean comesThrough(PostgresEar ear) throws SQLException {
        String probe = "probe " + UUID.randomUUID();
        try (Connection other = connections.openConnection()) {
            notify(other, probe);
        }
        long end = System.nanoTime() + PROBE * 1_000_000;
        while (!closed && end - System.nanoTime() > 0) {
            if (ear.hear(WAIT).contains(probe)) {
                return true;
            }
        }
        return closed;
    }

    private void heard(String payload) {
        for (String session : payload.split(",", -1)) {
            try {
                tellListeners(Long.parseLong(session));
            } catch (NumberFormatException e) {
                LOG.trace("not a session: {}", session);
            }
        }
    }

    private void tellListeners(long session) {
        for (LongConsumer listener : listeners) {
            try {
                listener.accept(session);
            } catch (RuntimeException e) {
                LOG.warn("a listener to hints failed", e);
            }
        }
    }

    private static void requireAlive(Connection connection) throws SQLException {
        if (!connection.isValid(WAIT / 100)) {
            throw new SQLException("the connection for hints is dead");
        }
    }

    /** Whoever gets the connection next must hear nothing; and a pool sees here whether it is dead. */
    private static void letGo(Connection connection) {
        try (Statement statement = connection.createStatement()) {
            statement.execute("UNLISTEN *");
        } catch (SQLException e) {
            LOG.debug("the connection for hints is lost: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        Thread listener;
        lock.lock();
        try {
            closed = true;
            news.signalAll();
            listener = hearing;
        } finally {
            lock.unlock();
        }
        try {
            if (listener != null) {
                // So that its connection is back before the caller closes the pool.
                listener.interrupt();
                listener.join(4L * WAIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

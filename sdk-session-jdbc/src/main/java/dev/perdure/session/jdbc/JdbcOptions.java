package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * How a database server is used. Immutable; each method returns a copy.
 *
 * @see #standard()
 */
public final class JdbcOptions {
    private final Duration busyTimeout;
    private final Set<Weakness> accepted;
    private final Tables tables;
    private final BodyCodec codec;
    private final boolean notifications;

    private JdbcOptions(
            Duration busyTimeout, Set<Weakness> accepted, Tables tables, BodyCodec codec, boolean notifications) {
        this.busyTimeout = busyTimeout;
        this.accepted = accepted;
        this.tables = tables;
        this.codec = codec;
        this.notifications = notifications;
    }

    /** A setting of the server that can lose acknowledged events, and what it loses. */
    public enum Weakness {
        /** PostgreSQL's {@code fsync=off}: loss of power can damage the whole database. For tests. */
        FSYNC_OFF,
        /** PostgreSQL's {@code full_page_writes=off}: loss of power can damage pages, unless the file system writes them whole. */
        FULL_PAGE_WRITES_OFF,
        /** PostgreSQL's {@code synchronous_commit=off}: a crash of the server loses the newest commits. */
        SYNCHRONOUS_COMMIT_OFF,
        /** MariaDB's and MySQL's {@code innodb_flush_log_at_trx_commit} other than 1: loss of power, or with 0 a crash, loses the newest commits. */
        LOG_NOT_FLUSHED_AT_COMMIT,
        /** MariaDB's and MySQL's {@code sync_binlog=0} with a binary log: after loss of power commits that it lacks are rolled back. */
        BINARY_LOG_NOT_SYNCED,
        /** MariaDB's and MySQL's {@code innodb_doublewrite=OFF}: loss of power can damage pages, unless the file system writes them whole. */
        DOUBLEWRITE_OFF,
        /** H2's {@code WRITE_DELAY} other than 0: a crash loses what was committed in the last moments. For tests. */
        WRITE_DELAY
    }

    /**
     * For a pool of at least 2 connections, or 3 with {@link #notifications}: 5 s, nothing weaker accepted, tables {@code perdure_…} where the connection leads, bodies stored as they are, no
     * notifications.
     */
    public static JdbcOptions standard() {
        return new JdbcOptions(Duration.ofSeconds(5), Set.of(), Tables.STANDARD, BodyCodec.plain(), false);
    }

    /**
     * How long a call goes on trying while others are in the way: deadlocks, serialization failures, a pool without a free connection. How long one
     * statement may take is a matter of the data source ({@code socketTimeout}). Default 5 s.
     *
     * @throws IllegalArgumentException when shorter than 250 ms
     */
    public JdbcOptions busyTimeout(Duration timeout) {
        if (timeout.toMillis() < 250) {
            throw new IllegalArgumentException("a busy timeout is at least 250 ms, but this is " + timeout);
        }
        return new JdbcOptions(timeout, accepted, tables, codec, notifications);
    }

    /** Uses a weaker setting, knowing what it can lose. */
    public JdbcOptions accept(Weakness weakness) {
        Set<Weakness> more = EnumSet.of(Objects.requireNonNull(weakness, "weakness"));
        more.addAll(accepted);
        return new JdbcOptions(busyTimeout, Set.copyOf(more), tables, codec, notifications);
    }

    /**
     * The schema of the tables, which must be there; with MariaDB and MySQL a database of the same server. Default: where the connection leads.
     *
     * @throws IllegalArgumentException when not 1 to 30 small letters, digits and underscores, a letter first
     */
    public JdbcOptions schema(String name) {
        return with(tables.schema(Tables.requireName("a schema", name)));
    }

    /**
     * What the names of all tables and indexes begin with. Default {@code perdure_}.
     *
     * @throws IllegalArgumentException when not 1 to 30 small letters, digits and underscores, a letter first
     */
    public JdbcOptions tablePrefix(String prefix) {
        return with(tables.prefix(Tables.requireName("a table prefix", prefix)));
    }

    private JdbcOptions with(Tables named) {
        return new JdbcOptions(busyTimeout, accepted, named, codec, notifications);
    }

    /**
     * Compresses or encrypts what events, inbox items, questions and blobs hold. Default {@link BodyCodec#plain()}. What was stored before
     * in another form is read all the same.
     */
    public JdbcOptions codec(BodyCodec bodies) {
        return new JdbcOptions(busyTimeout, accepted, tables, Objects.requireNonNull(bodies, "bodies"), notifications);
    }

    /**
     * Tells other processes at once when a session has got something to do, by PostgreSQL's {@code NOTIFY}, so that they need not wait for their next look;
     * never in the transaction of what it tells of, and at most 20 times a second. All processes that are to tell or to hear need this option.
     * A runtime that hears keeps one more connection of the data source for {@code LISTEN}, so that a pool has at least 3, and takes another one
     * when that one dies. Polling finds everything all the same. Without effect on other databases, and behind a pooler that gives each transaction
     * another connection: that is found out when a runtime begins to listen, and said at WARN. Default: off.
     */
    public JdbcOptions notifications() {
        return new JdbcOptions(busyTimeout, accepted, tables, codec, true);
    }

    boolean notifies() {
        return notifications;
    }

    Tables tables() {
        return tables;
    }

    Duration busyTimeout() {
        return busyTimeout;
    }

    BodyCodec codec() {
        return codec;
    }

    boolean accepts(Weakness weakness) {
        return accepted.contains(weakness);
    }
}

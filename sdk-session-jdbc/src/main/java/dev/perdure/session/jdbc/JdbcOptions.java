package dev.perdure.session.jdbc;

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
    private final boolean notifications;

    private JdbcOptions(Duration busyTimeout, Set<Weakness> accepted, boolean notifications) {
        this.busyTimeout = busyTimeout;
        this.accepted = accepted;
        this.notifications = notifications;
    }

    /** A setting of the server that can lose acknowledged events, and what it loses. */
    public enum Weakness {
        /** PostgreSQL's {@code fsync=off}: loss of power can damage the whole database. For tests. */
        FSYNC_OFF,
        /** PostgreSQL's {@code full_page_writes=off}: loss of power can damage pages, unless the file system writes them whole. */
        FULL_PAGE_WRITES_OFF,
        /** PostgreSQL's {@code synchronous_commit=off}: a crash of the server loses the newest commits. */
        SYNCHRONOUS_COMMIT_OFF
    }

    /** 5 s, nothing weaker accepted, no notifications. */
    public static JdbcOptions standard() {
        return new JdbcOptions(Duration.ofSeconds(5), Set.of(), false);
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
        return new JdbcOptions(timeout, accepted, notifications);
    }

    /** Uses a weaker setting, knowing what it can lose. */
    public JdbcOptions accept(Weakness weakness) {
        Set<Weakness> more = EnumSet.of(Objects.requireNonNull(weakness, "weakness"));
        more.addAll(accepted);
        return new JdbcOptions(busyTimeout, Set.copyOf(more), notifications);
    }

    /**
     * Tells other processes at once when a session has got something to do, by PostgreSQL's {@code NOTIFY}, so that they need not wait for their next look;
     * never in the transaction of what it tells of, and at most 20 times a second. All processes that are to tell or to hear need this option.
     * A runtime that hears keeps one more connection of the data source for {@code LISTEN}, so that a pool has at least 3, and takes another one
     * when that one dies. Polling finds everything all the same. Without effect on other databases, and behind a pooler that gives each transaction
     * another connection: that is found out when a runtime begins to listen, and said at WARN. Default: off.
     */
    public JdbcOptions notifications() {
        return new JdbcOptions(busyTimeout, accepted, true);
    }

    boolean notifies() {
        return notifications;
    }

    Duration busyTimeout() {
        return busyTimeout;
    }

    boolean accepts(Weakness weakness) {
        return accepted.contains(weakness);
    }
}

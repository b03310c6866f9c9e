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
    private final BodyCodec codec;

    private JdbcOptions(Duration busyTimeout, Set<Weakness> accepted, BodyCodec codec) {
        this.busyTimeout = busyTimeout;
        this.accepted = accepted;
        this.codec = codec;
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

    /** 5 s, nothing weaker accepted, bodies stored as they are. */
    public static JdbcOptions standard() {
        return new JdbcOptions(Duration.ofSeconds(5), Set.of(), BodyCodec.plain());
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
        return new JdbcOptions(timeout, accepted, codec);
    }

    /** Uses a weaker setting, knowing what it can lose. */
    public JdbcOptions accept(Weakness weakness) {
        Set<Weakness> more = EnumSet.of(Objects.requireNonNull(weakness, "weakness"));
        more.addAll(accepted);
        return new JdbcOptions(busyTimeout, Set.copyOf(more), codec);
    }

    /**
     * Compresses or encrypts what events, inbox items, questions and blobs hold. Default {@link BodyCodec#plain()}. What was stored before
     * in another form is read all the same.
     */
    public JdbcOptions codec(BodyCodec bodies) {
        return new JdbcOptions(busyTimeout, accepted, Objects.requireNonNull(bodies, "bodies"));
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

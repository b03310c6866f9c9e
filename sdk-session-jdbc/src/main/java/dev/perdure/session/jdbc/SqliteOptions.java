package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;
import java.time.Clock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * How a SQLite file is used. Immutable; each method returns a copy.
 *
 * @see #standard()
 */
public final class SqliteOptions {
    private final InstantSource clock;
    private final int readers;
    private final Duration busyTimeout;
    private final Set<Weakness> accepted;
    private final BodyCodec codec;

    private SqliteOptions(
            InstantSource clock, int readers, Duration busyTimeout, Set<Weakness> accepted, BodyCodec codec) {
        this.clock = clock;
        this.readers = readers;
        this.busyTimeout = busyTimeout;
        this.accepted = accepted;
        this.codec = codec;
    }

    /** A setting that can lose acknowledged events, and what it loses. */
    public enum Weakness {
        /** {@code synchronous=NORMAL}: faster; loss of power loses the newest commits. Killed processes lose nothing. */
        SYNCHRONOUS_NORMAL,
        /** {@code synchronous=OFF}: loss of power can damage the whole file. For tests. */
        SYNCHRONOUS_OFF
    }

    /** This machine's clock, 4 readers, 5 s, nothing weaker accepted, bodies stored as they are. */
    public static SqliteOptions standard() {
        return new SqliteOptions(Clock.systemUTC(), 4, Duration.ofSeconds(5), Set.of(), BodyCodec.plain());
    }

    /** The store's clock: what all its times are by. Default: this machine's. */
    public SqliteOptions clock(InstantSource source) {
        return new SqliteOptions(Objects.requireNonNull(source, "source"), readers, busyTimeout, accepted, codec);
    }

    /**
     * How many threads may read at a time; there is always one writer. Default 4.
     *
     * @throws IllegalArgumentException when less than 1
     */
    public SqliteOptions readers(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("there is at least 1 reader, but this is " + count);
        }
        return new SqliteOptions(clock, count, busyTimeout, accepted, codec);
    }

    /**
     * How long a call waits for other writers, in this process or another. Default 5 s.
     *
     * @throws IllegalArgumentException when shorter than 250 ms
     */
    public SqliteOptions busyTimeout(Duration timeout) {
        if (timeout.toMillis() < 250) {
            throw new IllegalArgumentException("a busy timeout is at least 250 ms, but this is " + timeout);
        }
        return new SqliteOptions(clock, readers, timeout, accepted, codec);
    }

    /** Uses a weaker setting, knowing what it can lose. */
    public SqliteOptions accept(Weakness weakness) {
        Set<Weakness> more = EnumSet.of(weakness);
        more.addAll(accepted);
        return new SqliteOptions(clock, readers, busyTimeout, Set.copyOf(more), codec);
    }

    /**
     * Compresses or encrypts what events, inbox items, questions and blobs hold. Default {@link BodyCodec#plain()}. What was stored before
     * in another form is read all the same.
     */
    public SqliteOptions codec(BodyCodec bodies) {
        return new SqliteOptions(clock, readers, busyTimeout, accepted, Objects.requireNonNull(bodies, "bodies"));
    }

    InstantSource clock() {
        return clock;
    }

    BodyCodec codec() {
        return codec;
    }

    int readers() {
        return readers;
    }

    Duration busyTimeout() {
        return busyTimeout;
    }

    /** What a loss of power may cost here. */
    Synchronous synchronous() {
        if (accepted.contains(Weakness.SYNCHRONOUS_OFF)) {
            return Synchronous.OFF;
        }
        return accepted.contains(Weakness.SYNCHRONOUS_NORMAL) ? Synchronous.NORMAL : Synchronous.FULL;
    }

    /** SQLite's levels, by its numbers. */
    enum Synchronous {
        OFF(0),
        NORMAL(1),
        FULL(2);

        private final int level;

        Synchronous(int level) {
            this.level = level;
        }

        int level() {
            return level;
        }

        /** The level of a number; EXTRA, which is stronger than FULL, counts as it. */
        static Synchronous of(int number) {
            return number <= 0 ? OFF : number == 1 ? NORMAL : FULL;
        }
    }
}

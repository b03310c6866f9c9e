package dev.perdure.session.jdbc;

import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in a SQL database. Thread-safe; open one for each process and close it at the end.
 *
 * <p>An append that carries only events is one statement. A call that waits longer than the busy timeout, or finds no space left, throws {@link
 * dev.perdure.spi.StoreException}, retryable; one that cannot succeed before somebody mends the database throws it not retryable,
 * with the remedy in its message.
 */
public final class JdbcSessionStore implements SessionStore {
    private final Database database;
    private final Liveness liveness;
    private final Guarantees guarantees;
    private final Hints hints;
    private final Claims claims;
    private final Inbox inbox;
    private final Questions questions;
    private final Log log;
    private final Snapshots snapshots;
    private final Sessions sessions;
    private final Blobs blobs;
    private final Removal removal;
    private final Transfer transfer;

    JdbcSessionStore(
            Database database,
            Statements sql,
            Liveness liveness,
            Guarantees guarantees,
            BodyCodec bodies,
            Hints hints) {
        KnownKeys keys = new KnownKeys(database, sql);
        try {
            keys.require(bodies);
        } catch (RuntimeException e) {
            liveness.close();
            hints.close();
            database.close();
            throw e;
        }
        BodyCodec codec = bodies.firstUse(keys);
        this.database = database;
        this.liveness = liveness;
        this.guarantees = guarantees;
        this.hints = hints;
        this.claims = new Claims(database, sql, liveness);
        this.inbox = new Inbox(database, sql, claims, codec, hints);
        this.questions = new Questions(database, sql, codec);
        this.log = new Log(database, sql, questions, codec);
        this.snapshots = new Snapshots(database, sql, codec);
        this.sessions = new Sessions(database, sql, log);
        this.blobs = new Blobs(database, sql, codec);
        this.removal = new Removal(database, sql);
        this.transfer = new Transfer(database, sql, sessions, questions, removal, codec);
    }

    /** As {@link #sqlite(Path, SqliteOptions)} with {@link SqliteOptions#standard()}. */
    public static JdbcSessionStore sqlite(Path file) {
        return sqlite(file, SqliteOptions.standard());
    }

    /**
     * Sessions in a SQLite file, which is made if it is missing; its tables are named {@code perdure_…}. Several processes of one
     * machine may use it at a time; when one dies, however it dies, the others can claim its sessions at once, because each worker
     * holds an OS lock on a file in the folder {@code <file>-workers}. The file must be on a local disk: locks of network file
     * systems are not to be relied on.
     *
     * @throws dev.perdure.spi.StoreException when the folder is missing, the file is no database, cannot be written, is of a newer
     *     version, or has encrypted bodies and the options no keys; a file that is refused is left as it is
     */
    public static JdbcSessionStore sqlite(Path file, SqliteOptions options) {
        return sqlite(file, options, SqliteFile.Wiring.SHIPPED);
    }

    static JdbcSessionStore sqlite(Path file, SqliteOptions options, SqliteFile.Wiring wiring) {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(options, "options");
        return new SqliteFile(file, options, wiring).open();
    }

    /** A database that sessions can be kept in. */
    public enum Product {
        SQLITE,
        /** 13 or newer. */
        POSTGRESQL,
        /** 10.6 or newer. */
        MARIADB,
        /** 8.0.19 or newer. The statements are those of MariaDB but for two spellings, and none of them was ever tried on a MySQL. */
        MYSQL,
        /** 2.2 or newer, for tests. */
        H2;

        Dialect dialect() {
            return switch (this) {
                case SQLITE -> new SqliteDialect();
                case POSTGRESQL -> new PostgresDialect();
                case MARIADB -> new MariaDialect(false, true);
                case MYSQL -> new MariaDialect(true, false);
                case H2 -> new H2Dialect();
            };
        }

        Guarantees check(Settings settings) {
            return switch (this) {
                case SQLITE -> throw new IllegalStateException("a file has settings of its own");
                case POSTGRESQL -> PostgresSettings.check(settings);
                case MARIADB, MYSQL -> MariaSettings.check(settings);
                case H2 -> H2Settings.check(settings);
            };
        }
    }

    /** As {@link #ddl(Product, JdbcOptions, int)} for a database without tables. */
    public static String ddl(Product product, JdbcOptions options) {
        return ddl(product, options, 0);
    }

    /**
     * The statements that make the tables, or bring them to the newest version, for somebody who may make and change tables to run once, before the first store of that
     * version is opened; whoever opens a store then needs no more than SELECT, INSERT, UPDATE and DELETE on them. A store that finds no tables, or
     * old ones, runs the same statements itself.
     *
     * @param options the schema and table prefix count
     * @param from the version that the tables have, {@code max(version)} in {@code perdure_schema}; 0 for none. Only what comes after it is given: nothing for the newest
     * @throws IllegalArgumentException when there is no such version
     */
    public static String ddl(Product product, JdbcOptions options, int from) {
        Dialect dialect = product.dialect();
        String now = product == Product.SQLITE ? "CAST(strftime('%s', 'now') AS INTEGER) * 1000" : dialect.now();
        return Migrations.script(dialect, options.tables(), from, now);
    }

    /** As {@link #of(DataSource, JdbcOptions)} with {@link JdbcOptions#standard()}. */
    public static JdbcSessionStore of(DataSource source) {
        return of(source, JdbcOptions.standard());
    }

    /**
     * Sessions in the database of a server, which it finds out: a {@link Product}. Any number of processes of any number of machines may use it at a
     * time. The tables are made by whoever opens the store first, or by {@link #ddl}; after that no right to make tables is needed. All times are by the
     * server's clock. The driver is the application's to add.
     *
     * @param source a pool of at least 2 connections, and 3 with {@link JdbcOptions#notifications}, with autocommit on; it stays the caller's and is not closed. One
     *     connection of it is kept for the renewal of leases, and with notifications another one for {@code LISTEN}; the others are given back after each call. Workers
     *     that find none free wait for one another, and claim less. With a timeout of the pool's own that is no longer than {@link JdbcOptions#busyTimeout}
     *     (HikariCP: {@code connectionTimeout}, by default 30 s) a server that is down is named with the reason at once
     * @throws dev.perdure.spi.StoreException when the database cannot be reached, is too old or of a newer schema, lacks one of its tables, has encrypted bodies while
     *     the options have no keys, or has a setting that can lose acknowledged events and was not accepted by name, or when the data source gives too few
     *     connections at a time
     * @throws IllegalArgumentException when the database is another
     * @throws IllegalStateException when its connections have autocommit off
     */
    public static JdbcSessionStore of(DataSource source, JdbcOptions options) {
        return of(source, options, Server.Wiring.SHIPPED);
    }

    static JdbcSessionStore of(DataSource source, JdbcOptions options, Server.Wiring wiring) {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(options, "options");
        return new Server(source, options, wiring).open();
    }

    @Override
    public Opened open(NewSession session) {
        return sessions.open(session);
    }

    @Override
    public Claimed claim(SessionId id, Terms terms) {
        return claims.claim(id, terms);
    }

    @Override
    public Taken claimReady(Terms terms, Ready filter, int max) {
        return claims.claimReady(terms, filter, max);
    }

    @Override
    public List<Renewal> renew(List<Lease> leases, Duration ttl) {
        return claims.renew(leases, ttl);
    }

    @Override
    public Appended append(Lease lease, Position after, Batch batch) {
        Appended answer = log.append(lease, after, batch);
        Release release = batch.release();
        if (release != null && release.target() == SessionStatus.READY && answer instanceof Appended.Ok) {
            hints.changed(lease.key());
        }
        return answer;
    }

    @Override
    public Posted post(SessionId id, Post item) {
        return inbox.post(id, item, null);
    }

    /**
     * {@link #post(SessionId, Post)} within a transaction of the application: the item is there when that transaction is committed, and never was when it is rolled
     * back. The session has to be there: open it before, by a runtime. An item that was sent before under the same key is not sent again. Send last in the
     * transaction, because until its end it keeps the session's row, for which the session's own appends wait. Workers find the item when they look next.
     *
     * <pre>{@code
     * orders.insert(connection, order);
     * store.post(connection, SessionId.of("acme", "orders"), Input.text("Check order " + order.id()).key(order.id()).post());
     * connection.commit();
     * }</pre>
     *
     * @param connection to this store's database, with autocommit off; it is neither committed nor closed here
     * @throws IllegalArgumentException when autocommit is on, or the connection leads to another kind of database
     * @throws IllegalStateException when nothing was sent, because there is no such session, it is closed, or another item was sent under this key; the
     *     transaction is as it was before
     * @throws dev.perdure.spi.StoreException retryable by rolling back and repeating the whole transaction, which may be at its end
     */
    public void post(Connection connection, SessionId id, Post item) {
        Objects.requireNonNull(item, "item");
        try {
            String product = connection.getMetaData().getDatabaseProductName();
            if (!product.equalsIgnoreCase(database.dialect().name())) {
                throw new IllegalArgumentException(
                        "the connection leads to a database of " + product + ", but the sessions are in one of "
                                + database.dialect().name());
            }
            if (connection.getAutoCommit()) {
                throw new IllegalArgumentException(
                        "the connection has autocommit on, so that there is no transaction to"
                                + " send within: switch it off, or use post(id, item)");
            }
        } catch (SQLException e) {
            throw StoreException.unavailable("the connection does not work: " + e.getMessage(), id, e);
        }
        requireSent(inbox.post(connection, id, item), id, item);
    }

    /** A transaction that is committed in the belief that something was sent would lose it. */
    private static void requireSent(Posted answer, SessionId id, Post item) {
        String nothing = "nothing was sent to session " + id + ": ";
        if (answer instanceof Posted.Unknown) {
            throw new IllegalStateException(nothing + "the database that the connection leads to has no such session;"
                    + " open it by a runtime before the transaction");
        } else if (answer instanceof Posted.Ended) {
            throw new IllegalStateException(nothing + "it is closed");
        } else if (answer instanceof Posted.Conflict) {
            throw new IllegalStateException(nothing + "another item was sent under the key \"" + item.key()
                    + "\"; use a key of its own for each");
        }
    }

    @Override
    public Posted postAndClaim(SessionId id, Post item, Terms terms) {
        return inbox.post(id, item, Objects.requireNonNull(terms, "terms"));
    }

    @Override
    public List<Recorded> read(SessionId id, long after, int limit) {
        return log.read(id, after, limit);
    }

    @Override
    public Position head(SessionId id) {
        return log.head(id);
    }

    @Override
    public Optional<Snapshot> snapshot(SessionId id) {
        return snapshots.find(id);
    }

    @Override
    public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
        return snapshots.keep(lease, snapshot);
    }

    @Override
    public List<InboxItem> inbox(SessionId id, long after, int limit) {
        return inbox.list(id, after, limit);
    }

    @Override
    public Optional<SessionInfo> find(SessionId id) {
        return sessions.find(id);
    }

    @Override
    public List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
        return sessions.list(tenant, status, afterName, limit);
    }

    @Override
    public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
        return questions.list(tenant, after, limit);
    }

    @Override
    public Optional<Question> findQuestion(QuestionId id) {
        return questions.find(id);
    }

    @Override
    public Map<String, Long> ready() {
        return sessions.ready();
    }

    @Override
    public boolean delete(SessionId id) {
        return removal.delete(id);
    }

    @Override
    public int purge(Retention which, int limit) {
        return removal.purge(which, limit);
    }

    @Override
    public Optional<Image> image(SessionId id) {
        return transfer.image(id);
    }

    @Override
    public boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
        return transfer.restore(image, events, blobs);
    }

    @Override
    public BlobStore blobs() {
        return blobs;
    }

    @Override
    public Guarantees guarantees() {
        return guarantees;
    }

    @Override
    public Listening listen(LongConsumer changed) {
        return hints.listen(Objects.requireNonNull(changed, "changed"));
    }

    @Override
    public void close() {
        hints.close();
        database.close();
        liveness.close();
    }
}

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
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in a SQL database. Thread-safe; open one for each process and close it at the end.
 *
 * <p>An append that carries only events is one statement. A call that waits longer than the busy timeout throws {@link
 * dev.perdure.spi.StoreException}, retryable; one that cannot succeed before somebody mends the database throws it not retryable,
 * with the remedy in its message.
 */
public final class JdbcSessionStore implements SessionStore {
    private final Database database;
    private final Liveness liveness;
    private final Guarantees guarantees;
    private final Claims claims;
    private final Inbox inbox;
    private final Questions questions;
    private final Log log;
    private final Sessions sessions;
    private final Blobs blobs;
    private final Removal removal;
    private final Transfer transfer;

    JdbcSessionStore(Database database, Statements sql, Liveness liveness, Guarantees guarantees) {
        this.database = database;
        this.liveness = liveness;
        this.guarantees = guarantees;
        this.claims = new Claims(database, sql, liveness);
        this.inbox = new Inbox(database, sql, claims);
        this.questions = new Questions(database, sql);
        this.log = new Log(database, sql, questions);
        this.sessions = new Sessions(database, sql, log);
        this.blobs = new Blobs(database, sql);
        this.removal = new Removal(database, sql);
        this.transfer = new Transfer(database, sql, sessions, questions, removal);
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
     * @throws dev.perdure.spi.StoreException when the folder is missing, the file is no database, cannot be written, or is of a newer
     *     version; a file that is refused is left as it is
     */
    public static JdbcSessionStore sqlite(Path file, SqliteOptions options) {
        return sqlite(file, options, SqliteFile.Wiring.SHIPPED);
    }

    static JdbcSessionStore sqlite(Path file, SqliteOptions options, SqliteFile.Wiring wiring) {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(options, "options");
        return new SqliteFile(file, options, wiring).open();
    }

    /** As {@link #of(DataSource, JdbcOptions)} with {@link JdbcOptions#standard()}. */
    public static JdbcSessionStore of(DataSource source) {
        return of(source, JdbcOptions.standard());
    }

    /**
     * Sessions in a PostgreSQL database, 13 or newer, that any number of processes of any number of machines may use at a time. Its
     * tables are named {@code perdure_…} and are made, where the connection's search path leads, by whoever opens the store first; after that
     * no right to make tables is needed. All times are by the server's clock.
     *
     * @param source a pool of at least 2 connections, with autocommit on; it stays the caller's and is not closed. One connection of it is kept for the renewal
     *     of leases; the others are given back after each call
     * @throws dev.perdure.spi.StoreException when the database cannot be reached, is too old or of a newer schema, or has a setting that can lose
     *     acknowledged events and was not accepted by name
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
    public List<Lease> claimReady(Terms terms, Ready filter, int max) {
        return claims.claimReady(terms, filter, max);
    }

    @Override
    public List<Renewal> renew(List<Lease> leases, Duration ttl) {
        return claims.renew(leases, ttl);
    }

    @Override
    public Appended append(Lease lease, Position after, Batch batch) {
        return log.append(lease, after, batch);
    }

    @Override
    public Posted post(SessionId id, Post item) {
        return inbox.post(id, item, null);
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
    public void close() {
        database.close();
        liveness.close();
    }
}

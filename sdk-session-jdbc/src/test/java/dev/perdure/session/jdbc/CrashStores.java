package dev.perdure.session.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Stores as they are, and with one mistake each, for child JVMs. */
public final class CrashStores {
    private CrashStores() {}

    private static SessionStore sqlite(Path folder) {
        return JdbcSessionStore.sqlite(folder.resolve("sessions.db"));
    }

    /** No mistake. */
    public static final class Right implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            return sqlite(folder);
        }
    }

    /** A PostgreSQL at the address in the system property {@link #URL}; each run has a schema of its own. */
    public static class OnPostgres implements CrashStore {
        static final String URL = "perdure.test.postgres";

        @Override
        public SessionStore open(Path folder) {
            return JdbcSessionStore.of(pool(folder), JdbcOptions.standard(), wiring());
        }

        Server.Wiring wiring() {
            return Server.Wiring.SHIPPED;
        }

        private static DataSource pool(Path folder) {
            String schema =
                    "run_" + Hashes.hex(folder.toString().getBytes(UTF_8)).substring(0, 16);
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(System.getProperty(URL));
            config.setConnectionInitSql("CREATE SCHEMA IF NOT EXISTS " + schema + "; SET search_path = " + schema);
            config.setMaximumPoolSize(4);
            config.setMinimumIdle(1);
            return new HikariDataSource(config);
        }
    }

    /** The same mistake as {@link WithoutFence}. */
    public static final class OnPostgresWithoutFence extends OnPostgres {
        @Override
        Server.Wiring wiring() {
            return new Server.Wiring(Unfenced::new);
        }
    }

    private static final class Unfenced extends Statements {
        Unfenced(Dialect dialect) {
            super(dialect);
        }

        @Override
        String held() {
            return "(:fence IS NOT NULL OR :owner IS NOT NULL)";
        }
    }

    /** Appends under any fence and owner: a paused worker writes on after a takeover. */
    public static final class WithoutFence implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            SqliteFile.Wiring wiring = new SqliteFile.Wiring(UnaryOperator.identity(), config -> {}, Unfenced::new);
            return JdbcSessionStore.sqlite(folder.resolve("sessions.db"), SqliteOptions.standard(), wiring);
        }
    }

    /** A release that does not look at the inbox: what came since its worker last looked lies there. */
    public static final class WithMissedWakeUps implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            return new Forwarding(sqlite(folder)) {
                @Override
                public Appended append(Lease lease, Position after, Batch batch) {
                    Release release = batch.release();
                    if (release == null) {
                        return super.append(lease, after, batch);
                    }
                    // The moment in which an input is missed is made longer, so that one comes in it whatever the load.
                    LockSupport.parkNanos(50_000_000);
                    return super.append(lease, after, blind(batch, release));
                }
            };
        }

        private static SessionStore.Batch blind(SessionStore.Batch batch, SessionStore.Release release) {
            return new SessionStore.Batch(
                    batch.events(),
                    batch.consumed(),
                    batch.opened(),
                    batch.closed(),
                    batch.agent(),
                    new SessionStore.Release(release.target(), Long.MAX_VALUE));
        }
    }

    /** Says that intents are stored, and stores them with what comes next. */
    public static final class WithLateIntents implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            return new LateIntents(sqlite(folder));
        }
    }

    private static final class LateIntents extends Forwarding {
        private final Map<Lease, Held> held = new ConcurrentHashMap<>();

        private record Held(Position after, Batch batch) {}

        LateIntents(SessionStore store) {
            super(store);
        }

        @Override
        public Appended append(Lease lease, Position after, Batch batch) {
            Held before = held.remove(lease);
            if (before != null) {
                return super.append(lease, before.after(), both(before.batch(), batch));
            }
            if (batch.release() != null || batch.events().stream().noneMatch(LateIntents::isIntent)) {
                return super.append(lease, after, batch);
            }
            held.put(lease, new Held(after, batch));
            int last = batch.events().size() - 1;
            return new Appended.Ok(
                    new Position(
                            after.seq() + last + 1, batch.events().get(last).id()),
                    Instant.now());
        }

        private static boolean isIntent(Draft draft) {
            return draft.event() instanceof Event.ToolStarted;
        }

        private static Batch both(Batch one, Batch other) {
            return new Batch(
                    both(one.events(), other.events()),
                    both(one.consumed(), other.consumed()),
                    both(one.opened(), other.opened()),
                    both(one.closed(), other.closed()),
                    other.agent() == null ? one.agent() : other.agent(),
                    other.release());
        }

        private static <T> List<T> both(List<T> one, List<T> other) {
            List<T> all = new ArrayList<>(one);
            all.addAll(other);
            return all;
        }
    }

    /** A store that does what another does. */
    private static class Forwarding implements SessionStore {
        private final SessionStore store;

        Forwarding(SessionStore store) {
            this.store = store;
        }

        @Override
        public Opened open(NewSession session) {
            return store.open(session);
        }

        @Override
        public Claimed claim(SessionId id, Terms terms) {
            return store.claim(id, terms);
        }

        @Override
        public List<Lease> claimReady(Terms terms, Ready filter, int max) {
            return store.claimReady(terms, filter, max);
        }

        @Override
        public List<Renewal> renew(List<Lease> leases, Duration ttl) {
            return store.renew(leases, ttl);
        }

        @Override
        public Appended append(Lease lease, Position after, Batch batch) {
            return store.append(lease, after, batch);
        }

        @Override
        public Posted post(SessionId id, Post item) {
            return store.post(id, item);
        }

        @Override
        public Posted postAndClaim(SessionId id, Post item, Terms terms) {
            return store.postAndClaim(id, item, terms);
        }

        @Override
        public List<Recorded> read(SessionId id, long after, int limit) {
            return store.read(id, after, limit);
        }

        @Override
        public Position head(SessionId id) {
            return store.head(id);
        }

        @Override
        public Optional<Snapshot> snapshot(SessionId id) {
            return store.snapshot(id);
        }

        @Override
        public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
            return store.saveSnapshot(lease, snapshot);
        }

        @Override
        public List<InboxItem> inbox(SessionId id, long after, int limit) {
            return store.inbox(id, after, limit);
        }

        @Override
        public Optional<SessionInfo> find(SessionId id) {
            return store.find(id);
        }

        @Override
        public List<SessionInfo> list(TenantId tenant, Set<SessionStatus> status, String afterName, int limit) {
            return store.list(tenant, status, afterName, limit);
        }

        @Override
        public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
            return store.questions(tenant, after, limit);
        }

        @Override
        public Optional<Question> findQuestion(QuestionId id) {
            return store.findQuestion(id);
        }

        @Override
        public Map<String, Long> ready() {
            return store.ready();
        }

        @Override
        public boolean delete(SessionId id) {
            return store.delete(id);
        }

        @Override
        public BlobStore blobs() {
            return store.blobs();
        }

        @Override
        public Guarantees guarantees() {
            return store.guarantees();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}

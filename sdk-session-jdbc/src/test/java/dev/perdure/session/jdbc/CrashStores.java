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
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashStore;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
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
        public SessionStore open(Path folder, String server) {
            return sqlite(folder);
        }
    }

    /** The PostgreSQL that the harness knows; each run has a schema of its own. */
    public static class OnPostgres implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            return JdbcSessionStore.of(pool(folder, server), JdbcOptions.standard(), wiring());
        }

        Server.Wiring wiring() {
            return Server.Wiring.SHIPPED;
        }

        static HikariDataSource pool(Path folder, String server) {
            String schema =
                    "run_" + Hashes.hex(folder.toString().getBytes(UTF_8)).substring(0, 16);
            HikariConfig config = config(server);
            config.setConnectionInitSql("CREATE SCHEMA IF NOT EXISTS " + schema + "; SET search_path = " + schema);
            return new HikariDataSource(config);
        }

        static HikariConfig config(String server) {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl("jdbc:postgresql://" + server + "/postgres?user=postgres");
            // Whoever never hears of its server again must not wait for ever.
            config.addDataSourceProperty("socketTimeout", "5");
            config.addDataSourceProperty("loginTimeout", "5");
            config.setConnectionTimeout(2_000);
            config.setMaximumPoolSize(4);
            config.setMinimumIdle(1);
            return config;
        }
    }

    /** Each run has a database of its own. */
    public static final class OnMariaDb implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            String database =
                    "run_" + Hashes.hex(folder.toString().getBytes(UTF_8)).substring(0, 16);
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl("jdbc:mariadb://" + server + "/?user=root&sslMode=disable");
            config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
            config.setConnectionInitSql("CREATE DATABASE IF NOT EXISTS " + database);
            // Whoever never hears of its server again must not wait for ever.
            config.addDataSourceProperty("socketTimeout", "5000");
            config.addDataSourceProperty("connectTimeout", "5000");
            config.setConnectionTimeout(2_000);
            config.setMaximumPoolSize(4);
            config.setMinimumIdle(1);
            return JdbcSessionStore.of(
                    new HikariDataSource(config), JdbcOptions.standard().schema(database));
        }
    }

    /** Through PgBouncer in transaction mode, as a user whose settings lead to the schema. */
    public static final class OnPgBouncer implements CrashStore {
        /** The system property with the user's name. */
        static final String USER = "perdure.test.pgbouncer.user";

        @Override
        public SessionStore open(Path folder, String server) {
            HikariConfig config = OnPostgres.config(server);
            config.setJdbcUrl("jdbc:postgresql://" + server + "/postgres?user=" + System.getProperty(USER));
            config.addDataSourceProperty("prepareThreshold", "0");
            return JdbcSessionStore.of(new HikariDataSource(config));
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

    /** Takes what was consumed out of the inbox after the commit that it belongs to: whoever dies between has it applied again. */
    public static final class OnPostgresConsumingLater extends OnPostgres {
        @Override
        public SessionStore open(Path folder, String server) {
            HikariDataSource pool = pool(folder, server);
            return new Forwarding(JdbcSessionStore.of(pool)) {
                @Override
                public Appended append(Lease lease, Position after, Batch batch) {
                    if (batch.consumed().isEmpty()) {
                        return super.append(lease, after, batch);
                    }
                    Appended answer = super.append(lease, after, withoutConsumed(batch));
                    // The moment in which a process dies is made longer, so that one dies in it whatever the load.
                    LockSupport.parkNanos(150_000_000);
                    consume(pool, lease, batch.consumed());
                    return answer;
                }
            };
        }

        private static SessionStore.Batch withoutConsumed(SessionStore.Batch batch) {
            return new SessionStore.Batch(
                    batch.events(), List.of(), batch.opened(), batch.closed(), batch.agent(), batch.release());
        }

        private static void consume(DataSource pool, Lease lease, List<Long> positions) {
            try (Connection connection = pool.getConnection();
                    PreparedStatement statement = connection.prepareStatement(
                            "UPDATE perdure_inbox SET consumed = 1, body = '' WHERE session = ? AND position = ANY (?)")) {
                statement.setLong(1, lease.key());
                statement.setArray(2, connection.createArrayOf("bigint", positions.toArray()));
                statement.execute();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** A post that wakes the session only if it was asleep when the post looked, not when it wrote: a release in between is missed. */
    public static final class OnPostgresTestingStatusInPost extends OnPostgres {
        @Override
        Server.Wiring wiring() {
            return new Server.Wiring(dialect -> new Statements(dialect) {
                @Override
                String arrive() {
                    // What a subquery sees is as old as the statement; what is updated is the row as it is now.
                    return super.arrive()
                            .replace("(status IN", "((SELECT seen.status FROM seen) IN")
                            .replace("status = 'QUARANTINED'", "(SELECT seen.status FROM seen) = 'QUARANTINED'");
                }

                @Override
                String postTogether() {
                    // Between the look and the write there is a moment, so that a release comes in it whatever the
                    // load.
                    return super.postTogether().replaceFirst("WITH arrival", """
                                    WITH seen AS MATERIALIZED (
                                      SELECT status, pg_sleep(0.15) FROM perdure_session
                                      WHERE tenant = :tenant AND name = :name),
                                    arrival""");
                }
            });
        }
    }

    /** Looks at fence and owner for a while before it writes, and locks the row in between, as it should. */
    public static class OnPostgresLookingSlowly extends OnPostgres {
        @Override
        Server.Wiring wiring() {
            return new Server.Wiring(SlowLook::new);
        }
    }

    private static final class SlowLook extends Statements {
        SlowLook(Dialect dialect) {
            super(dialect);
        }

        @Override
        String held() {
            return "(SELECT pg_sleep(0.4 + random() * 1.6)) IS NOT NULL AND " + super.held();
        }
    }

    /** The same without the row lock. */
    public static final class OnPostgresWithoutRowLock extends OnPostgres {
        @Override
        Server.Wiring wiring() {
            return new Server.Wiring(dialect -> new SlowLook(unlocked(dialect)));
        }

        private static Dialect unlocked(Dialect dialect) {
            return (Dialect) Proxy.newProxyInstance(
                    Dialect.class.getClassLoader(),
                    new Class<?>[] {Dialect.class},
                    (proxy, method, arguments) -> method.getName().equals("shareLock")
                                    || method.getName().equals("updateLock")
                            ? ""
                            : method.invoke(dialect, arguments));
        }
    }

    /** As it is, under workers that take their time between two appends: so turns go on from before a failover until after it. */
    public static class OnPostgresUnderSlowWorkers extends OnPostgres {
        @Override
        public SessionStore open(Path folder, String server) {
            return new Forwarding(super.open(folder, server)) {
                @Override
                public Appended append(Lease lease, Position after, Batch batch) {
                    Appended answer = super.append(lease, after, batch);
                    LockSupport.parkNanos(150_000_000);
                    return answer;
                }
            };
        }
    }

    /** The same, appending wherever the log ends, as long as the number is free. */
    public static final class OnPostgresWithoutLastEvent extends OnPostgresUnderSlowWorkers {
        @Override
        Server.Wiring wiring() {
            return new Server.Wiring(dialect -> new Statements(dialect) {
                @Override
                String append(int events) {
                    return anywhere(super.append(events));
                }

                @Override
                String appendTogether(SessionStore.Batch batch) {
                    return anywhere(super.appendTogether(batch));
                }
            });
        }

        private static String anywhere(String sql) {
            String changed = sql.replaceFirst("EXISTS \\(\\s*SELECT 1 FROM perdure_event e[^)]*\\)", "TRUE");
            if (changed.equals(sql)) {
                throw new IllegalStateException("the look at the last event is not where it was: " + sql);
            }
            return changed;
        }
    }

    /** As it is, in an application that takes all connections of the pool again and again for longer than a lease. */
    public static class OnPostgresInABusyPool extends OnPostgres {
        /** The lease of the run that this is for. */
        static final Duration LEASE = Duration.ofMillis(400);

        @Override
        public SessionStore open(Path folder, String server) {
            HikariDataSource pool = pool(folder, server);
            SessionStore store = store(pool);
            Thread busy = new Thread(() -> keepBusy(pool, free(pool)), "busy-application");
            busy.setDaemon(true);
            busy.start();
            return store;
        }

        SessionStore store(HikariDataSource pool) {
            return JdbcSessionStore.of(pool);
        }

        /** How many connections there are to be taken: all but the one that is kept for renewals. */
        int free(HikariDataSource pool) {
            return pool.getMaximumPoolSize() - 1;
        }

        private static void keepBusy(HikariDataSource pool, int most) {
            while (!pool.isClosed()) {
                List<Connection> all = new ArrayList<>();
                try {
                    while (all.size() < most) {
                        all.add(pool.getConnection());
                    }
                } catch (SQLException e) {
                    // Those that it has are enough for now.
                }
                LockSupport.parkNanos(LEASE.toNanos() * 5 / 2);
                all.forEach(OnPostgresInABusyPool::giveBack);
                LockSupport.parkNanos(LEASE.toNanos() / 2);
            }
        }

        private static void giveBack(Connection connection) {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** The same with renewals that wait for a connection like everybody else. */
    public static final class OnPostgresRenewingInTheSharedPool extends OnPostgresInABusyPool {
        @Override
        int free(HikariDataSource pool) {
            return pool.getMaximumPoolSize();
        }

        @Override
        SessionStore store(HikariDataSource pool) {
            return JdbcSessionStore.of(
                    pool, JdbcOptions.standard(), new Server.Wiring(UnaryOperator.identity(), Statements::new, false));
        }
    }

    /** Forgets to put questions where those look who answer them. */
    public static final class WithLostQuestions implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            return new Forwarding(sqlite(folder)) {
                @Override
                public Appended append(Lease lease, Position after, Batch batch) {
                    return super.append(
                            lease,
                            after,
                            new Batch(
                                    batch.events(),
                                    batch.consumed(),
                                    List.of(),
                                    batch.closed(),
                                    batch.agent(),
                                    batch.release()));
                }
            };
        }
    }

    /** Lists questions whoever's they are. */
    public static final class WithoutTenants implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            return new Forwarding(sqlite(folder)) {
                @Override
                public List<Question> questions(TenantId tenant, @Nullable Question after, int limit) {
                    return Stream.of("crash-a", "crash-b")
                            .flatMap(any -> super.questions(TenantId.of(any), after, limit).stream())
                            .toList();
                }
            };
        }
    }

    /** Appends under any fence and owner: a paused worker writes on after a takeover. */
    public static final class WithoutFence implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            SqliteFile.Wiring wiring = new SqliteFile.Wiring(UnaryOperator.identity(), config -> {}, Unfenced::new);
            return JdbcSessionStore.sqlite(folder.resolve("sessions.db"), SqliteOptions.standard(), wiring);
        }
    }

    /** A release that does not look at the inbox: what came since its worker last looked lies there. */
    public static final class WithMissedWakeUps implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
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
        public SessionStore open(Path folder, String server) {
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
        public Taken claimReady(Terms terms, Ready filter, int max) {
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
        public int purge(Retention which, int limit) {
            return store.purge(which, limit);
        }

        @Override
        public Optional<Image> image(SessionId id) {
            return store.image(id);
        }

        @Override
        public boolean restore(Image image, Iterator<Recorded> events, Iterator<byte[]> blobs) {
            return store.restore(image, events, blobs);
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

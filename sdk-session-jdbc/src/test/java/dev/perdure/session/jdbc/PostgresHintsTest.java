package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Operator;
import dev.perdure.model.ModelException;
import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hints between processes by LISTEN and NOTIFY: quick when they come, not needed for anything. */
@Timeout(120)
class PostgresHintsTest {
    /** Nothing is found by polling within a test. */
    private static final Duration NEVER = Duration.ofMinutes(10);

    private static final JdbcOptions HINTING = JdbcOptions.standard().notifications();

    private final Postgres postgres = Postgres.empty();
    private final SessionStore sender = JdbcSessionStore.of(postgres.pool(), HINTING);
    private final AtomicInteger looks = new AtomicInteger();

    @AfterEach
    void drop() {
        sender.close();
        postgres.close();
    }

    private static Agent agent() {
        return Agent.builder(AGENT)
                .model(ScriptedModel.answering(request -> Step.text("done")))
                .build();
    }

    /** The same, counting how often work was looked for. */
    private SessionStore counted(SessionStore store) {
        return (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(), new Class<?>[] {SessionStore.class}, (self, method, arguments) -> {
                    try {
                        return method.invoke(store, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    } finally {
                        if (method.getName().equals("claimReady")) {
                            looks.incrementAndGet();
                        }
                    }
                });
    }

    private AgentRuntime runtime(SessionStore store, Duration poll, Agent agent) {
        return AgentRuntime.builder(counted(store))
                .agents(agent)
                .poll(poll)
                .lease(Duration.ofMinutes(10))
                .build();
    }

    /** Posts to a session that nobody serves, until that makes the worker look. */
    private void awaitListening() {
        SessionId ping = SessionId.of("acme", "ping");
        sender.open(new SessionStore.NewSession(
                ping, "nobody", Map.of(), Draft.of(EventId.random(), 0, new Event.SessionOpened("nobody", Map.of()))));
        Eventually.await("it listens", () -> !listener().equals("none"));
        Eventually.await("it has looked at its start", () -> looks.get() > 0);
        int before = looks.get();
        Eventually.await("it looks when something is told", () -> {
            sender.post(ping, Messages.text("ping" + System.nanoTime(), "hi"));
            return looks.get() > before + 1;
        });
    }

    private String listener() {
        return postgres.query("SELECT pid FROM pg_stat_activity WHERE application_name = '" + postgres.schema()
                + "' AND query LIKE 'LISTEN%'");
    }

    private void send(SessionId session) {
        opened(sender, session);
        sender.post(session, Messages.text("k", "hi"));
    }

    private boolean ended(SessionId session) {
        return SqliteStore.log(sender, session).stream().anyMatch(event -> event.event() instanceof Event.TurnEnded);
    }

    @Test
    void postByAnotherProcess_startsTheSessionAtOnce_byTheHint_howeverLongThePoll() {
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(pool, HINTING);
                AgentRuntime runtime = runtime(store, NEVER, agent())) {
            awaitListening();
            send(ID);
            Eventually.await("run", () -> ended(ID));
            assertThat(runtime.find(ID)).isPresent();
        }
    }

    @Test
    void sessionThatAnotherProcessGivesBack_isTakenUpAtOnce_byTheHint() {
        CountDownLatch inCall = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Agent slow = Agent.builder(AGENT)
                .model(ScriptedModel.answering(request -> {
                    inCall.countDown();
                    Eventually.await(go);
                    return Step.call("look", "{}");
                }))
                .build();
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(pool, HINTING)) {
            try (AgentRuntime leaving =
                    AgentRuntime.builder(sender).agents(slow).workers(0).build()) {
                leaving.open(ID, AGENT).send("hi");
                Eventually.await(inCall);
                try (AgentRuntime staying = runtime(store, NEVER, agent())) {
                    awaitListening();
                    Thread closing = new Thread(leaving::close);
                    closing.start();
                    Eventually.await(
                            "close waits for the step", () -> closing.getState() == Thread.State.TIMED_WAITING);
                    go.countDown();
                    Eventually.await("the other goes on", () -> ended(ID));
                    assertThat(staying.find(ID)).isPresent();
                }
            }
        }
    }

    /** Else its owner would learn of it with its next renewal. */
    @Test
    void interruptByAnotherProcess_reachesTheOwnerAtOnce_byTheHint() {
        CountDownLatch inCall = new CountDownLatch(1);
        ModelClient stuck = (request, scope) -> {
            CountDownLatch stop = new CountDownLatch(1);
            scope.interruption().onRequest(stop::countDown);
            inCall.countDown();
            Eventually.await(stop);
            throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
        };
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(pool, HINTING);
                AgentRuntime runtime =
                        runtime(store, NEVER, Agent.builder(AGENT).model(stuck).build())) {
            awaitListening();
            runtime.open(ID, AGENT).send("hi");
            Eventually.await(inCall);
            Operator.of(sender).interrupt(ID, "enough", Actor.user("ann"));
            Eventually.await("interrupted", () -> ended(ID));
        }
    }

    @Test
    void listenersConnectionKilled_isReplaced_andWhatWasMissedIsLookedFor() {
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(pool, HINTING);
                AgentRuntime runtime = runtime(store, NEVER, agent())) {
            awaitListening();
            String killed = listener();
            postgres.sql("SELECT pg_terminate_backend(" + killed + ")");
            send(ID);
            Eventually.await("found by the look after listening again", () -> ended(ID));

            Eventually.await(
                    "another listens",
                    () -> !listener().equals("none") && !listener().equals(killed));
            SessionId next = SessionId.of("acme", "next");
            awaitListening();
            send(next);
            Eventually.await("run", () -> ended(next));
            assertThat(runtime.find(next)).isPresent();
        }
    }

    @Test
    void withoutAnyHint_workIsFoundByPolling() {
        JdbcOptions silent = JdbcOptions.standard();
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(pool, silent);
                AgentRuntime runtime = runtime(store, Duration.ofMillis(100), agent())) {
            send(ID);
            Eventually.await("run", () -> ended(ID));
            assertThat(listener()).isEqualTo("none");
            assertThat(runtime.find(ID)).isPresent();
        }
    }

    @Test
    void behindPgBouncer_thatNothingComesThroughIsFoundOut_theConnectionGivenBack_andWorkFoundByPolling() {
        assumeTrue(PgBouncer.installed(), "pgbouncer is not installed");
        Postgres pooled = Postgres.throughPgBouncer(Instant.parse("2026-01-01T00:00:00Z"));
        try (SessionStore store = JdbcSessionStore.of(pooled.pool(), HINTING);
                AgentRuntime runtime = runtime(store, Duration.ofMillis(100), agent())) {
            // The renewal of leases keeps one.
            Eventually.await(
                    "given back",
                    () -> looks.get() > 3
                            && pooled.pool().getHikariPoolMXBean().getActiveConnections() == 1
                            && Thread.getAllStackTraces().keySet().stream()
                                    .noneMatch(thread -> thread.getName().equals("perdure-listen")));
            runtime.open(ID, AGENT);
            store.post(ID, Messages.text("k", "hi"));
            Eventually.await("run", () -> store.find(ID).orElseThrow().status() == SessionStatus.IDLE);
        } finally {
            pooled.close();
        }
    }

    @Test
    void closedStore_givesItsConnectionBack_andListensNoMore() {
        try (HikariDataSource pool = postgres.pool(4)) {
            SessionStore store = JdbcSessionStore.of(pool, HINTING);
            AgentRuntime runtime = runtime(store, NEVER, agent());
            awaitListening();
            runtime.close();
            store.close();
            Eventually.await("all is back", () -> pool.getHikariPoolMXBean().getActiveConnections() == 0);
            assertThat(listener()).isEqualTo("none");
        }
    }

    @Test
    void burstOfPosts_isToldInFarFewerStatements() {
        SqliteStore.Statistics statistics = new SqliteStore.Statistics();
        try (HikariDataSource pool = postgres.pool(4);
                SessionStore store = JdbcSessionStore.of(statistics.apply(pool), HINTING)) {
            opened(store, ID);
            long start = System.nanoTime();
            for (int i = 0; i < 300; i++) {
                store.post(ID, Messages.text("k" + i, "hi"));
            }
            Eventually.await("told", () -> statistics.notified() > 0);
            long told = statistics.notified();
            long pauses = (System.nanoTime() - start) / 50_000_000;
            assertThat(told).isLessThanOrEqualTo(pauses + 2);
        }
    }

    /** Whoever uses another database has no driver of PostgreSQL. */
    @Test
    void storeOfAnotherDatabase_needsNoClassOfPostgresqlsDriver(@TempDir Path folder) throws Exception {
        URL[] others = Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
                .filter(entry -> !entry.contains("postgresql-"))
                .map(PostgresHintsTest::url)
                .toArray(URL[]::new);
        try (URLClassLoader without = new URLClassLoader(others, ClassLoader.getPlatformClassLoader())) {
            assertThat(List.of(others)).isNotEmpty();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> without.loadClass("org.postgresql.PGConnection"))
                    .isInstanceOf(ClassNotFoundException.class);
            Class.forName("dev.perdure.session.jdbc.Server", true, without);
            Object store = without.loadClass(JdbcSessionStore.class.getName())
                    .getMethod("sqlite", Path.class)
                    .invoke(null, folder.resolve("s.db"));
            ((AutoCloseable) store).close();
        }
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.RuntimeListener;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A primary that dies, and an asynchronous streaming standby that takes over without the newest commits: the workers that saw these acknowledged find out, and
 * nobody goes on as if nothing had been.
 */
@Timeout(180)
class PostgresFailoverTest {
    @TempDir
    Path folder;

    private EmbeddedPostgres primary;
    private EmbeddedPostgres standby;
    private TcpProxy proxy;
    private HikariDataSource pool;
    private SessionStore store;

    private final CountDownLatch inFirst = new CountDownLatch(1);
    private final CountDownLatch firstMayEnd = new CountDownLatch(1);
    private final CountDownLatch inSecond = new CountDownLatch(1);
    private final CountDownLatch secondMayEnd = new CountDownLatch(1);
    private final AtomicInteger ranFirst = new AtomicInteger();
    private final AtomicInteger ranSecond = new AtomicInteger();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final RuntimeListener listener = new RuntimeListener() {
        @Override
        public void onStoreRegressed(SessionId session, long found, long acknowledged) {
            told.add(found + " of " + acknowledged);
        }
    };

    @BeforeEach
    void replicate() throws Exception {
        Path data = folder.resolve("primary");
        start(data).close();
        Path copy = folder.resolve("standby");
        copy(data, copy);
        primary = start(data);
        Files.createFile(copy.resolve("standby.signal"));
        Files.writeString(
                copy.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=" + primary.getPort() + " user=postgres'\n",
                StandardOpenOption.APPEND,
                StandardOpenOption.CREATE);
        standby = start(copy);
        proxy = new TcpProxy(primary.getPort());
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + proxy.port()
                + "/postgres?user=postgres&connectTimeout=2&socketTimeout=5");
        config.setMaximumPoolSize(8);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(500);
        config.setValidationTimeout(300);
        pool = new HikariDataSource(config);
        store = JdbcSessionStore.of(pool);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
        pool.close();
        proxy.close();
        standby.close();
        primary.close();
    }

    private static EmbeddedPostgres start(Path data) throws IOException {
        return Postgres.durable()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setServerConfig("hot_standby", "on")
                .setServerConfig("wal_level", "replica")
                .setServerConfig("max_wal_senders", "4")
                .start();
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Files.copy(
                        path,
                        to.resolve(from.relativize(path).toString()),
                        java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private static String query(EmbeddedPostgres server, String sql) {
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "none";
        } catch (SQLException e) {
            return "failed: " + e.getMessage();
        }
    }

    /** Whether the standby has all that is committed by now. */
    private void awaitCaughtUp() {
        String end = query(primary, "SELECT pg_current_wal_lsn()");
        Eventually.await(
                "the standby has caught up",
                () -> query(standby, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'::pg_lsn")
                        .equals("t"));
    }

    /** From here on commits reach the primary alone. */
    private void fallBehind() throws SQLException {
        try (Connection connection = standby.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("ALTER SYSTEM SET primary_conninfo = ''");
            statement.execute("SELECT pg_reload_conf()");
        }
        Eventually.await(
                "the standby receives nothing",
                () -> query(standby, "SELECT count(*) FROM pg_stat_wal_receiver")
                        .equals("0"));
    }

    /** The primary is gone for good, and its address leads to the standby. */
    private void failOver() {
        proxy.down();
        assertThat(query(standby, "SELECT pg_promote(true, 60)")).isEqualTo("t");
        proxy.target(standby.getPort());
        proxy.up();
    }

    private Agent agent() {
        return Agent.builder(AGENT)
                .model(ScriptedModel.steps(
                        List.of(Step.call("first", "{}"), Step.call("second", "{}"), Step.text("done"))))
                .tool(Tool.once("first", "", Json.class, (in, call) -> {
                            inFirst.countDown();
                            Eventually.await(firstMayEnd);
                            return "first " + ranFirst.incrementAndGet();
                        })
                        .noProbe())
                .tool(Tool.once("second", "", Json.class, (in, call) -> {
                            inSecond.countDown();
                            Eventually.await(secondMayEnd);
                            return "second " + ranSecond.incrementAndGet();
                        })
                        .noProbe())
                .build();
    }

    private HikariDataSource toStandby() {
        HikariConfig config = new HikariConfig();
        config.setDataSource(standby.getPostgresDatabase());
        config.setMaximumPoolSize(4);
        return new HikariDataSource(config);
    }

    private List<Recorded> promisedWhileInSecond() throws SQLException {
        Eventually.await(inFirst);
        awaitCaughtUp();
        fallBehind();
        firstMayEnd.countDown();
        Eventually.await(inSecond);
        return log(store, ID);
    }

    /** Lost are: the first result, the second reply and the intent of its call. */
    @Test
    void tailThatTheStandbyLacks_isWrittenAgainByItsHolder_reported_andNoOnceToolRunsTwice() throws Exception {
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent())
                .workers(1)
                .lease(Duration.ofMinutes(2))
                .listener(listener)
                .build()) {
            runtime.open(ID, AGENT).send("hi");
            List<Recorded> promised = promisedWhileInSecond();
            failOver();
            secondMayEnd.countDown();
            Eventually.await("the turn ends", () -> types().contains("TurnEnded"));

            List<Recorded> log = log(store, ID);
            assertThat(log.subList(0, promised.size()))
                    .extracting(Recorded::id)
                    .isEqualTo(promised.stream().map(Recorded::id).toList());
            int kept = promised.size() - 3;
            assertThat(log.get(promised.size()).event())
                    .isEqualTo(new Event.StoreRegressed(kept, promised.size(), true));
            assertThat(told).containsExactly(kept + " of " + promised.size());
            assertThat(log).extracting(Recorded::fence).isSorted();
        }
        assertThat(ranFirst).hasValue(1);
        assertThat(ranSecond).hasValue(1);
        assertThat(log(store, ID))
                .filteredOn(recorded -> recorded.event() instanceof Event.ToolFinished)
                .extracting(recorded -> ((Event.ToolFinished) recorded.event()).output())
                .containsExactly("first 1", "second 1");
    }

    /** The other worker sees the first call in doubt and asks; that there was a second call, only the former holder knows. */
    @Test
    void sessionThatAnotherWorkerTookUpOnTheStandby_isSetAside_reported_andAnOperatorResumesIt() throws Exception {
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent())
                .workers(0)
                .lease(Duration.ofSeconds(3))
                .closeGrace(Duration.ofSeconds(1))
                .listener(listener)
                .build()) {
            runtime.open(ID, AGENT).send("hi");
            int promised = promisedWhileInSecond().size();
            proxy.down();
            assertThat(query(standby, "SELECT pg_promote(true, 60)")).isEqualTo("t");
            try (HikariDataSource direct = toStandby();
                    SessionStore onStandby = JdbcSessionStore.of(direct);
                    AgentRuntime other = AgentRuntime.open(onStandby, agent())) {
                Eventually.await(
                        "the other worker asks about the first call",
                        () -> onStandby.find(ID).orElseThrow().status() == SessionStatus.WAITING);
                proxy.target(standby.getPort());
                proxy.up();
                secondMayEnd.countDown();
                Eventually.await(
                        "set aside", () -> onStandby.find(ID).orElseThrow().status() == SessionStatus.QUARANTINED);

                assertThat(log(onStandby, ID))
                        .filteredOn(recorded -> recorded.event() instanceof Event.StoreRegressed)
                        .singleElement()
                        .matches(recorded -> recorded.event() instanceof Event.StoreRegressed loss
                                && !loss.restored()
                                && loss.acknowledged() == promised);
                assertThat(told).hasSize(1);
                assertThat(ranSecond.get()).isLessThanOrEqualTo(1);

                other.operator().resume(ID, Actor.user("ops"));
                Eventually.await(
                        "it waits for the answer again",
                        () -> onStandby.find(ID).orElseThrow().status() == SessionStatus.WAITING);
            }
        }
        assertThat(ranFirst).hasValue(1);
    }

    private List<String> types() {
        try {
            return log(store, ID).stream()
                    .map(recorded -> recorded.event().type())
                    .toList();
        } catch (dev.perdure.spi.StoreException e) {
            // Connections to the primary may still be in the pool.
            return List.of();
        }
    }
}

package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The clocks of a worker and of its store differ by minutes: leases and times are those of the store, and nothing else changes. */
@Timeout(120)
class PostgresClockSkewTest {
    private static final Duration LEASE = Duration.ofMillis(900);

    private final CountDownLatch inTool = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger ran = new AtomicInteger();

    private AgentRuntime runtime(SessionStore store) {
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.steps(List.of(Step.call("pay", "{}"), Step.text("done"))))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Eventually.await(go);
                            return ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
        return AgentRuntime.builder(store)
                .agents(agent)
                .lease(LEASE)
                .poll(Duration.ofMillis(50))
                .build();
    }

    @ParameterizedTest
    @ValueSource(ints = {-300, 300})
    void workerWhoseClockIsWrongByFiveMinutes_keepsItsLease_andTheLogHasTheStoresTimes(int skew) {
        try (Postgres postgres = Postgres.skewed(Duration.ofSeconds(skew));
                SessionStore store = JdbcSessionStore.of(postgres.pool());
                AgentRuntime owner = runtime(store)) {
            Turn turn = owner.open(ID, AGENT).send("hi");
            Eventually.await(inTool);
            try (AgentRuntime other = runtime(store)) {
                long until = leaseUntil(postgres);
                Eventually.await(
                        "renewed beyond its first end, with another looking for work",
                        () -> leaseUntil(postgres) > until + 2 * LEASE.toMillis());
                go.countDown();
                assertThat(turn.await()).isInstanceOf(Outcome.Done.class);
                assertThat(other.find(ID)).isPresent();
            }

            assertThat(ran).hasValue(1);
            List<Recorded> log = log(store, ID);
            assertThat(log).extracting(recorded -> recorded.event().type()).doesNotContain("TakenOver");
            assertThat(log)
                    .extracting(Recorded::at)
                    .isSorted()
                    .allMatch(at -> Duration.between(Instant.now().plusSeconds(skew), at)
                                    .abs()
                                    .compareTo(Duration.ofMinutes(2))
                            < 0);
        }
    }

    private static long leaseUntil(Postgres postgres) {
        return Long.parseLong(postgres.query("SELECT coalesce(lease_until, 0) FROM perdure_session"));
    }

    @ParameterizedTest
    @ValueSource(ints = {-300, 300})
    void leaseOfADeadWorker_runsOutByTheStoresClock_notBefore(int skew) {
        go.countDown();
        try (Postgres postgres = Postgres.skewed(Duration.ofSeconds(skew));
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
            SessionId held = opened(store, SessionId.of("acme", "held"));
            store.post(ID, Messages.text("k", "hi"));
            store.post(held, Messages.text("k", "hi"));
            Lease dead = claimed(store, ID, Duration.ofMillis(300));
            claimed(store, held, Duration.ofMinutes(4));
            try (AgentRuntime runtime = runtime(store)) {
                Eventually.await(
                        "taken over",
                        () -> log(store, ID).stream()
                                .anyMatch(recorded -> recorded.event() instanceof Event.TurnEnded));
                assertThat(runtime.find(ID)).isPresent();
            }
            Instant takenAt = log(store, ID).stream()
                    .filter(recorded -> recorded.event() instanceof Event.TakenOver)
                    .findFirst()
                    .orElseThrow()
                    .at();
            assertThat(takenAt).isAfterOrEqualTo(dead.claimedAt().plusMillis(300));
            // Its lease has minutes left by the store's clock, however late or early this machine thinks it is.
            assertThat(log(store, held)).hasSize(1);
        }
    }

    private static Lease claimed(SessionStore store, SessionId session, Duration ttl) {
        Terms terms = new Terms(WorkerId.random(), ttl, 5, Duration.ZERO, Duration.ZERO);
        return ((Claimed.Held) store.claim(session, terms)).lease();
    }
}

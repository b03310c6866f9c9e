package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.RuntimeListener;
import dev.perdure.Turn;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a network does between a worker and a real PostgreSQL: the outcome of a commit is unknown, the store is away for shorter or longer than a lease. */
@Timeout(180)
class PostgresNetworkTest {
    private static final String APPEND = "INSERT INTO perdure_event";
    /** How long the store is away at least; set {@code perdure.outage.seconds} to 30 for what an operator would call an outage. */
    private static final Duration OUTAGE = Duration.ofSeconds(Long.getLong("perdure.outage.seconds", 0));

    private final Postgres postgres = Postgres.empty();
    private final TcpProxy proxy = new TcpProxy(Postgres.port());
    private final HikariDataSource through = postgres.through(proxy, 8);
    private final SessionStore store = JdbcSessionStore.of(through);
    private final SessionStore direct = JdbcSessionStore.of(postgres.pool());

    private final CountDownLatch inTool = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger ran = new AtomicInteger();

    @AfterEach
    void close() {
        proxy.up();
        store.close();
        direct.close();
        through.close();
        proxy.close();
        postgres.close();
    }

    private static <T> T retried(Supplier<T> verb) {
        for (int i = 0; i < 50; i++) {
            try {
                return verb.get();
            } catch (StoreException e) {
                assertThat(e.retryable()).as(String.valueOf(e.getMessage())).isTrue();
            }
        }
        throw new AssertionError("never succeeded");
    }

    // ---- the outcome of one commit is unknown

    @ParameterizedTest
    @EnumSource(TcpProxy.Fault.class)
    void connectionCutAtACommit_theRepeatedAppendSaysWhatBecameOfIt_andTheEventIsWrittenOnce(TcpProxy.Fault fault) {
        opened(store, ID);
        Lease lease = held(store, ID, WorkerId.random());
        Position start = end(store, ID);
        Batch batch = batch(note("x"), note("y"));
        proxy.strike(APPEND, fault);

        Appended answer = retried(() -> store.append(lease, start, batch));

        assertThat(proxy.struck()).isOne();
        assertThat(answer)
                .isInstanceOf(fault == TcpProxy.Fault.CUT_BEFORE ? Appended.Ok.class : Appended.Duplicate.class);
        assertThat(log(direct, ID)).hasSize(3);
    }

    @ParameterizedTest
    @EnumSource(TcpProxy.Fault.class)
    void connectionCutAtACommitThatConsumesAndGivesBack_doesAllOfItOnce(TcpProxy.Fault fault) {
        opened(store, ID);
        store.post(ID, message("k"));
        Lease lease = held(store, ID, WorkerId.random());
        Position start = end(store, ID);
        Batch batch = new Batch(
                List.of(note("x")), List.of(1L), List.of(), List.of(), null, new Release(SessionStatus.IDLE, 1));
        proxy.strike(APPEND, fault);

        assertThat(retried(() -> store.append(lease, start, batch)))
                .isInstanceOf(fault == TcpProxy.Fault.CUT_BEFORE ? Appended.Ok.class : Appended.Duplicate.class);

        assertThat(proxy.struck()).isOne();
        assertThat(log(direct, ID)).hasSize(2);
        assertThat(direct.inbox(ID, 0, 10)).isEmpty();
        assertThat(direct.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
    }

    @ParameterizedTest
    @EnumSource(TcpProxy.Fault.class)
    void connectionCutAtAPost_theItemIsThereOnce(TcpProxy.Fault fault) {
        opened(store, ID);
        proxy.strike("INSERT INTO perdure_inbox", fault);

        assertThat(retried(() -> store.post(ID, message("k"))))
                .isInstanceOf(fault == TcpProxy.Fault.CUT_BEFORE ? Posted.Accepted.class : Posted.Duplicate.class);

        assertThat(proxy.struck()).isOne();
        assertThat(direct.inbox(ID, 0, 10)).hasSize(1);
    }

    /** Nobody knows of the lease that was taken: it runs out like that of a worker that died. */
    @Test
    void connectionCutAtAClaim_theSessionIsClaimedAgainWhenTheLeaseRanOut_withAHigherFence() {
        opened(store, ID);
        Terms brief = new Terms(WorkerId.random(), Duration.ofMillis(200), 5, Duration.ZERO, Duration.ZERO);
        proxy.strike("UPDATE perdure_session SET status = 'RUNNING'", TcpProxy.Fault.CUT_AFTER);
        try {
            store.claim(ID, brief);
            throw new AssertionError("the claim's answer was lost");
        } catch (StoreException e) {
            assertThat(e.retryable()).isTrue();
        }
        assertThat(direct.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.RUNNING);
        long lost = Long.parseLong(postgres.query("SELECT fence FROM perdure_session"));

        Eventually.await(
                "claimed again",
                () -> retried(() -> store.claim(ID, brief)) instanceof Claimed.Held held
                        && held.lease().fence() > lost);
    }

    // ---- a whole turn

    private Agent paying() {
        return Agent.builder(AGENT)
                .model(ScriptedModel.steps(List.of(Step.call("pay", "{}"), Step.text("done"))))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Eventually.await(go);
                            return "paid " + ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "TurnStarted, CUT_BEFORE", "TurnStarted, CUT_AFTER", "TurnStarted, HALF_CLOSE_AFTER",
        "ModelReplied, CUT_BEFORE", "ModelReplied, CUT_AFTER", "ModelReplied, HALF_CLOSE_AFTER",
        "ToolFinished, CUT_BEFORE", "ToolFinished, CUT_AFTER", "ToolFinished, HALF_CLOSE_AFTER",
        "TurnEnded, CUT_BEFORE", "TurnEnded, CUT_AFTER", "TurnEnded, HALF_CLOSE_AFTER"
    })
    void connectionCutAtAnyCommitOfATurn_isNotNoticedByTheTurn_andNothingIsDoneTwice(
            String event, TcpProxy.Fault fault) {
        go.countDown();
        proxy.strike("\"type\":\"" + event + "\"", fault);
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(paying()).workers(0).build()) {
            assertThat(runtime.open(ID, AGENT).send("hi").await()).isInstanceOf(Outcome.Done.class);
        }
        assertThat(proxy.struck()).isOne();
        assertWholeLog(ID);
        assertThat(types(ID)).doesNotContain("TakenOver", "ToolInDoubt");
        assertThat(ran).hasValue(1);
    }

    @Test
    void storeDownShorterThanTheLease_toolsEnd_theirResultsWait_andTheTurnGoesOn() {
        Refusals refused = new Refusals();
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(paying())
                .workers(0)
                .lease(OUTAGE.plusSeconds(60))
                .build()) {
            Turn turn = runtime.open(ID, AGENT).send("hi");
            Eventually.await(inTool);
            proxy.down();
            go.countDown();
            Eventually.await("the tool ended while the store was down", () -> ran.get() == 1);
            refused.await();
            proxy.up();
            assertThat(turn.await()).isInstanceOf(Outcome.Done.class);
        }
        assertWholeLog(ID);
        assertThat(types(ID)).doesNotContain("TakenOver", "ToolInDoubt");
        assertThat(ran).hasValue(1);
    }

    /** The network may refuse, or swallow everything without a word: then the data source's {@code socketTimeout} ends the wait. */
    @ParameterizedTest
    @CsvSource({"false", "true"})
    void storeDownLongerThanTheLease_theRunStopsAndWritesNothingMore_anotherGoesOn_andTheResultOfAOnceToolIsPosted(
            boolean silently) {
        CountDownLatch over = new CountDownLatch(1);
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                over.countDown();
            }

            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                over.countDown();
            }
        };
        try (AgentRuntime first = AgentRuntime.builder(store)
                .agents(paying())
                .workers(0)
                .lease(Duration.ofSeconds(2))
                .closeGrace(Duration.ofSeconds(1))
                .listener(listener)
                .build()) {
            first.open(ID, AGENT).send("hi");
            Eventually.await(inTool);
            if (silently) {
                proxy.silence();
            } else {
                proxy.down();
            }
            Eventually.await(over);
            try (AgentRuntime second = AgentRuntime.open(direct, paying())) {
                Eventually.await("another has taken over", () -> types(ID).contains("QuestionAsked"));
                go.countDown();
                Eventually.await("the tool ended while its worker could not say so", () -> ran.get() == 1);
                new Refusals().await();
                assertThat(second.find(ID)).isPresent();
                proxy.up();
                if (silently) {
                    // Connections of before would never say anything again.
                    proxy.down();
                    proxy.up();
                }
                Eventually.await("the turn ends", () -> types(ID).contains("TurnEnded"));
            }
        }
        assertThat(ran).hasValue(1);
        assertWholeLog(ID);
        assertThat(log(direct, ID))
                .filteredOn(recorded -> recorded.event() instanceof Event.ToolFinished)
                .singleElement()
                .extracting(recorded -> ((Event.ToolFinished) recorded.event()).output())
                .isEqualTo("paid 1");
        long takeover = log(direct, ID).stream()
                .filter(recorded -> recorded.event() instanceof Event.TakenOver)
                .findFirst()
                .orElseThrow()
                .fence();
        assertThat(log(direct, ID))
                .filteredOn(recorded -> recorded.fence() < takeover)
                .last()
                .matches(recorded -> recorded.event() instanceof Event.ToolStarted);
    }

    @Test
    void slowNetwork_losesNoLease() {
        go.countDown();
        proxy.delay(60);
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(paying()).workers(0).build()) {
            assertThat(runtime.open(ID, AGENT).send("hi").await()).isInstanceOf(Outcome.Done.class);
        }
        assertWholeLog(ID);
        assertThat(types(ID)).doesNotContain("TakenOver");
    }

    private List<String> types(SessionId session) {
        return log(direct, session).stream()
                .map(recorded -> recorded.event().type())
                .toList();
    }

    private void assertWholeLog(SessionId session) {
        List<Recorded> log = log(direct, session);
        assertThat(log).extracting(Recorded::fence).isSorted();
        assertThat(log).extracting(Recorded::id).doesNotHaveDuplicates();
        for (int i = 0; i < log.size(); i++) {
            assertThat(log.get(i).seq()).isEqualTo(i + 1);
        }
        for (String once : List.of("TurnStarted", "InputReceived", "ToolStarted", "ToolFinished", "TurnEnded")) {
            assertThat(types(session)).containsOnlyOnce(once);
        }
        assertThat(log).extracting(Recorded::id).doesNotContain(EventId.NONE);
    }

    /** Lasts until the outage has been long enough and the worker has tried more than once. */
    private final class Refusals {
        private final long end = System.nanoTime() + OUTAGE.toNanos();
        private final int before = proxy.refused();

        void await() {
            while (end - System.nanoTime() > 0) {
                LockSupport.parkNanos(10_000_000);
            }
            Eventually.await("the worker has tried again", () -> proxy.refused() > before + 2);
        }
    }
}

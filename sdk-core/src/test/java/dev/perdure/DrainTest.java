package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A process that is to end takes nothing new and leaves nothing half done. */
@Timeout(40)
class DrainTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final CountDownLatch inTool = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    /** Two steps with tools, so that a turn is more than the step at hand. */
    private Agent agent() {
        return Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                    inTool.countDown();
                    Sessions.await(go);
                    return "ok";
                }))
                .build();
    }

    private static Thread draining(AgentRuntime runtime, AtomicBoolean drained) {
        Thread thread = new Thread(() -> drained.set(runtime.drain(Sessions.DEADLINE)));
        thread.start();
        return thread;
    }

    private void awaitWaiting(Thread thread) {
        Sessions.eventually(
                "the drain waits for what runs",
                () -> java.util.Arrays.stream(thread.getStackTrace())
                        .anyMatch(frame -> frame.getMethodName().equals("awaitEmpty")));
    }

    @Test
    void drain_letsTheTurnAtHandEnd_andLeavesTheNextOneToOthers() throws InterruptedException {
        AtomicBoolean drained = new AtomicBoolean();
        try (AgentRuntime first = AgentRuntime.open(store, agent())) {
            AgentSession session = first.open(id, "a");
            session.send("one");
            Sessions.await(inTool);
            Turn next = session.send("two");
            Thread thread = draining(first, drained);
            awaitWaiting(thread);
            go.countDown();
            thread.join();

            assertThat(drained).isTrue();
            assertThat(Sessions.count(store, id, Event.TurnEnded.class)).isOne();
            assertThat(Sessions.types(store, id)).doesNotContain("HandedBack");
            assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.READY);

            // The lease is far longer than this test: only a session that was given back can go on.
            try (AgentRuntime second = AgentRuntime.open(store, agent())) {
                assertThat(Sessions.await(next)).isInstanceOf(Outcome.Done.class);
                assertThat(second.find(id)).isPresent();
            }
        }
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void drain_isOverWhenTheTurnWaitsForAHuman() {
        Agent asking = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ok").approval(Approval.required()))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, asking)) {
            runtime.open(id, "a").send("hi");
            assertThat(runtime.drain(Sessions.DEADLINE)).isTrue();
        }
        assertThat(store.find(id).orElseThrow().status()).isIn(SessionStatus.WAITING, SessionStatus.READY);
    }

    @Test
    void drain_saysWhenItsTimeIsOver_andCloseStopsTheRestAtTheEndOfItsStep() {
        AgentRuntime runtime = AgentRuntime.open(store, agent());
        runtime.open(id, "a").send("one");
        Sessions.await(inTool);

        assertThat(runtime.drain(Duration.ZERO)).isFalse();
        go.countDown();
        runtime.close();

        assertThat(Sessions.count(store, id, Event.TurnEnded.class) + Sessions.count(store, id, Event.HandedBack.class))
                .isOne();
        assertThat(store.find(id).orElseThrow().status()).isIn(SessionStatus.READY, SessionStatus.IDLE);
    }

    @Test
    void whatIsSentToADrainedRuntime_isStored_andRunElsewhere() {
        try (AgentRuntime first = AgentRuntime.open(store, agent())) {
            go.countDown();
            AgentSession session = first.open(id, "a");
            assertThat(first.drain(Sessions.DEADLINE)).isTrue();
            assertThat(first.drain(Sessions.DEADLINE)).isTrue();

            Turn turn = session.send("hi");

            assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.READY);
            try (AgentRuntime second = AgentRuntime.open(store, agent())) {
                assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
                assertThat(second.find(id)).isPresent();
            }
        }
    }
}

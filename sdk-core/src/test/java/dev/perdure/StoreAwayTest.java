package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A store that does not answer for a while, from the side of the workers. */
@Timeout(40)
class StoreAwayTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final AtomicBoolean away = new AtomicBoolean();
    private final AtomicInteger refused = new AtomicInteger();
    private final FaultyStore reached = new FaultyStore(store).hook(new FaultyStore.Hook() {
        @Override
        public void before(String verb, SessionStore.@Nullable Batch batch) {
            if (away.get()) {
                refused.incrementAndGet();
                throw FaultyStore.unavailable(verb);
            }
        }
    });
    private final CountDownLatch inTool = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger ran = new AtomicInteger();

    private Agent paying() {
        return Agent.builder("a")
                .model(FakeModel.steps(calls(call("pay", "{}")), text("done")))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Sessions.await(go);
                            return "paid " + ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
    }

    @Test
    void storeAwayShorterThanTheLease_holdsNothingUp_andNothingIsDoneTwice() {
        try (AgentRuntime runtime = AgentRuntime.open(reached, paying())) {
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(inTool);
            away.set(true);
            go.countDown();
            Sessions.eventually("the result was tried to be written", () -> ran.get() == 1 && refused.get() > 3);
            away.set(false);
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
        assertThat(ran).hasValue(1);
        assertThat(Sessions.types(store, id)).doesNotContain("TakenOver", "ToolInDoubt");
        LogRules.check(Sessions.log(store, id));
    }

    /** The tool ends while nobody can write its result, and its worker has lost the session by then. */
    @Test
    void storeAwayLongerThanTheLease_anotherWorkerGoesOn_andTheResultOfAOnceToolIsPostedWhenItIsBack() {
        CountDownLatch lost = new CountDownLatch(1);
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }

            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                lost.countDown();
            }
        };
        try (AgentRuntime first =
                Sessions.quick(reached, paying()).workers(0).listener(listener).build()) {
            first.open(id, "a").send("hi");
            Sessions.await(inTool);
            away.set(true);
            Sessions.await(lost);
            go.countDown();
            Sessions.eventually("the tool ended while the store was away", () -> ran.get() == 1);
            int before = refused.get();
            Sessions.eventually("its result was tried to be posted", () -> refused.get() > before + 1);
            try (AgentRuntime second = Sessions.quick(store, paying()).build()) {
                assertThat(second.find(id)).isPresent();
                Sessions.eventually("in doubt", () -> Sessions.types(store, id).contains("QuestionAsked"));
                away.set(false);
                Sessions.eventually("the turn ends", () -> Sessions.count(store, id, Event.TurnEnded.class) == 1);
            }
        }
        assertThat(ran).hasValue(1);
        assertThat(Sessions.events(store, id, Event.ToolFinished.class))
                .singleElement()
                .extracting(Event.ToolFinished::output)
                .isEqualTo("paid 1");
        assertThat(Sessions.log(store, id)).extracting(Recorded::fence).isSorted();
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void storeAwayWhileASessionIsTakenUp_doesNotCountAsAFruitlessClaim() {
        AtomicInteger reads = new AtomicInteger();
        FaultyStore shaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if ((verb.equals("read") || verb.equals("inbox")) && reads.incrementAndGet() % 3 != 0) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        List<Throwable> failed = new CopyOnWriteArrayList<>();
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                failed.add(error);
            }
        };
        try (AgentRuntime runtime = AgentRuntime.builder(shaky)
                .agents(Agent.builder("a").model(FakeModel.steps(text("done"))).build())
                .listener(listener)
                .build()) {
            runtime.open(id, "a").send("hi");
            Sessions.eventually("done", () -> Sessions.count(store, id, Event.TurnEnded.class) == 1);
        }
        assertThat(failed).isEmpty();
        assertThat(Sessions.types(store, id)).doesNotContain("TakenOver");
    }

    @Test
    void storeThatTakesNoAppends_isClaimedFromNoMore_untilItIsQuickAgain_andTheListenerIsToldOnceEach() {
        AtomicBoolean full = new AtomicBoolean();
        FaultyStore slow = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null && full.get()) {
                    refused.incrementAndGet();
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        List<Boolean> told = new CopyOnWriteArrayList<>();
        CountDownLatch busy = new CountDownLatch(8);
        Agent agent = Agent.builder("a")
                .model(new FakeModel(request -> {
                    busy.countDown();
                    Sessions.await(go);
                    return text("done");
                }))
                .build();
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onBackPressure(boolean on) {
                told.add(on);
            }
        };
        // Half of its workers are free all the time.
        try (AgentRuntime runtime = AgentRuntime.builder(slow)
                .agents(agent)
                .workers(16)
                .poll(Duration.ofMillis(10))
                .listener(listener)
                .build()) {
            List<SessionId> first = sent(runtime, "first");
            Sessions.await(busy);
            full.set(true);
            go.countDown();
            Sessions.eventually("back-pressure", () -> told.contains(true));

            List<SessionId> second = sent(runtime, "second");
            int before = refused.get();
            Sessions.eventually("what runs goes on", () -> refused.get() > before + 30);
            assertThat(second).allMatch(one -> store.find(one).orElseThrow().status() == SessionStatus.READY);

            full.set(false);
            Sessions.eventually(
                    "all end",
                    () -> Stream.concat(first.stream(), second.stream())
                            .allMatch(one -> Sessions.count(store, one, Event.TurnEnded.class) == 1));
            Sessions.eventually("no back-pressure any more", () -> told.size() == 2);
            first.forEach(one -> assertThat(Sessions.types(store, one)).doesNotContain("TakenOver"));
        }
        assertThat(told).containsExactly(true, false);
    }

    private static List<SessionId> sent(AgentRuntime runtime, String name) {
        List<SessionId> sessions = IntStream.range(0, 8)
                .mapToObj(i -> SessionId.of("acme", name + i))
                .toList();
        sessions.forEach(session -> runtime.open(session, "a").send("hi"));
        return sessions;
    }
}

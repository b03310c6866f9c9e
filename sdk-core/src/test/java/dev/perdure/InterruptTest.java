package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Stopping a turn, whatever it is doing; the session is used on afterwards. */
@Timeout(30)
class InterruptTest {
    private static final Actor ANN = Actor.user("ann");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final CountDownLatch busy = new CountDownLatch(1);
    private final CountDownLatch never = new CountDownLatch(1);

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    /** A model whose first call lasts until it is interrupted. */
    private ModelClient patient() {
        return new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                if (busy.getCount() == 0) {
                    return text("done");
                }
                CountDownLatch stop = new CountDownLatch(1);
                scope.interruption().onRequest(stop::countDown);
                busy.countDown();
                Sessions.await(stop);
                throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
            }
        };
    }

    private Tool hanging(Effect effect) {
        Tool.Body<Json> body = (in, call) -> {
            busy.countDown();
            never.await();
            return "never";
        };
        return switch (effect) {
            case PURE -> Tool.pure("t", "", Json.class, body);
            case IDEMPOTENT -> Tool.idempotent("t", "", Json.class, body);
            default -> Tool.once("t", "", Json.class, body).noProbe();
        };
    }

    private static FakeModel oneCall() {
        return new FakeModel(request -> request.messages().size() == 1 ? calls(call("t", "{}")) : text("done"));
    }

    private static Agent agent(ModelClient model, Tool... tools) {
        LlmAgent.Builder builder = Agent.builder("a").model(model);
        for (Tool tool : tools) {
            builder.tool(tool);
        }
        return builder.build();
    }

    private static void goesOn(AgentSession session) {
        assertThat(Sessions.await(session.send("and now?"))
                        .findDone()
                        .orElseThrow()
                        .text())
                .isEqualTo("done");
    }

    @Test
    void duringAModelCall_byTheTurn() {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(patient()))) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            turn.interrupt("enough");
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("enough"));
            goesOn(session);
        }
    }

    @Test
    void afterTextHadCome_theCostOfTheInterruptedCallIsInTheLog() {
        ModelClient paid = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                if (busy.getCount() == 0) {
                    return text("done");
                }
                CountDownLatch stop = new CountDownLatch(1);
                scope.interruption().onRequest(stop::countDown);
                scope.deltas().text("once upon a time");
                busy.countDown();
                Sessions.await(stop);
                throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
            }

            @Override
            public boolean reportsCost() {
                return true;
            }
        };
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(paid))) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi", TurnListener.text(text -> {}));
            Sessions.await(busy);
            turn.interrupt("enough");
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("enough"));
            goesOn(session);
        }
        List<Event.ModelFailed> failed = Sessions.events(store, id, Event.ModelFailed.class);
        assertThat(failed).hasSize(1);
        assertThat(failed.get(0).problem().kind()).isEqualTo("interrupted");
        assertThat(failed.get(0).cost()).isNotNull();
        assertThat(failed.get(0).cost().usd()).isPositive();
        assertThat(Sessions.events(store, id, Event.TurnEnded.class)
                        .get(0)
                        .cost()
                        .usd())
                .isEqualByComparingTo(failed.get(0).cost().usd());
    }

    @Test
    void duringAModelCall_fromAnotherProcess_isNoticedAtARenewal() {
        try (AgentRuntime runtime = Sessions.quick(store, agent(patient())).build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            Operator.of(store).interrupt(id, "from afar", ANN);
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("from afar"));
            assertThat(Sessions.events(store, id, Event.Interrupted.class))
                    .containsExactly(new Event.Interrupted(ANN, "from afar"));
            goesOn(session);
        }
    }

    @Test
    void rightAfterSend_isNotLost_althoughTheTurnHasYetToBegin() {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(FakeModel.steps(text("done"))))) {
            AgentSession session = runtime.open(id, "a");
            // The two items are in the inbox before anybody runs the session.
            AgentRuntime asleep = AgentRuntime.builder(store)
                    .agents(agent(FakeModel.steps(text("done"))))
                    .workers(0)
                    .build();
            asleep.close();
            CountDownLatch free = new CountDownLatch(1);
            CountDownLatch taken = new CountDownLatch(1);
            Thread holder = new Thread(() -> {
                try (SessionLog log = SessionLog.hold(store, id).orElseThrow()) {
                    assertThat(log.held()).isTrue();
                    taken.countDown();
                    Sessions.await(free);
                }
            });
            holder.start();
            Sessions.await(taken);
            Turn turn = session.send(Input.text("hi").key("k"));
            turn.interrupt("changed my mind");
            free.countDown();
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("changed my mind"));
            assertThat(Sessions.count(store, id, Event.ModelReplied.class)).isZero();
            goesOn(session);
        }
    }

    @Test
    void ofAQueuedTurn_doesNotStopTheOneBefore() {
        CountDownLatch go = new CountDownLatch(1);
        FakeModel model = new FakeModel(request -> {
            busy.countDown();
            Sessions.await(go);
            return text("done");
        });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(model))) {
            AgentSession session = runtime.open(id, "a");
            Turn first = session.send("one");
            Sessions.await(busy);
            Turn second = session.send("two");
            second.interrupt("not that one");
            go.countDown();
            assertThat(Sessions.await(first)).isInstanceOf(Outcome.Done.class);
            assertThat(Sessions.await(second)).isEqualTo(new Outcome.Interrupted("not that one"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Effect.class,
            names = {"PURE", "IDEMPOTENT"})
    void duringARepeatableTool_itsResultSaysSo(Effect effect) {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(oneCall(), hanging(effect)))) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            session.interrupt("stop", ANN);
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("stop"));
            assertThat(Sessions.events(store, id, Event.ToolFinished.class))
                    .singleElement()
                    .extracting(Event.ToolFinished::outcome)
                    .isEqualTo(Event.CallOutcome.INTERRUPTED);
            goesOn(session);
        }
    }

    @Test
    void duringAOnceTool_isADoubt_thatAHumanSettles() {
        try (AgentRuntime runtime =
                Sessions.quick(store, agent(oneCall(), hanging(Effect.ONCE))).build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            session.interrupt("stop", ANN);
            Outcome.Waiting waiting = Sessions.await(turn).findWaiting().orElseThrow();
            runtime.operator().answer(waiting.questions().get(0).id(), Answer.didNotHappen("checked"), ANN);
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("stop"));
            assertThat(Sessions.count(store, id, Event.ToolStarted.class))
                    .as("an interrupted turn starts nothing again")
                    .isEqualTo(1);
            goesOn(session);
        }
    }

    @Test
    void toolThatIgnoresInterrupts_isGivenUpAfterAGrace() {
        CountDownLatch go = new CountDownLatch(1);
        Tool deaf = Tool.pure("t", "", Json.class, (in, call) -> {
            busy.countDown();
            while (true) {
                try {
                    go.await();
                    return "too late";
                } catch (InterruptedException e) {
                    assertThat(call.interruption().requested()).isTrue();
                }
            }
        });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(oneCall(), deaf))) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            turn.interrupt("stop");
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("stop"));
            goesOn(session);
            go.countDown();
        }
    }

    @Test
    void whatAToolRegistersForItsInterruption_mayThrow() {
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            call.interruption().onRequest(() -> {
                throw new IllegalStateException("broken");
            });
            busy.countDown();
            never.await();
            return "never";
        });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(oneCall(), tool))) {
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(busy);
            turn.interrupt("stop");
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("stop"));
        }
    }

    @Test
    void forATurnThatIsOver_isStale() {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(FakeModel.steps(text("done"))))) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(turn);
            turn.interrupt("too late");
            goesOn(session);
            assertThat(Sessions.events(store, id, Event.InputReceived.class))
                    .filteredOn(input -> input.kind() == Event.InputKind.INTERRUPT)
                    .singleElement()
                    .extracting(Event.InputReceived::disposition)
                    .isEqualTo(Event.Disposition.STALE);
            assertThat(Sessions.count(store, id, Event.Interrupted.class)).isZero();
        }
    }

    @Test
    void ofAnIdleSession_changesNothing() {
        try (AgentRuntime runtime =
                Sessions.quick(store, agent(FakeModel.steps(text("done")))).build()) {
            AgentSession session = runtime.open(id, "a");
            session.interrupt("nothing there", ANN);
            goesOn(session);
            assertThat(runtime.operator().questions(TenantId.of("acme"))).isEmpty();
        }
    }

    @Test
    void whileAProbeHangs_isNotHeldUpByIt() {
        Tool tool = Tool.once("t", "", Json.class, (in, call) -> {
                    busy.countDown();
                    never.await();
                    return "never";
                })
                .probe(key -> {
                    never.await();
                    return Probe.unknown();
                });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(oneCall(), tool))) {
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(busy);
            turn.interrupt("enough");
            assertThat(Sessions.await(turn).findWaiting().orElseThrow().questions())
                    .hasSize(1);
        }
    }

    /** The interrupt is first seen in the second turn: nothing tells of it before. */
    @Test
    void ofTheTurnThatIsOpen_fromAnotherProcess_neverStopsTheNext() {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch inTheNext = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        AtomicInteger renewals = new AtomicInteger();
        FaultyStore late = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew")) {
                    Sessions.await(inTheNext);
                }
            }

            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew")) {
                    renewals.incrementAndGet();
                }
            }
        });
        ModelClient model = (request, scope) -> {
            if (asked.incrementAndGet() == 1) {
                busy.countDown();
                Sessions.await(go);
            } else {
                int before = renewals.get();
                inTheNext.countDown();
                Sessions.eventually(
                        "renewals tell of the interrupt",
                        () -> renewals.get() > before + 2
                                || scope.interruption().requested());
                if (scope.interruption().requested()) {
                    throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
                }
            }
            return text("done");
        };
        try (AgentRuntime runtime = AgentRuntime.builder(late)
                .agents(agent(model))
                .lease(Duration.ofSeconds(2))
                .build()) {
            AgentSession session = runtime.open(id, "a");
            SessionLog held = SessionLog.hold(store, id).orElseThrow();
            session.send("one");
            Turn next = session.send("two");
            // One run takes up both.
            held.close();
            Sessions.await(busy);
            Operator.of(store).interrupt(id, "stop the first", ANN);
            go.countDown();
            assertThat(Sessions.await(next)).isInstanceOf(Outcome.Done.class);
        }
    }
}

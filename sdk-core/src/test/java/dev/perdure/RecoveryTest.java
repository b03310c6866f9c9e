package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Cost;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A worker dies, or loses its lease; another goes on. */
@Timeout(60)
class RecoveryTest {
    private final InMemorySessionStore memory = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    /** What the outside saw: how often the tool took effect, by key. */
    private final Map<String, Integer> effects = new ConcurrentHashMap<>();

    private final List<Integer> attempts = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(memory, id));
    }

    private Tool tool(Effect effect) {
        Tool.Body<Json> body = (in, call) -> {
            effects.merge(call.idempotencyKey(), 1, Integer::sum);
            attempts.add(call.attempt());
            return "paid";
        };
        return switch (effect) {
            case PURE -> Tool.pure("pay", "", Json.class, body);
            case IDEMPOTENT -> Tool.idempotent("pay", "", Json.class, body);
            default -> Tool.once("pay", "", Json.class, body).noProbe();
        };
    }

    private static FakeModel payOnce() {
        return FakeModel.steps(calls(call("pay", "{}")), text("done"));
    }

    private static Agent agent(FakeModel model, Tool... tools) {
        LlmAgent.Builder builder = Agent.builder("a").model(model);
        for (Tool tool : tools) {
            builder.tool(tool);
        }
        return builder.build();
    }

    private SessionStatus status() {
        return memory.find(id).orElseThrow().status();
    }

    private boolean settled() {
        return status() == SessionStatus.IDLE || status() == SessionStatus.WAITING;
    }

    /** A process that dies as told, and one that goes on until nothing moves. */
    private void dieAndRecover(Agent agent, Consumer<FaultyStore> death) {
        FaultyStore first = new FaultyStore(memory);
        death.accept(first);
        try (AgentRuntime dying = Sessions.quick(first, agent).workers(0).build()) {
            dying.open(id, "a").send(Input.text("hi").key("k"));
            Sessions.await(first.dead);
            goOn(agent);
        }
    }

    private void goOn(Agent agent) {
        try (AgentRuntime next = Sessions.quick(new FaultyStore(memory), agent).build()) {
            assertThat(next.find(id)).isPresent();
            Sessions.eventually("the session settles", this::settled);
        }
    }

    private void answer(Answer answer) {
        Operator operator = Operator.of(memory);
        Question question = operator.questions(TenantId.of("acme")).get(0);
        assertThat(question.kind()).isEqualTo(Question.Kind.IN_DOUBT);
        assertThat(operator.answer(question.id(), answer, Actor.user("ann"))).isEqualTo(Operator.Answered.ACCEPTED);
    }

    private Event.TurnEnded end() {
        List<Event.TurnEnded> ends = Sessions.events(memory, id, Event.TurnEnded.class);
        assertThat(ends).hasSize(1);
        return ends.get(0);
    }

    private Event.ToolFinished result() {
        List<Event.ToolFinished> results = Sessions.events(memory, id, Event.ToolFinished.class);
        assertThat(results).hasSize(1);
        return results.get(0);
    }

    @Test
    void workerDiesWhileTheModelAnswers_itIsAskedOnceMore_andTheCostOfBothAttemptsIsInTheLog() {
        FakeModel model = payOnce();
        dieAndRecover(
                agent(model, tool(Effect.PURE)),
                store -> store.dieBefore(batch -> Sessions.types(batch).contains("ModelReplied")));

        List<Event.ModelFailed> failed = Sessions.events(memory, id, Event.ModelFailed.class);
        assertThat(failed).hasSize(1);
        Event.ModelFailed lost = failed.get(0);
        assertThat(lost.problem().kind()).isEqualTo("lost");
        assertThat(lost.attempt()).isEqualTo(1);
        assertThat(lost.willRetry()).isTrue();
        assertThat(lost.usage()).isNotNull();
        assertThat(lost.usage().estimated()).isTrue();
        assertThat(lost.cost()).isNotNull();
        assertThat(lost.cost().source()).isEqualTo(Cost.Source.ESTIMATED);
        assertThat(Sessions.events(memory, id, Event.ModelReplied.class))
                .extracting(Event.ModelReplied::attempt)
                .containsExactly(1, 1);
        assertThat(end().cost().usd()).isEqualByComparingTo(lost.cost().usd().add(new java.math.BigDecimal("0.002")));
    }

    @Test
    void workerDiesInThePauseBeforeARetry_noModelCallIsTakenForLost() {
        AtomicInteger asked = new AtomicInteger();
        FakeModel model = new FakeModel(request -> {
            if (asked.incrementAndGet() == 1) {
                throw ModelException.of(ModelException.Kind.UNAVAILABLE, "away");
            }
            return text("done");
        });

        dieAndRecover(
                agent(model),
                store -> store.dieAfter(batch -> Sessions.types(batch).contains("ModelFailed")));

        assertThat(Sessions.events(memory, id, Event.ModelFailed.class))
                .extracting(failed -> failed.problem().kind())
                .containsExactly("unavailable");
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void workerDiesAnywhereElse_noModelCallIsTakenForLost() {
        for (String type : List.of("ToolFinished", "TurnStarted")) {
            SessionId session = SessionId.of("acme", type);
            FaultyStore first = new FaultyStore(memory);
            first.dieBefore(batch -> Sessions.types(batch).contains(type));
            Agent agent = agent(payOnce(), tool(Effect.PURE));
            try (AgentRuntime dying = Sessions.quick(first, agent).workers(0).build();
                    AgentRuntime next =
                            Sessions.quick(new FaultyStore(memory), agent).build()) {
                dying.open(session, "a").send(Input.text("hi").key("k"));
                Sessions.await(first.dead);
                Sessions.await(next.open(session, "a").send(Input.text("hi").key("k")));
                assertThat(Sessions.types(memory, session))
                        .contains("TurnEnded")
                        .doesNotContain("ModelFailed");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "BEFORE, TurnStarted", "AFTER, TurnStarted",
        "BEFORE, ModelReplied", "AFTER, ModelReplied",
        "BEFORE, ToolFinished", "AFTER, ToolFinished",
        "BEFORE, TurnEnded", "AFTER, TurnEnded"
    })
    void workerDiesAtAnyCommit_turnEndsAllTheSame_withOneEffectPerKey(String when, String type) {
        for (Effect effect : List.of(Effect.PURE, Effect.IDEMPOTENT)) {
            SessionId session = SessionId.of("acme", effect.name());
            FaultyStore first = new FaultyStore(memory);
            java.util.function.Predicate<SessionStore.Batch> fits =
                    batch -> Sessions.types(batch).contains(type);
            if (when.equals("BEFORE")) {
                first.dieBefore(fits);
            } else {
                first.dieAfter(fits);
            }
            Agent agent = agent(payOnce(), tool(effect));
            try (AgentRuntime dying = Sessions.quick(first, agent).workers(0).build()) {
                dying.open(session, "a").send(Input.text("hi").key("k"));
                Sessions.await(first.dead);
                try (AgentRuntime next = Sessions.quick(memory, agent).build()) {
                    assertThat(next.find(session)).isPresent();
                    Sessions.eventually(
                            "the turn ends", () -> Sessions.count(memory, session, Event.TurnEnded.class) == 1);
                }
            }
            LogRules.check(Sessions.log(memory, session));
            assertThat(Sessions.events(memory, session, Event.TurnEnded.class)
                            .get(0)
                            .output())
                    .isEqualTo("done");
            assertThat(effects.keySet().stream().filter(key -> key.startsWith(session.toString())))
                    .as("repeats of a call have one key")
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Effect.class,
            names = {"PURE", "IDEMPOTENT"})
    void resultLost_repeatableCallRunsAgain_withTheSameKey(Effect effect) {
        dieAndRecover(
                agent(payOnce(), tool(effect)), first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(effects).hasSize(1).containsValue(2);
        assertThat(attempts).containsExactly(1, 2);
        assertThat(end().output()).isEqualTo("done");
        assertThat(Sessions.count(memory, id, Event.TakenOver.class)).isEqualTo(1);
    }

    @Test
    void onceCallWithoutProbe_isAskedAbout_andHappenedGivesItsResult() {
        FakeModel model = payOnce();
        Agent agent = agent(model, tool(Effect.ONCE));
        dieAndRecover(agent, first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));
        assertThat(status()).isEqualTo(SessionStatus.WAITING);

        answer(Answer.happened("paid, receipt 7", "looked it up"));
        goOn(agent);

        assertThat(effects).hasSize(1).containsValue(1);
        assertThat(result().output()).isEqualTo("paid, receipt 7");
        assertThat(end().output()).isEqualTo("done");
        assertThat(model.requests.get(model.requests.size() - 1).messages())
                .anySatisfy(message -> assertThat(message)
                        .isInstanceOfSatisfying(
                                Message.ToolResult.class,
                                result -> assertThat(result.output()).isEqualTo("paid, receipt 7")));
    }

    @Test
    void onceCall_didNotHappen_runsAgainWithTheSameKey() {
        Agent agent = agent(payOnce(), tool(Effect.ONCE));
        // Dies with the intent written and nothing run.
        dieAndRecover(agent, first -> first.dieAfter(FaultyStore.with(Event.ToolStarted.class)));
        assertThat(effects).isEmpty();

        answer(Answer.didNotHappen("no such payment"));
        goOn(agent);

        assertThat(effects).hasSize(1).containsValue(1);
        assertThat(attempts).containsExactly(2);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void onceCall_givenUp_tellsTheModelThatTheOutcomeIsUnknown() {
        Agent agent = agent(payOnce(), tool(Effect.ONCE));
        dieAndRecover(agent, first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        answer(Answer.giveUp("cannot tell"));
        goOn(agent);

        assertThat(effects).containsValue(1);
        assertThat(result().outcome()).isEqualTo(Event.CallOutcome.UNKNOWN);
        assertThat(end().output()).isEqualTo("done");
    }

    private Agent probed(Probe probe) {
        AtomicInteger asked = new AtomicInteger();
        Tool tool = Tool.once("pay", "", Json.class, (in, call) -> {
                    effects.merge(call.idempotencyKey(), 1, Integer::sum);
                    attempts.add(call.attempt());
                    return "paid";
                })
                .probe(key -> {
                    assertThat(asked.incrementAndGet()).isEqualTo(1);
                    return probe;
                });
        return agent(payOnce(), tool);
    }

    @Test
    void probeSaysDone_itsResultIsTaken() {
        dieAndRecover(
                probed(Probe.done(Map.of("receipt", 7))),
                first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(effects).containsValue(1);
        assertThat(result().output()).isEqualTo("{\"receipt\":7}");
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void probeGivesWhatHasNoJsonForm_theTurnGoesOn() {
        dieAndRecover(
                probed(Probe.done(new Object() {
                    @SuppressWarnings("unused")
                    public Object getSelf() {
                        return this;
                    }
                })),
                first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(result().outcome()).isEqualTo(Event.CallOutcome.OK);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void probeGivesMoreThanALogHolds_itIsKeptBeside() {
        dieAndRecover(
                probed(Probe.done("x".repeat(100_000))),
                first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(result().full()).isNotNull();
        assertThat(result().output()).hasSizeLessThan(10_000);
    }

    @Test
    void probeSaysRevoked_callRunsAgain() {
        dieAndRecover(probed(Probe.revoked()), first -> first.dieAfter(FaultyStore.with(Event.ToolStarted.class)));

        assertThat(effects).containsValue(1);
        assertThat(effects.keySet())
                .as("the key of the first attempt has been made unusable")
                .allMatch(key -> key.endsWith("#1"));
        assertThat(attempts).containsExactly(2);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void probeThrows_countsAsUnknown() {
        Tool tool = Tool.once("pay", "", Json.class, (in, call) -> "paid").probe(key -> {
            throw new AssertionError("probe is broken");
        });
        dieAndRecover(agent(payOnce(), tool), first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(status()).isEqualTo(SessionStatus.WAITING);
    }

    @Test
    void reportTool_inDoubt_tellsTheModelAndGoesOn() {
        dieAndRecover(
                agent(payOnce(), tool(Effect.ONCE).inDoubt(InDoubt.REPORT)),
                first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(effects).containsValue(1);
        assertThat(result().outcome()).isEqualTo(Event.CallOutcome.UNKNOWN);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void failTool_inDoubt_failsTheTurn() {
        dieAndRecover(
                agent(payOnce(), tool(Effect.ONCE).inDoubt(InDoubt.FAIL)),
                first -> first.dieBefore(FaultyStore.with(Event.ToolFinished.class)));

        assertThat(effects).containsValue(1);
        assertThat(end().outcome()).isEqualTo(Event.TurnOutcome.FAILED);
        assertThat(end().problem()).extracting(p -> p.kind()).isEqualTo("in_doubt");
    }

    /** A worker whose lease runs out while it lives, and who gets no other; its store answers all else. */
    private FaultyStore stale() {
        return new FaultyStore(memory).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew") || verb.equals("claim")) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
    }

    private boolean lateResultIsIn() {
        return memory.inbox(id, 0, 100).stream()
                .map(InboxItem::kind)
                .anyMatch(kind -> kind == Event.InputKind.LATE_RESULT);
    }

    @Test
    void lateResultOfTheFormerWorker_settlesTheDoubtBeforeAnybodyIsAsked() {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch running = new CountDownLatch(1);
        Tool tool = Tool.once("pay", "", Json.class, (in, call) -> {
                    running.countDown();
                    go.await();
                    effects.merge(call.idempotencyKey(), 1, Integer::sum);
                    return "paid";
                })
                .noProbe();
        Agent agent = agent(payOnce(), tool);
        CountDownLatch lost = new CountDownLatch(1);
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }
        };
        try (AgentRuntime former =
                Sessions.quick(stale(), agent).workers(0).listener(listener).build()) {
            former.open(id, "a").send("hi");
            Sessions.await(running);
            Sessions.await(lost);
            go.countDown();
            Sessions.eventually("the late result is posted", this::lateResultIsIn);
            goOn(agent);
        }
        assertThat(effects).containsValue(1);
        assertThat(result().output()).isEqualTo("paid");
        assertThat(end().output()).isEqualTo("done");
        assertThat(Sessions.types(memory, id))
                .contains("ToolInDoubt", "ToolResolved")
                .doesNotContain("QuestionAsked");
    }

    @Test
    void lateResultOfTheFormerWorker_settlesTheDoubtAfterTheQuestionWasAsked() {
        CountDownLatch go = new CountDownLatch(1);
        Tool tool = Tool.once("pay", "", Json.class, (in, call) -> {
                    go.await();
                    effects.merge(call.idempotencyKey(), 1, Integer::sum);
                    return "paid";
                })
                .noProbe();
        Agent agent = agent(payOnce(), tool);
        try (AgentRuntime former = Sessions.quick(stale(), agent).workers(0).build();
                AgentRuntime next = Sessions.quick(memory, agent).build()) {
            Turn turn = former.open(id, "a").send("hi");
            Outcome waiting = Sessions.await(turn);
            assertThat(waiting.findWaiting().orElseThrow().questions()).hasSize(1);

            go.countDown();

            assertThat(Sessions.await(turn).findDone().orElseThrow().text()).isEqualTo("done");
            assertThat(next.operator().questions(TenantId.of("acme"))).isEmpty();
        }
        assertThat(effects).containsValue(1);
        assertThat(Sessions.types(memory, id)).contains("QuestionAsked", "QuestionAnswered", "ToolResolved");
    }

    @Test
    void parallelCalls_onlyThoseWithoutResultRunAgain() {
        Map<String, Integer> runs = new ConcurrentHashMap<>();
        CountDownLatch othersRun = new CountDownLatch(3);
        CountDownLatch never = new CountDownLatch(1);
        Tool tool = Tool.pure("pay", "", Json.class, (in, call) -> {
            String ordinal = call.id().value().substring(call.id().value().indexOf('/'));
            runs.merge(ordinal, 1, Integer::sum);
            if (ordinal.equals("/0") || ordinal.equals("/1")) {
                Sessions.await(othersRun);
            } else if (call.attempt() == 1) {
                othersRun.countDown();
                never.await();
            }
            return ordinal;
        });
        Agent agent = agent(
                FakeModel.steps(
                        calls(
                                call("pay", "{}"),
                                call("pay", "{}"),
                                call("pay", "{}"),
                                call("pay", "{}"),
                                call("pay", "{}")),
                        text("done")),
                tool);
        AtomicInteger finished = new AtomicInteger();
        FaultyStore first = new FaultyStore(memory);
        first.hook(new FaultyStore.Hook() {
            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null) {
                    long results = Sessions.types(batch).stream()
                            .filter("ToolFinished"::equals)
                            .count();
                    if (finished.addAndGet((int) results) == 2) {
                        first.die();
                    }
                }
            }
        });
        try (AgentRuntime dying = Sessions.quick(first, agent).workers(0).build()) {
            dying.open(id, "a").send("hi");
            Sessions.await(first.dead);
            goOn(agent);
        }
        assertThat(runs).containsEntry("/0", 1).containsEntry("/1", 1);
        assertThat(runs).containsEntry("/2", 2).containsEntry("/3", 2).containsEntry("/4", 2);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void callsThatWereQueuedWhenTheWorkerDied_runAfterTheTakeover() {
        AtomicInteger runs = new AtomicInteger();
        Tool tool = Tool.idempotent("pay", "", Json.class, (in, call) -> {
            runs.incrementAndGet();
            return "ok";
        });
        dev.perdure.session.Part.ToolUse[] many = new dev.perdure.session.Part.ToolUse[20];
        java.util.Arrays.fill(many, call("pay", "{}"));
        Agent agent = agent(FakeModel.steps(calls(many), text("done")), tool);

        dieAndRecover(agent, first -> first.dieAfter(FaultyStore.with(Event.ToolStarted.class)));

        assertThat(runs).hasValue(20);
        assertThat(end().output()).isEqualTo("done");
    }

    @Test
    void takeoverDuringAModelCall_callsTheModelAgain_andTheFirstReplyIsNeverWritten() {
        CountDownLatch inCall = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        FakeModel model = new FakeModel(request -> {
            if (asked.incrementAndGet() == 1) {
                inCall.countDown();
                Sessions.await(go);
                return text("from the dead");
            }
            return text("done");
        });
        Agent agent = agent(model);
        try (AgentRuntime former = Sessions.quick(stale(), agent).workers(0).build();
                AgentRuntime next = Sessions.quick(memory, agent).build()) {
            Turn turn = former.open(id, "a").send("hi");
            Sessions.await(inCall);
            Outcome outcome = Sessions.await(turn);
            assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("done");
            go.countDown();
            assertThat(next.find(id)).isPresent();
        }
        assertThat(Sessions.count(memory, id, Event.ModelReplied.class)).isEqualTo(1);
        List<Event.TakenOver> takeovers = Sessions.events(memory, id, Event.TakenOver.class);
        assertThat(takeovers).hasSize(1);
        assertThat(takeovers.get(0).fence()).isGreaterThan(takeovers.get(0).fromFence());
    }

    @Test
    void staleWorkersAppend_isRefused_andItsRunEndsQuietly() {
        CountDownLatch inCall = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }

            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                failures.add(error);
            }
        };
        Agent agent = agent(new FakeModel(request -> {
            inCall.countDown();
            Sessions.await(go);
            return text("stale");
        }));
        // A long lease by its own clock, so that only the store can tell it that it is stale.
        try (AgentRuntime former = AgentRuntime.builder(memory)
                .agents(agent)
                .workers(0)
                .listener(listener)
                .build()) {
            former.open(id, "a").send("hi");
            Sessions.await(inCall);
            List<Recorded> before = Sessions.log(memory, id);
            assertThat(memory.delete(id)).isTrue();
            go.countDown();
            Sessions.await(lost);
            assertThat(before).isNotEmpty();
            assertThat(Sessions.log(memory, id)).isEmpty();
            assertThat(failures).isEmpty();
        }
    }
}

package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import dev.perdure.tool.Approval;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import dev.perdure.tool.Toolbox;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Interleavings that somebody who wants to break the engine thinks of. */
@Timeout(30)
class AttackTest {
    private final AtomicLong ahead = new AtomicLong();
    private final InMemorySessionStore store =
            InMemorySessionStore.create(() -> Instant.now().plusMillis(ahead.get()));
    private final SessionId id = SessionId.of("acme", "s");
    private final List<String> ran = Collections.synchronizedList(new ArrayList<>());
    private final Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
        ran.add(in.text());
        return "ok";
    });

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    private Agent agent(String name, ModelClient model, Function<SessionView, Decision> next) {
        return new Agent() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Decision next(SessionView view) {
                return next.apply(view);
            }

            @Override
            public ModelClient model() {
                return model;
            }

            @Override
            public Toolbox tools() {
                return Toolbox.of(tool);
            }
        };
    }

    private static Decision.CallModel ask() {
        return new Decision.CallModel(
                ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text("go")))), List.of()),
                Event.Purpose.ANSWER,
                0);
    }

    /** The leave given for one step must not be taken for the next one's. */
    @Test
    void agentThatRefusesTheCallsOfItsSecondStep_isAskedBeforeTheyRun() {
        FakeModel model = new FakeModel(request -> calls(call("t", "{}")));
        Agent agent = agent("a", model, view -> {
            int steps = view.findTurn().orElseThrow().steps();
            if (!view.hasUnfinishedCalls()) {
                return steps < 2 ? ask() : new Decision.Finish("ran");
            }
            return steps == 1 ? new Decision.CallTools() : new Decision.Finish("refused");
        });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(Sessions.await(runtime.open(id, "a").send("hi")).findDone())
                    .isPresent();
        }
        assertThat(ran).hasSize(1);
    }

    /** A process that only sends must not use up the claims that its session has. */
    @Test
    void senderThatDoesNotServeTheAgent_doesNotQuarantineItsSession() {
        try (AgentRuntime worker = AgentRuntime.builder(store)
                .agents(agent("a", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok")))
                .workers(0)
                .build()) {
            worker.open(id, "a");
        }
        try (AgentRuntime sender = AgentRuntime.builder(store)
                .agents(agent("b", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok")))
                .build()) {
            AgentSession session = sender.find(id).orElseThrow();
            for (int i = 0; i < 10; i++) {
                session.send("message " + i);
                ahead.addAndGet(120_000);
                Sessions.eventually(
                        "nobody holds it", () -> store.find(id).orElseThrow().status() != SessionStatus.RUNNING);
            }
        }
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.READY);
    }

    /** Words to a session that waits for a human are queued; each wakes it, and none is a failure. */
    @Test
    void messagesWhileAQuestionIsOpen_doNotQuarantineTheSession() {
        Tool refund = Tool.idempotent("refund", "", Json.class, (in, call) -> {
                    ran.add(in.text());
                    return "ok";
                })
                .approval(Approval.required());
        FakeModel model = FakeModel.steps(calls(call("refund", "{}")), FakeModel.text("done"));
        try (AgentRuntime runtime = Sessions.quick(
                        store, Agent.builder("a").model(model).tool(refund).build())
                .build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("refund me");
            Sessions.await(turn);
            for (int i = 1; i <= 8; i++) {
                session.send("are you there? " + i);
                Sessions.eventually(
                        "it waits again", () -> store.find(id).orElseThrow().status() == SessionStatus.WAITING);
                ahead.addAndGet(120_000);
            }
            Question question = runtime.operator().questions(id.tenant()).get(0);
            runtime.operator().answer(question.id(), Answer.accept(""), Actor.user("ann"));
            assertThat(Sessions.await(turn).findDone()).isPresent();
        }
    }

    /** More queued than one page of the inbox must not hide an interrupt from a model call that is on. */
    @Test
    void interruptBehindHundredsOfMessages_stopsTheModelCall() {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        ModelClient model = (request, scope) -> {
            scope.interruption().onRequest(stopped::countDown);
            asked.countDown();
            while (!scope.interruption().requested()) {
                LockSupport.parkNanos(1_000_000);
            }
            throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
        };
        try (AgentRuntime runtime =
                Sessions.quick(store, Agent.builder("a").model(model).build()).build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(asked);
            Operator elsewhere = Operator.of(store);
            for (int i = 0; i < 250; i++) {
                store.post(
                        id,
                        new SessionStore.Post(
                                "m" + i,
                                Event.InputKind.INTERRUPT,
                                Actor.user("ann"),
                                Json.parse("{\"turn\":99,\"reason\":\"another\"}")));
            }
            elsewhere.interrupt(id, "enough", Actor.user("ann"));
            Sessions.await(stopped);
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Interrupted.class);
        }
    }

    /** The result of the worker that made the call must not find its place taken by another's "nobody knows". */
    @Test
    void resultOfTheFormerWorker_winsOverAnUnknownThatWasNeverWritten() {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        CountDownLatch reported = new CountDownLatch(1);
        CountDownLatch failedTwice = new CountDownLatch(2);
        AtomicBoolean cut = new AtomicBoolean();
        AtomicBoolean failing = new AtomicBoolean(true);
        Tool pay = Tool.once("pay", "", Json.class, (in, call) -> {
                    started.countDown();
                    Sessions.await(finish);
                    return "paid";
                })
                .probe(Probe.none())
                .inDoubt(InDoubt.REPORT);
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("pay", "{}")), FakeModel.text("done")))
                .tool(pay)
                .build();
        FaultyStore first = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (cut.get() && !verb.equals("post")) {
                    throw FaultyStore.unavailable(verb);
                }
            }

            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                if (cut.get() && verb.equals("post")) {
                    reported.countDown();
                }
            }
        });
        FaultyStore second = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null && failing.get()) {
                    failedTwice.countDown();
                    throw StoreException.unusable("not now", null, null);
                }
            }
        });
        try (AgentRuntime one = Sessions.quick(first, agent).acceptUnsafeOnce().build()) {
            one.open(id, "a").send("pay");
            Sessions.await(started);
            cut.set(true);
            try (AgentRuntime two = Sessions.quick(second, agent)
                    .acceptUnsafeOnce()
                    .quarantineAfter(100)
                    .build()) {
                assertThat(two.find(id)).isPresent();
                Sessions.await(failedTwice);
                finish.countDown();
                Sessions.await(reported);
                failing.set(false);
                Sessions.eventually("the turn is over", () -> Sessions.count(store, id, Event.TurnEnded.class) == 1);
                assertThat(two.find(id)).isPresent();
            }
        }
        Event.ToolFinished result =
                Sessions.events(store, id, Event.ToolFinished.class).get(0);
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.OK);
        assertThat(result.output()).isEqualTo("paid");
    }

    /** A body that was given up lives on beside the next attempt; what it keeps then is refused. */
    @Test
    void artifactOfAnAttemptThatWasGivenUp_isRefusedWhileTheNextOneRuns() {
        CountDownLatch secondRuns = new CountDownLatch(1);
        CountDownLatch zombieTried = new CountDownLatch(1);
        Tool make = Tool.once("make", "", Json.class, (in, call) -> {
                    if (call.attempt() > 1) {
                        secondRuns.countDown();
                        Sessions.await(zombieTried);
                        return "made";
                    }
                    boolean waiting = true;
                    while (waiting) {
                        try {
                            waiting = !secondRuns.await(10, TimeUnit.SECONDS);
                        } catch (InterruptedException e) {
                            ran.add("does not stop");
                        }
                    }
                    try {
                        call.saveArtifact("a.txt", "text/plain", new byte[] {1});
                        ran.add("saved");
                    } catch (IllegalStateException e) {
                        ran.add("refused");
                    } finally {
                        zombieTried.countDown();
                    }
                    return "late";
                })
                .probe(key -> Probe.revoked())
                .timeout(Duration.ofMillis(50));
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("make", "{}")), FakeModel.text("done")))
                .tool(make)
                .build();
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).acceptUnsafeOnce().build()) {
            Sessions.await(runtime.open(id, "a").send("make it"));
        }
        assertThat(ran).contains("refused").doesNotContain("saved");
        assertThat(Sessions.count(store, id, Event.ArtifactSaved.class)).isZero();
    }

    /** Keys of inputs often come from outside. */
    @Test
    void inputUnderTheKeyOfAnAnswer_isRefused_andTheQuestionCanBeAnswered() {
        Tool refund =
                Tool.idempotent("refund", "", Json.class, (in, call) -> "ok").approval(Approval.required());
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("refund", "{}")), FakeModel.text("done")))
                .tool(refund)
                .build();
        try (AgentRuntime runtime = Sessions.quick(store, agent).build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("refund me");
            Question question =
                    Sessions.await(turn).findWaiting().orElseThrow().questions().get(0);
            String call = question.call().value();
            for (String key : List.of("answer:" + question.id().key(), call + "/1")) {
                assertThatThrownBy(() -> session.send(Input.text("mine").key(key)))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThat(runtime.operator().answer(question.id(), Answer.accept(""), Actor.user("ann")))
                    .isEqualTo(Operator.Answered.ACCEPTED);
            assertThat(Sessions.await(turn).findDone()).isPresent();
        }
    }

    @Test
    void sessionThatTwoPeopleClose_endsOnce() {
        Agent agent = agent("a", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok"));
        try (AgentRuntime idle =
                AgentRuntime.builder(store).agents(agent).workers(0).build()) {
            idle.open(id, "a");
        }
        Operator.of(store).end(id, "enough", Actor.user("ann"));
        Operator.of(store).end(id, "enough", Actor.user("bob"));
        try (AgentRuntime runtime = Sessions.quick(store, agent).build()) {
            Sessions.eventually("ended", () -> store.find(id).orElseThrow().status() == SessionStatus.ENDED);
            assertThat(runtime.find(id)).isPresent();
        }
        assertThat(Sessions.count(store, id, Event.SessionEnded.class)).isOne();
    }

    /** The process that sent it died before it ran it; the same process, started again, sends it again. */
    @Test
    void repeatOfAnInputThatNobodyRuns_runsItWithoutWorkersToo() {
        Agent agent = agent("a", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok"));
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).workers(0).build()) {
            AgentSession session = runtime.open(id, "a");
            Bodies.Message message = new Bodies.Message(List.of(new Part.Text("hi")), Input.When.NEXT_TURN);
            store.post(id, new SessionStore.Post("k", Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(message)));

            Turn turn = session.send(Input.text("hi").key("k"));

            assertThat(Sessions.await(turn).findDone()).isPresent();
        }
    }
}

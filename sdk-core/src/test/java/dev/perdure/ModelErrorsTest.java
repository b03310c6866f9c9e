package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Model calls that fail. */
@Timeout(30)
class ModelErrorsTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final AtomicInteger asked = new AtomicInteger();

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    /** Fails as told until the given call, then answers. */
    private FakeModel failing(int times, ModelException failure) {
        return new FakeModel(request -> {
            if (asked.incrementAndGet() <= times) {
                throw failure;
            }
            return text("done");
        });
    }

    private static ModelException unavailable() {
        return ModelException.of(ModelException.Kind.UNAVAILABLE, "busy");
    }

    private Outcome run(ModelClient model) {
        return run(Agent.builder("a").model(model).build());
    }

    private Outcome run(Agent agent) {
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).modelAttempts(2).build()) {
            return Sessions.await(runtime.open(id, "a").send("hi"));
        }
    }

    private static Problem problem(Outcome outcome) {
        return outcome.findFailed().orElseThrow().problem();
    }

    @Test
    void retryableFailure_isRetried_withOneEventForEachAttempt() {
        assertThat(run(failing(1, unavailable()))).isInstanceOf(Outcome.Done.class);

        assertThat(Sessions.events(store, id, Event.ModelFailed.class))
                .singleElement()
                .satisfies(failed -> {
                    assertThat(failed.attempt()).isEqualTo(1);
                    assertThat(failed.willRetry()).isTrue();
                });
        assertThat(Sessions.events(store, id, Event.ModelReplied.class))
                .singleElement()
                .extracting(Event.ModelReplied::attempt)
                .isEqualTo(2);
    }

    @Test
    void retryableFailure_failsTheTurnWhenTheAttemptsAreUsedUp() {
        assertThat(problem(run(failing(9, unavailable()))).kind()).isEqualTo("unavailable");
        assertThat(asked).hasValue(2);
        assertThat(Sessions.events(store, id, Event.ModelFailed.class))
                .extracting(Event.ModelFailed::willRetry)
                .containsExactly(true, false);
    }

    @Test
    void finalFailure_isNotRetried() {
        assertThat(problem(run(failing(9, ModelException.of(ModelException.Kind.AUTH, "no key"))))
                        .kind())
                .isEqualTo("auth");
        assertThat(asked).hasValue(1);
    }

    @Test
    void retryAfter_isHonoured() {
        long[] at = new long[2];
        run(new FakeModel(request -> {
            at[asked.getAndIncrement()] = System.nanoTime();
            if (asked.get() == 1) {
                throw ModelException.builder(ModelException.Kind.RATE_LIMIT, "slow down")
                        .retryAfter(Duration.ofMillis(800))
                        .build();
            }
            return text("done");
        }));
        assertThat(Duration.ofNanos(at[1] - at[0])).isGreaterThanOrEqualTo(Duration.ofMillis(800));
    }

    @Test
    void backoff_isNotCutShortByInputsThatQueue_butByAnInterrupt() {
        CountDownLatch failed = new CountDownLatch(1);
        FakeModel model = new FakeModel(request -> {
            asked.incrementAndGet();
            failed.countDown();
            throw ModelException.builder(ModelException.Kind.RATE_LIMIT, "slow down")
                    .retryAfter(Duration.ofSeconds(50))
                    .build();
        });
        try (AgentRuntime runtime =
                AgentRuntime.open(store, Agent.builder("a").model(model).build())) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(failed);
            Sessions.eventually(
                    "the failure is in the log", () -> Sessions.count(store, id, Event.ModelFailed.class) == 1);
            for (int i = 0; i < 5; i++) {
                session.send("more " + i);
            }
            turn.interrupt("enough");
            assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("enough"));
            assertThat(Sessions.events(store, id, Event.ModelFailed.class).stream()
                            .filter(failure -> failure.attempt() > 1))
                    .isEmpty();
            session.end("over", dev.perdure.session.Actor.PERDURE);
        }
    }

    @Test
    void closeDuringABackoff_leavesTheTurnToAnother_whichDoesNotFailIt() {
        CountDownLatch failed = new CountDownLatch(1);
        FakeModel model = new FakeModel(request -> {
            if (asked.incrementAndGet() == 1) {
                failed.countDown();
                throw ModelException.builder(ModelException.Kind.RATE_LIMIT, "slow down")
                        .retryAfter(Duration.ofSeconds(50))
                        .build();
            }
            return text("done");
        });
        Agent agent = Agent.builder("a").model(model).build();
        AgentRuntime first = AgentRuntime.open(store, agent);
        Turn turn = first.open(id, "a").send("hi");
        Sessions.await(failed);
        first.close();
        try (AgentRuntime next = Sessions.quick(store, agent).build()) {
            assertThat(next.find(id)).isPresent();
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
    }

    @Test
    void clientThatThrowsAnything_isAFailureOfThisCall() {
        assertThat(problem(run(new FakeModel(request -> {
                            throw new IllegalStateException("broken client");
                        })))
                        .message())
                .contains("broken client");
        SessionId other = SessionId.of("acme", "t");
        Agent agent = Agent.builder("a")
                .model(new FakeModel(request -> {
                    throw new NoClassDefFoundError("some/Jar");
                }))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(problem(Sessions.await(runtime.open(other, "a").send("hi")))
                            .kind())
                    .isEqualTo("client");
        }
    }

    @Test
    void clientThatReturnsNull_isNamed() {
        ModelClient silent = (request, scope) -> null;
        Problem problem = problem(run(silent));
        assertThat(problem.kind()).isEqualTo("client");
        assertThat(problem.message())
                .isEqualTo("model client " + silent.getClass().getName() + " returned null");
    }

    @Test
    void clientThatGivesUpWithoutBeingAsked_isAFailure_notAnInterrupt() {
        assertThat(problem(run(failing(9, ModelException.of(ModelException.Kind.INTERRUPTED, "by whom?"))))
                        .kind())
                .isEqualTo("interrupted");
        assertThat(asked).hasValue(1);
    }

    private static boolean compacts(ModelRequest request) {
        return request.instructions().startsWith("Sum up");
    }

    private Agent chatty(int failures) {
        FakeModel model = new FakeModel(request -> {
            if (compacts(request)) {
                return text("they said hello");
            }
            if (asked.incrementAndGet() > 1 && asked.get() <= 1 + failures) {
                throw ModelException.of(ModelException.Kind.CONTEXT_WINDOW, "too long");
            }
            return text("reply " + request.messages().size());
        });
        return Agent.builder("a").model(model).build();
    }

    @Test
    void conversationTooLong_isSummedUpOnce_andTheTurnGoesOnWithTheSummary() {
        Agent agent = chatty(1);
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send("hello"));
            assertThat(Sessions.await(session.send("again"))
                            .findDone()
                            .orElseThrow()
                            .text())
                    .isEqualTo("reply 2");
        }
        FakeModel model = (FakeModel) agent.model();
        Message first = model.requests.get(model.requests.size() - 1).messages().get(0);
        assertThat(((Part.Text) ((Message.User) first).parts().get(0)).text()).contains("they said hello");
        assertThat(Sessions.events(store, id, Event.ModelReplied.class))
                .extracting(Event.ModelReplied::purpose)
                .containsExactly(Event.Purpose.ANSWER, Event.Purpose.COMPACT, Event.Purpose.ANSWER);
    }

    @Test
    void conversationStillTooLong_failsTheTurn_andTheSessionIsUsable() {
        Agent agent = chatty(2);
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send("hello"));
            assertThat(problem(Sessions.await(session.send("again"))).kind()).isEqualTo("context_window");
            assertThat(Sessions.await(session.send("short"))).isInstanceOf(Outcome.Done.class);
        }
    }

    record Verdict(boolean guilty) {}

    private Agent judge(String... answers) {
        return Agent.builder("a")
                .model(new FakeModel(request -> text(answers[Math.min(asked.getAndIncrement(), answers.length - 1)])))
                .output(Verdict.class)
                .build();
    }

    @Test
    void answerThatDoesNotFit_isCorrectedTwice() {
        Outcome outcome = run(judge("well", "{\"guilty\":\"perhaps\"}", "```json\n{\"guilty\":true}\n```"));
        assertThat(outcome.findDone().orElseThrow().as(Verdict.class)).isEqualTo(new Verdict(true));
        assertThat(asked).hasValue(3);
    }

    @Test
    void answerThatNeverFits_failsTheTurn() {
        assertThat(problem(run(judge("well"))).kind()).isEqualTo("output");
        assertThat(asked).hasValue(3);
    }

    @Test
    void textOfAFailedAttempt_isDiscarded() {
        ModelClient model = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                scope.deltas().text("par");
                scope.deltas().text("tial");
                if (asked.incrementAndGet() == 1) {
                    throw unavailable();
                }
                return text("partial and whole");
            }
        };
        List<String> heard = new ArrayList<>();
        try (AgentRuntime runtime =
                AgentRuntime.open(store, Agent.builder("a").model(model).build())) {
            Turn turn = runtime.open(id, "a").send("hi", new TurnListener() {
                @Override
                public void onText(String more) {
                    heard.add(more);
                }

                @Override
                public void onDiscard() {
                    heard.add("-");
                }
            });
            Sessions.await(turn);
        }
        assertThat(heard).containsExactly("par", "tial", "-", "par", "tial");
    }

    @Test
    void failureAfterATool_isRetriedWithoutRunningTheToolAgain() {
        AtomicInteger ran = new AtomicInteger();
        Agent agent = Agent.builder("a")
                .model(new FakeModel(request -> {
                    if (asked.incrementAndGet() == 2) {
                        throw unavailable();
                    }
                    return FakeModel.step(request) == 0 ? calls(call("t", "{}")) : text("done");
                }))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> ran.incrementAndGet()))
                .build();
        assertThat(run(agent)).isInstanceOf(Outcome.Done.class);
        assertThat(ran).hasValue(1);
    }
}

package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Tool;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One call may overshoot a limit; the next is not made. Each reply of the model costs 15 tokens and $0.001. */
@Timeout(30)
class LimitsTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final FakeModel endless = FakeModel.steps(calls(call("t", "{}")));

    private static final Tool TOOL = Tool.pure("t", "", Json.class, (in, call) -> "ok");

    private Problem failure(FakeModel model, Limits limits) {
        Agent agent = Agent.builder("a").model(model).tool(TOOL).limits(limits).build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            LogRules.check(Sessions.log(store, id));
            return outcome.findFailed().orElseThrow().problem();
        }
    }

    @Test
    void steps_areModelCalls() {
        Problem problem = failure(endless, Limits.none().steps(3));
        assertThat(problem.kind()).isEqualTo("limit");
        assertThat(problem.message()).contains("3 of 3 steps");
        assertThat(endless.requests).hasSize(3);
    }

    @Test
    void tokens_ofInputAndOutputTogether() {
        assertThat(failure(endless, Limits.none().tokens(31)).message()).contains("45 of 31 tokens");
        assertThat(endless.requests).hasSize(3);
    }

    @Test
    void dollars() {
        assertThat(failure(endless, Limits.none().usd("0.002")).message()).contains("0.002 of 0.002 US dollars");
        assertThat(endless.requests).hasSize(2);
    }

    @Test
    void perSession_countsAllTurns() {
        FakeModel model = FakeModel.steps(text("hello"));
        Agent agent = Agent.builder("a")
                .model(model)
                .limits(Limits.none().steps(10).perSession(Limits.none().steps(2)))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            assertThat(Sessions.await(session.send("1"))).isInstanceOf(Outcome.Done.class);
            assertThat(Sessions.await(session.send("2"))).isInstanceOf(Outcome.Done.class);
            assertThat(Sessions.await(session.send("3"))
                            .findFailed()
                            .orElseThrow()
                            .problem()
                            .message())
                    .startsWith("the session has used 2 of 2 steps");
            assertThat(model.requests).hasSize(2);
        }
    }

    private static ModelClient unpriced(Usage usage, boolean reportsCost) {
        return new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                return new ModelReply(
                        List.of(new Part.ToolUse("p", "t", "{}")), "tool_calls", usage, Cost.UNKNOWN, "m", null, null);
            }

            @Override
            public boolean reportsCost() {
                return reportsCost;
            }
        };
    }

    private void unknownCostCounts(Usage usage) {
        Agent agent = Agent.builder("a")
                .model(unpriced(usage, true))
                .tool(TOOL)
                .limits(Limits.none().usd("0.0001").steps(50))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            assertThat(outcome.findFailed().orElseThrow().problem().message()).contains("US dollars");
        }
        assertThat(Sessions.events(store, id, Event.ModelReplied.class)).allSatisfy(reply -> {
            assertThat(reply.cost().source()).isEqualTo(Cost.Source.ESTIMATED);
            assertThat(reply.cost().usd()).isPositive();
        });
    }

    @Test
    void costThatWasNotReported_countsAsAnEstimate() {
        unknownCostCounts(Usage.of(10, 5));
    }

    @Test
    void costOfACallThatReportedNoTokensEither_isNeverZero() {
        unknownCostCounts(Usage.NONE);
    }

    @Test
    void dollarsWithoutPrices_areRefusedAtBuild() {
        assertThatThrownBy(() -> Agent.builder("a")
                        .model(unpriced(Usage.NONE, false))
                        .limits(Limits.none().usd("1"))
                        .build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("US dollars");
        assertThatThrownBy(() -> Agent.builder("a")
                        .model(unpriced(Usage.NONE, false))
                        .limits(Limits.none().perSession(Limits.none().usd("1")))
                        .build())
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void dollarsWithoutPrices_areRefusedForAnyAgent() {
        Agent own = new Agent() {
            @Override
            public String name() {
                return "own";
            }

            @Override
            public Decision next(dev.perdure.session.SessionView view) {
                return new Decision.Finish("x");
            }

            @Override
            public ModelClient model() {
                return unpriced(Usage.NONE, false);
            }

            @Override
            public Limits limits() {
                return Limits.none().usd("1");
            }
        };
        assertThatThrownBy(() -> AgentRuntime.open(store, own)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void budgetLeft_isToldToTheClient() {
        List<String> left = new java.util.ArrayList<>();
        ModelClient model = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                left.add(scope.findBudgetLeft().orElseThrow().toPlainString());
                return endless.call(request, scope);
            }

            @Override
            public boolean reportsCost() {
                return true;
            }
        };
        Agent agent = Agent.builder("a")
                .model(model)
                .tool(TOOL)
                .limits(Limits.none().usd("0.003").perSession(Limits.none().usd("0.002")))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(Sessions.await(runtime.open(id, "a").send("hi"))).isInstanceOf(Outcome.Failed.class);
        }
        assertThat(left).containsExactly("0.002", "0.001");
    }

    @Test
    void tokensThatWereNotReported_countAsAnEstimate() {
        Agent agent = Agent.builder("a")
                .model(unpriced(Usage.NONE, false))
                .tool(TOOL)
                .limits(Limits.none().tokens(200).steps(50))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            assertThat(outcome.findFailed().orElseThrow().problem().message()).contains("tokens");
        }
        assertThat(Sessions.events(store, id, Event.ModelReplied.class))
                .isNotEmpty()
                .allMatch(reply -> Boolean.TRUE.equals(reply.usage().estimated()));
    }

    private Outcome failing(ModelException.Kind kind) {
        ModelClient model = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                throw ModelException.of(kind, "no");
            }

            @Override
            public boolean reportsCost() {
                return true;
            }
        };
        Agent agent = Agent.builder("a")
                .model(model)
                .limits(Limits.none().usd("0.000001"))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            return Sessions.await(runtime.open(id, "a").send("hi"));
        }
    }

    @Test
    void attemptWhoseReplyWasCut_countsAsAnEstimate_andItsRepeatIsNotMade() {
        Outcome outcome = failing(ModelException.Kind.CUT_STREAM);
        assertThat(outcome.findFailed().orElseThrow().problem().message()).contains("US dollars");
        assertThat(Sessions.events(store, id, Event.ModelFailed.class))
                .singleElement()
                .extracting(Event.ModelFailed::cost)
                .extracting(Cost::source)
                .isEqualTo(Cost.Source.ESTIMATED);
    }

    @Test
    void attemptThatWasRefused_isFree() {
        failing(ModelException.Kind.BAD_REQUEST);
        assertThat(Sessions.events(store, id, Event.ModelFailed.class))
                .isNotEmpty()
                .allMatch(failed -> failed.usage() == null && failed.cost() == null);
    }
}

package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Decision;
import dev.perdure.InMemorySessionStore;
import dev.perdure.LlmAgent;
import dev.perdure.Outcome;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The recipe of docs/testing-your-agent.md. */
@Timeout(30)
class TestingYourAgentTest {
    record Refund(String orderId, int cents) {}

    private final List<Refund> refunds = new ArrayList<>();
    private final SessionId id = SessionId.of("acme", "ticket-1");

    private LlmAgent support(ScriptedModel model) {
        return Agent.builder("support")
                .instructions("You are a careful support engineer.")
                .model(model)
                .tool(Tool.idempotent("refund", "Refund an order", Refund.class, (refund, call) -> {
                            refunds.add(refund);
                            return "refunded";
                        })
                        .approval(Approval.required()))
                .build();
    }

    @Test
    void refund_runsOnlyAfterApproval() {
        ScriptedModel model = ScriptedModel.replies(
                Step.call("refund", Map.of("orderId", "4711", "cents", 500)), Step.text("Refunded."));
        try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), support(model))) {
            AgentSession session = runtime.open(id, "support");

            Outcome.Waiting waiting =
                    session.send("Refund order 4711").await().findWaiting().orElseThrow();
            assertThat(refunds).isEmpty();

            runtime.operator().answer(waiting.questions().get(0).id(), Answer.accept("ok"), Actor.user("ann"));
            Outcome outcome = session.findTurn().orElseThrow().await();

            assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("Refunded.");
            assertThat(refunds).containsExactly(new Refund("4711", 500));
        }
    }

    @Test
    void everyDecision_isAPlainFunctionOfTheLog() {
        ScriptedModel model = ScriptedModel.replies(Step.text("Hello."));
        LlmAgent agent = support(model);
        List<Recorded> log;
        try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), agent)) {
            AgentSession session = runtime.open(id, "support");
            session.send("Hi").await();
            log = session.history();
        }

        // SessionOpened, TurnStarted, InputReceived | ModelReplied | TurnEnded
        assertThat(agent.next(SessionView.of(id, log.subList(0, 3)))).isInstanceOf(Decision.CallModel.class);
        assertThat(agent.next(SessionView.of(id, log.subList(0, 4)))).isEqualTo(new Decision.Finish("Hello."));
    }
}

package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Decision;
import dev.perdure.InMemorySessionStore;
import dev.perdure.LlmAgent;
import dev.perdure.Outcome;
import dev.perdure.TurnListener;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayRefusal;
import dev.perdure.testkit.GatewayReply;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.IOException;
import java.time.Duration;
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

    private LlmAgent support(ModelClient model) {
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

    @Test
    void spentBudget_stopsTheAgent() {
        try (FakeGateway gateway =
                FakeGateway.answering(request -> GatewayReply.text("Hello.").cost("0.30"))) {
            String key = gateway.newKey(Map.of("max_budget", 0.50));
            LlmAgent agent = support(LiteLlm.at(gateway.url()).key(key).model("gpt-5-mini"));
            try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), agent)) {
                AgentSession session = runtime.open(id, "support");
                session.send("Hi").await();
                session.send("Hi").await(); // breaks the budget, and is answered all the same

                Outcome outcome = session.send("Hi").await();

                assertThat(outcome.summary()).contains("Budget has been exceeded");
                assertThat(gateway.spent(key)).isEqualByComparingTo("0.60");
                assertThat(gateway.received()).hasSize(3); // the refused call is not tried again
            }
        }
    }

    @Test
    void rateLimit_isWaitedFor_andCutStreamIsAskedForAgain() {
        GatewayReply hello = GatewayReply.text("Hello from support.");
        try (FakeGateway gateway =
                FakeGateway.start(GatewayRefusal.rateLimit().retryAfter(Duration.ZERO), hello.cutAfter(2), hello)) {
            LlmAgent agent = support(LiteLlm.at(gateway.url()).key("sk-any").model("gpt-5-mini"));
            try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), agent)) {
                Heard heard = new Heard();

                Outcome outcome = runtime.open(id, "support").send("Hi", heard).await();

                assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("Hello from support.");
                assertThat(heard.text).containsExactly("Hello ", "from ", "discarded", "Hello ", "from ", "support.");
                assertThat(gateway.received()).hasSize(3);
            }
        }
    }

    /** What a listener is told, in order. */
    private static final class Heard implements TurnListener {
        final List<String> text = new ArrayList<>();

        @Override
        public void onText(String more) {
            text.add(more);
        }

        @Override
        public void onDiscard() {
            text.add("discarded");
        }
    }

    @Test
    void everyRecipeOfTheDocument_isInThisFile() throws IOException {
        Recipes.requireAll("docs/testing-your-agent.md", getClass(), 4);
    }
}

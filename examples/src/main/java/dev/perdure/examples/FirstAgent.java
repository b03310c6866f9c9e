package dev.perdure.examples;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Input;
import dev.perdure.Limits;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.TurnListener;
import dev.perdure.examples.model.ModelChoice;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The example of the README: an agent whose refunds a human has to agree to. Each part opens the file anew, as three processes would: one asks and goes
 * away, one answers, one asks again.
 */
public final class FirstAgent {
    private FirstAgent() {}

    record Refund(String orderId, int cents) {}

    /** Whoever moves the money. It must not move it twice for the same key. */
    interface Payments {
        String refund(String orderId, int cents, String key);
    }

    public static void main(String[] args) throws Exception {
        ModelClient scripted = ScriptedModel.steps(List.of(
                Step.text("I ask for the refund. ").andCall("refund", new Refund("4711", 4900)),
                Step.text("Order 4711 is refunded.\n")));
        ModelChoice model = ModelChoice.of(System.getenv(), scripted);
        System.out.println("model: " + model.saying());
        Path file = Files.createTempDirectory("perdure-first-agent-").resolve("sessions.db");
        Agent support = agent(model.client(), (order, cents, key) -> "refunded " + cents + " cents of order " + order);
        ask(file, support);
        answer(file);
        ask(file, support);
        System.out.println("The session is in " + file);
    }

    static Agent agent(ModelClient model, Payments payments) {
        return Agent.builder("support")
                .instructions("You are a careful support engineer.")
                .model(model)
                .tool(Tool.idempotent(
                                "refund",
                                "Refund an order",
                                Refund.class,
                                (refund, call) ->
                                        payments.refund(refund.orderId(), refund.cents(), call.idempotencyKey()))
                        .approval(Approval.required()))
                .limits(Limits.none().steps(40).usd("0.50"))
                .build();
    }

    static Outcome ask(Path file, Agent support) {
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(file);
                AgentRuntime runtime = AgentRuntime.open(store, support)) {
            AgentSession session = runtime.open(SessionId.of("acme", "ticket-4711"), "support");
            // With a key, an input may be sent as often as one likes: it is applied once.
            Input input = Input.text("Refund order 4711 if it is unpaid").key("mail-1");
            Outcome outcome =
                    session.send(input, TurnListener.text(System.out::print)).await();
            System.out.println(outcome.summary());
            return outcome;
        }
    }

    /** Needs the store, and no agent. */
    static void answer(Path file) {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            Operator operator = Operator.of(store);
            for (Question question : operator.questions(TenantId.of("acme"))) {
                System.out.println("ann accepts: " + question.text());
                operator.answer(question.id(), Answer.accept("within policy"), Actor.user("ann"));
            }
        }
    }
}

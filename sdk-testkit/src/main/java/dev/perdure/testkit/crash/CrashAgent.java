package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Effect;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Approval;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** An agent with a tool of each kind, whose model makes one to three steps of one to four calls: which ones, only the request says. */
final class CrashAgent {
    private static final List<String> TOOLS =
            List.of("look", "put", "put", "pay", "pay", "mail", "order", "wire", "keep");
    private static final int SLOWEST = 8;
    /** An input that begins so takes one call that outlasts its lease: it ends only where leases are renewed. */
    static final String LONG = "long";

    private static final long SHORTEST_LONG = 2_500;

    static final String KEPT = "kept";

    private final Outside outside;
    private final Consumer<CrashPoint> crasher;

    private final Duration lease;

    private CrashAgent(Outside outside, Consumer<CrashPoint> crasher, Duration lease) {
        this.outside = outside;
        this.crasher = crasher;
        this.lease = lease;
    }

    static Agent of(Outside outside, Consumer<CrashPoint> crasher, Duration lease) {
        CrashAgent body = new CrashAgent(outside, crasher, lease);
        return Agent.builder(Orders.AGENT)
                .instructions(view -> "Turn "
                        + view.findTurn().map(turn -> turn.number()).orElse(0) + " after " + view.steps() + " steps")
                .model(ScriptedModel.answering(CrashAgent::step))
                .tool(Tool.pure("look", "Look", Json.class, (in, call) -> look(call)))
                .tool(Tool.pure("wait", "Wait", Json.class, (in, call) -> body.outlastLease()))
                .tool(Tool.pure("keep", "Keep", Json.class, CrashAgent::keep))
                .tool(Tool.idempotent("put", "Put", Json.class, (in, call) -> body.act(Effect.IDEMPOTENT, call)))
                .tool(Tool.once("pay", "Pay", Json.class, (in, call) -> body.act(Effect.ONCE, call))
                        .probe(outside::probe))
                .tool(Tool.once("mail", "Mail", Json.class, (in, call) -> body.act(Effect.ONCE, call))
                        .noProbe()
                        .inDoubt(InDoubt.REPORT))
                .tool(Tool.once("order", "Order", Json.class, (in, call) -> body.act(Effect.ONCE, call))
                        .noProbe())
                .tool(Tool.idempotent("wire", "Wire", Json.class, (in, call) -> body.act(Effect.IDEMPOTENT, call))
                        .approval(Approval.required()))
                .build();
    }

    private static Object look(ToolCall call) {
        Pauses.sleep(ThreadLocalRandom.current().nextInt(SLOWEST));
        return "seen by " + call.attempt();
    }

    private Object outlastLease() {
        Pauses.sleep(Math.max(lease.toMillis() * 2, SHORTEST_LONG));
        if (Thread.interrupted()) {
            throw new IllegalStateException("its time was not over");
        }
        return "waited";
    }

    /** Bytes that say whose they are. */
    private static Object keep(Json in, ToolCall call) {
        call.saveArtifact(KEPT, "text/plain", kept(call.session()));
        return "kept";
    }

    static byte[] kept(SessionId session) {
        return ("of " + session).getBytes(StandardCharsets.UTF_8);
    }

    private Object act(Effect effect, ToolCall call) {
        long intent = outside.intent(call);
        crasher.accept(CrashPoint.BEFORE_EFFECT);
        Pauses.sleep(ThreadLocalRandom.current().nextInt(SLOWEST));
        boolean done = outside.perform(effect, call, intent);
        crasher.accept(CrashPoint.AFTER_EFFECT);
        return done ? Outside.DONE : ToolResult.error("refused: this attempt was revoked");
    }

    private static Step step(ModelRequest request) {
        List<Message> messages = request.messages();
        int input = messages.size() - 1;
        while (!(messages.get(input) instanceof Message.User)) {
            input--;
        }
        String text = ((Part.Text) ((Message.User) messages.get(input)).parts().get(0)).text();
        long done = messages.subList(input, messages.size()).stream()
                .filter(Message.Assistant.class::isInstance)
                .count();
        return step(text, done).after(Duration.ofMillis(text.hashCode() & 7));
    }

    private static Step step(String text, long done) {
        if (text.startsWith(LONG)) {
            return done > 0
                    ? Step.text("answered " + text)
                    : Step.text("step 0").andCall("wait", Map.of("for", text));
        }
        Random random = new Random(text.hashCode());
        if (done > random.nextInt(3)) {
            return Step.text("answered " + text);
        }
        random.setSeed(text.hashCode() * 31L + done);
        Step step = Step.text("step " + done);
        for (int calls = 1 + random.nextInt(4); calls > 0; calls--) {
            step = step.andCall(TOOLS.get(random.nextInt(TOOLS.size())), Map.of("for", text));
        }
        return step;
    }
}

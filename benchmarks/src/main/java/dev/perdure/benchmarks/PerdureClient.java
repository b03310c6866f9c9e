package dev.perdure.benchmarks;

import dev.perdure.litellm.CallOptions;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.model.Message;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import io.opentelemetry.api.OpenTelemetry;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Ours, through its public API, with a scope as the engine makes it. Thread-safe. */
final class PerdureClient implements ChatClient {
    private static final SessionId SESSION = SessionId.of("acme", "ticket 4711");
    private static final Map<String, String> TAGS = Map.of("agent", "support", "tenant", "acme");
    private static final Duration TIMEOUT = Duration.ofMinutes(1);
    private static final BigDecimal COST = new BigDecimal("0.00025");

    private final LiteLlm gateway;

    PerdureClient(LoopbackGateway gateway) {
        this.gateway = LiteLlm.at(gateway.url()).key("sk-bench");
    }

    @Override
    public String name() {
        return "perdure";
    }

    @Override
    public Answer call(String model) {
        return answer(ask(model, CallScope.Deltas.UNWANTED));
    }

    @Override
    public Answer stream(String model) {
        Heard heard = new Heard();
        Answer answer = answer(ask(model, heard));
        if (!heard.text.toString().equals(answer.text())) {
            throw new IllegalStateException("heard " + heard.text.length() + " characters of "
                    + answer.text().length());
        }
        return answer;
    }

    /** As an application without an agent calls it, with telemetry or without. */
    static Turns.Work alone(LoopbackGateway at, @Nullable OpenTelemetry telemetry) {
        LiteLlm plain = LiteLlm.at(at.url()).key("sk-bench");
        LiteLlm client = telemetry == null ? plain : plain.telemetry(telemetry);
        CallOptions options = CallOptions.DEFAULT.session("ticket-4711").tags("agent:support", "tenant:acme");
        return () -> answer(client.ask(request(LoopbackGateway.PLAIN), options)).requireEqual(LoopbackGateway.ANSWER);
    }

    private ModelReply ask(String model, CallScope.Deltas deltas) {
        String callId = UUID.randomUUID().toString();
        Interruption interruption = Interruption.never();
        return gateway.call(
                request(model), new CallScope(SESSION, 1, callId, TIMEOUT, interruption, TAGS, null, deltas));
    }

    private static ModelRequest request(String model) {
        return new ModelRequest(
                "",
                List.of(new Message.User(List.of(new Part.Text(LoopbackGateway.QUESTION)))),
                List.of(),
                ModelParameters.DEFAULT.model(model),
                null);
    }

    private static Answer answer(ModelReply reply) {
        Cost cost = reply.cost();
        if (COST.compareTo(cost.usd()) != 0) {
            throw new IllegalStateException("another cost: " + cost);
        }
        return new Answer(reply.text(), reply.finishReason(), reply.usage().output());
    }

    private static final class Heard implements CallScope.Deltas {
        final StringBuilder text = new StringBuilder();

        @Override
        public void text(String more) {
            text.append(more);
        }

        @Override
        public void discard() {
            text.setLength(0);
        }
    }
}

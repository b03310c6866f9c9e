package dev.perdure.benchmarks;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.model.Message;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

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

    private ModelReply ask(String model, CallScope.Deltas deltas) {
        ModelRequest request = ModelRequest.of(
                "", List.of(new Message.User(List.of(new Part.Text(LoopbackGateway.QUESTION)))), List.of());
        String callId = UUID.randomUUID().toString();
        Interruption interruption = Interruption.never();
        return gateway.model(model)
                .call(request, new CallScope(SESSION, 1, callId, TIMEOUT, interruption, TAGS, null, deltas));
    }

    private static Answer answer(ModelReply reply) {
        Cost cost = reply.cost();
        if (!COST.equals(cost.usd())) {
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

package dev.perdure.litellm;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.assertj.core.api.Assertions;

/** Requests and scopes of these tests. */
final class Calls {
    static final ToolSpec WEATHER = new ToolSpec(
            "get_weather",
            "Weather of a city",
            Json.parse(
                    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}"));
    static final ToolSpec TIME = new ToolSpec(
            "get_time",
            "Time in a zone",
            Json.parse(
                    "{\"type\":\"object\",\"properties\":{\"zone\":{\"type\":\"string\"}},\"required\":[\"zone\"]}"));

    private Calls() {}

    static ModelRequest saying(String text) {
        return ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text(text)))), List.of());
    }

    static ModelRequest withTools(String text) {
        return ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text(text)))), List.of(WEATHER, TIME));
    }

    static CallScope plain() {
        return scope(CallScope.Deltas.UNWANTED, Interruption.never(), Duration.ofSeconds(30));
    }

    static CallScope streaming(CallScope.Deltas deltas) {
        return scope(deltas, Interruption.never(), Duration.ofSeconds(30));
    }

    static CallScope scope(CallScope.Deltas deltas, Interruption interruption, Duration timeout) {
        return new CallScope(
                SessionId.of("acme", "ticket 4711"),
                1,
                UUID.randomUUID().toString(),
                timeout,
                interruption,
                Map.of("agent", "support", "tenant", "acme"),
                null,
                deltas);
    }

    /** As {@link #plain}, for another session. */
    static CallScope of(SessionId session) {
        CallScope plain = plain();
        return new CallScope(
                session,
                1,
                plain.callId(),
                plain.timeout(),
                plain.interruption(),
                plain.tags(),
                null,
                CallScope.Deltas.UNWANTED);
    }

    static ModelException failure(ModelClient client, CallScope scope) {
        return failure(client, saying("hi"), scope);
    }

    static ModelException failure(ModelClient client, ModelRequest request, CallScope scope) {
        return Assertions.catchThrowableOfType(ModelException.class, () -> client.call(request, scope));
    }

    static List<Part.ToolUse> toolUses(ModelReply reply) {
        return reply.parts().stream()
                .filter(Part.ToolUse.class::isInstance)
                .map(Part.ToolUse.class::cast)
                .toList();
    }
}

package dev.perdure.model;

import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A model's whole reply.
 *
 * @param parts in the order the model wrote them; may be empty
 * @param finishReason as the provider says it: {@code stop}, {@code tool_calls}, {@code length}, …
 * @param model that answered, as reported
 * @param deployment of a gateway that answered
 * @param gatewayCallId to find the call at the gateway
 * @param details what else a gateway or provider says of the call, kept in the log as it is; an empty object when there is nothing
 */
public record ModelReply(
        List<Part> parts,
        String finishReason,
        Usage usage,
        Cost cost,
        String model,
        @Nullable String deployment,
        @Nullable String gatewayCallId,
        Json details) {
    public ModelReply {
        parts = List.copyOf(parts);
        Objects.requireNonNull(finishReason, "finishReason");
        Objects.requireNonNull(usage, "usage");
        Objects.requireNonNull(cost, "cost");
        Objects.requireNonNull(model, "model");
        if (!details.isObject()) {
            throw new IllegalArgumentException("details are a JSON object, but these are " + details.text());
        }
    }

    /** Without details. */
    public ModelReply(
            List<Part> parts,
            String finishReason,
            Usage usage,
            Cost cost,
            String model,
            @Nullable String deployment,
            @Nullable String gatewayCallId) {
        this(parts, finishReason, usage, cost, model, deployment, gatewayCallId, Json.EMPTY);
    }

    /** The texts of the parts, one after the other. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Part part : parts) {
            if (part instanceof Part.Text t) {
                text.append(t.text());
            }
        }
        return text.toString();
    }
}

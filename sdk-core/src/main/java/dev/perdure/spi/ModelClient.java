package dev.perdure.spi;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;

/** Calls a model. Thread-safe. */
public interface ModelClient {
    /**
     * Calls the model and returns its whole reply. Blocks. While the reply comes in, its text goes to {@link
     * CallScope#deltas()} on this thread, unless they {@linkplain CallScope.Deltas#wanted() are not wanted}.
     *
     * <p>Does not retry what the peer refused: the engine does, and writes down each attempt. Ends soon after {@link
     * CallScope#interruption()} is requested. Takes no longer than {@link CallScope#timeout()}.
     *
     * @throws ModelException when there is no whole reply; kind {@code INTERRUPTED} when it was interrupted
     */
    ModelReply call(ModelRequest request, CallScope scope);

    /** Whether replies carry their cost or it can be computed; a limit in money is refused without. */
    default boolean reportsCost() {
        return false;
    }

    /** Name of the provider for telemetry, for example {@code openai} or {@code litellm}. */
    default String provider() {
        return "unknown";
    }

    /** The model asked when a request names none, for telemetry. */
    default String defaultModel() {
        return "unknown";
    }
}

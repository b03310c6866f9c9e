package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.Wire;
import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import java.io.InputStream;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;

/** How one {@link Wire} writes a request and reads what comes back. For one call. */
interface WireFormat extends AutoCloseable {
    /** @param details take what a reply has no place for */
    static WireFormat of(Wire wire, Details details) {
        return switch (wire) {
            case CHAT -> new ChatFormat(details);
            case RESPONSES -> new ResponsesFormat(details);
            case MESSAGES -> new MessagesFormat(details);
        };
    }

    /** Below the base of OpenAI's routes. */
    String route();

    /** @param parameters those of the request completed by the client's */
    JsonBody body(ModelRequest request, String model, ModelParameters parameters, boolean streamed);

    /**
     * Reads the data of one event.
     *
     * @param to takes what it says of the reply, if anything
     * @throws NotTheProtocolException when it is no event of this wire
     */
    void event(byte[] data, int length, Consumer<Chunk> to);

    /**
     * Reads a whole plain answer.
     *
     * @param to takes the parts of the reply, in order
     * @throws NotTheProtocolException when it is no answer of this wire
     */
    void plain(InputStream data, Consumer<Chunk> to);

    /** Whether the events so far are a whole reply. */
    boolean isWhole();

    /** Whether nothing more is wanted, though the stream may go on. */
    boolean isOver();

    /** {@code [DONE]} came. */
    void done();

    /** Where in its event or answer the parser found something wrong. */
    default long offset(JacksonException wrong) {
        return wrong.getLocation().getByteOffset();
    }

    @Override
    default void close() {}

    /** Whether a cost of zero means that the call was free. */
    boolean tellsCost();
}

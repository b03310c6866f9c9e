package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.internal.http.JsonBody;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import java.io.InputStream;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;

/** Chat completions. */
final class ChatFormat implements WireFormat {
    private final Details details;
    private final EventJson json = new EventJson();
    private boolean done;

    ChatFormat(Details details) {
        this.details = details;
    }

    @Override
    public String route() {
        return "chat/completions";
    }

    @Override
    public JsonBody body(ModelRequest request, String model, ModelParameters parameters, boolean streamed) {
        return ChatBody.of(request, model, parameters, streamed);
    }

    @Override
    public void event(byte[] data, int length, Consumer<Chunk> to) {
        Chunk chunk = ChunkParser.parse(json.at(data, length), details);
        json.end();
        to.accept(chunk);
    }

    @Override
    public void plain(InputStream data, Consumer<Chunk> to) {
        to.accept(ChunkParser.parse(data, details));
    }

    @Override
    public boolean isWhole() {
        return done;
    }

    @Override
    public boolean isOver() {
        return done;
    }

    @Override
    public void done() {
        done = true;
    }

    @Override
    public long offset(JacksonException wrong) {
        return json.offset(wrong);
    }

    @Override
    public void close() {
        json.close();
    }

    @Override
    public boolean tellsCost() {
        return true;
    }
}

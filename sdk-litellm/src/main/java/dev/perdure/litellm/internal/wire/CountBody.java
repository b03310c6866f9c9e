package dev.perdure.litellm.internal.wire;

import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Json;
import java.nio.charset.StandardCharsets;

/** What of a request takes tokens, in the shape of chat completions. */
public final class CountBody extends BodyWriter {
    private CountBody() {
        super(ModelParameters.DEFAULT);
    }

    public static Json of(ModelRequest request, String model) {
        byte[] body = new CountBody().body(request, model, false).bytes();
        return Json.parse(new String(body, StandardCharsets.UTF_8));
    }

    @Override
    void fields(ModelRequest request, String model, boolean streamed) {
        field("model", model);
        name("messages");
        new MessageWriter(out).write(request.instructions(), request.messages());
        tools(request.tools(), tool -> ChatBody.tool(out, tool));
    }
}

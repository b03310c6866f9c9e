package dev.perdure.benchmarks;

import dev.perdure.model.Message;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.util.List;

/** A model that answers at once: it asks for one tool call after the other, then it is done. Which it is to say, only the request says. Immutable. */
record InstantModel(String tool, int calls, String text, String arguments) implements ModelClient {
    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        long asked = repliesIn(request);
        return asked < calls
                ? reply(List.of(new Part.Text(text), new Part.ToolUse("call-" + asked, tool, arguments)), "tool_calls")
                : reply(List.of(new Part.Text(text)), "stop");
    }

    /** Of the turn that is being answered. */
    private static long repliesIn(ModelRequest request) {
        List<Message> messages = request.messages();
        long replies = 0;
        for (int i = messages.size() - 1; i >= 0 && !(messages.get(i) instanceof Message.User); i--) {
            if (messages.get(i) instanceof Message.Assistant) {
                replies++;
            }
        }
        return replies;
    }

    private static ModelReply reply(List<Part> parts, String reason) {
        return new ModelReply(parts, reason, Usage.of(100, 50), Cost.UNKNOWN, "instant", null, null);
    }
}

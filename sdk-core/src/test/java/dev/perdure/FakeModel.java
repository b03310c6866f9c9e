package dev.perdure;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/** A model that answers by a function of the request. (The testkit's ScriptedModel needs this module and cannot be used in it.) */
final class FakeModel implements ModelClient {
    private final Function<ModelRequest, ModelReply> answer;
    final List<ModelRequest> requests = Collections.synchronizedList(new ArrayList<>());

    FakeModel(Function<ModelRequest, ModelReply> answer) {
        this.answer = answer;
    }

    /** Answers step n of the conversation with reply n: the number of replies that the request holds since the newest input. */
    static FakeModel steps(ModelReply... replies) {
        return new FakeModel(request -> replies[Math.min(step(request), replies.length - 1)]);
    }

    static int step(ModelRequest request) {
        int step = 0;
        for (Message message : request.messages()) {
            step = message instanceof Message.User ? 0 : message instanceof Message.Assistant ? step + 1 : step;
        }
        return step;
    }

    static ModelReply text(String text) {
        return reply("stop", new Part.Text(text));
    }

    static ModelReply calls(Part.ToolUse... uses) {
        return reply("tool_calls", uses);
    }

    static Part.ToolUse call(String tool, String arguments) {
        return new Part.ToolUse("p-" + tool, tool, arguments);
    }

    private static ModelReply reply(String finish, Part... parts) {
        return new ModelReply(
                List.of(parts),
                finish,
                Usage.of(10, 5),
                new Cost(new BigDecimal("0.001"), Cost.Source.HEADER),
                "fake",
                null,
                null);
    }

    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        requests.add(request);
        ModelReply reply = answer.apply(request);
        if (scope.deltas().wanted()) {
            for (String word : reply.text().split("(?<= )")) {
                if (!word.isEmpty()) {
                    scope.deltas().text(word);
                }
            }
        }
        if (scope.interruption().requested()) {
            throw ModelException.of(ModelException.Kind.INTERRUPTED, "interrupted");
        }
        return reply;
    }

    @Override
    public boolean reportsCost() {
        return true;
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.model.Message;
import dev.perdure.session.Part;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The ids of calls in a conversation. For a provider that gave none they are made, so that results find them again: these follow in the order of the calls.
 * Confined to one request.
 */
final class CallIds {
    private final Deque<String> made = new ArrayDeque<>();
    private int position;
    private int ordinal;

    /** To be told of each message. */
    void at(Message message) {
        position++;
        if (message instanceof Message.Assistant) {
            made.clear();
            ordinal = 0;
        }
    }

    String of(Part.ToolUse call) {
        int number = ordinal++;
        if (!call.providerId().isEmpty()) {
            return call.providerId();
        }
        String id = "call_" + position + "_" + number;
        made.add(id);
        return id;
    }

    String of(Message.ToolResult result) {
        String id = result.providerId().isEmpty() ? made.poll() : null;
        return id == null ? result.providerId() : id;
    }
}

package dev.perdure.benchmarks;

import dev.perdure.session.Actor;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import java.util.List;

/** Perdure's way: one event for each message. */
final class LogConversation implements Conversation {
    private final Held session;
    private int messages;

    LogConversation(Held session) {
        this.session = session;
    }

    @Override
    public void add(String text) {
        session.append(messages++ % 2 == 0 ? input(messages, text) : reply(text));
    }

    static Event input(int number, String text) {
        return new Event.InputReceived(
                "message-" + number,
                Event.InputKind.MESSAGE,
                Event.Disposition.APPLIED,
                Actor.user("ann"),
                List.of(new Part.Text(text)));
    }

    static Event reply(String text) {
        return new Event.ModelReplied(
                Event.Purpose.ANSWER,
                1,
                List.of(new Part.Text(text)),
                "stop",
                Usage.of(1_000, 250),
                Cost.UNKNOWN,
                "model",
                null,
                null,
                900,
                null,
                null);
    }
}

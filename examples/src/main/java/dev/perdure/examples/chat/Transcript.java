package dev.perdure.examples.chat;

import dev.perdure.session.Event;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A session's log as a conversation between two. */
final class Transcript {
    private Transcript() {}

    /** One entry for each message, answer and broken-off turn, oldest first. */
    static List<String> of(List<Recorded> log) {
        List<String> lines = new ArrayList<>();
        for (Recorded recorded : log) {
            Event event = recorded.event();
            if (event instanceof Event.InputReceived input && input.kind() == Event.InputKind.MESSAGE) {
                lines.add("you:   " + text(input.parts()));
            } else if (event instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
                lines.add("agent: " + reply.text().strip());
            } else if (event instanceof Event.TurnEnded end && end.outcome() != Event.TurnOutcome.DONE) {
                lines.add(
                        "       [" + (end.outcome() == Event.TurnOutcome.INTERRUPTED ? "interrupted" : "failed") + "]");
            }
        }
        return lines;
    }

    private static String text(List<Part> parts) {
        return parts.stream()
                .filter(Part.Text.class::isInstance)
                .map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining(" "));
    }
}

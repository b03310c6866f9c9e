package dev.perdure.internal.llm;

import dev.perdure.Decision;
import dev.perdure.model.Message;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sums up a conversation that has become too long for its model. */
public final class Compaction {
    private static final String INSTRUCTIONS =
            "Sum up the conversation below for the assistant who goes on with it and sees nothing else of it."
                    + " Keep the task, decisions, facts, names, numbers and open points. Be short.";
    /** Most characters of one message in what is to be summed up. */
    private static final int MESSAGE = 2_000;

    private Compaction() {}

    /** Whether a summary was made since event {@code start}. */
    public static boolean doneIn(SessionView view, long start) {
        return view.events().subList((int) Math.max(0, start - 1), view.events().size()).stream()
                .anyMatch(recorded -> recorded.event() instanceof Event.ModelReplied reply
                        && reply.purpose() == Event.Purpose.COMPACT);
    }

    /** The call that sums up; empty when there is nothing to leave out. */
    public static Optional<Decision> of(SessionView view, Function<Event.ModelReplied, @Nullable String> correction) {
        long covers = lastCovered(view);
        List<Message> messages = Transcript.of(view, covers, correction);
        if (covers == 0 || messages.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder();
        messages.forEach(message -> text.append(line(message)).append("\n\n"));
        // Half of what did not fit: the summary must fit whatever the window is, so the oldest part goes first.
        int most = Math.max(4_000, text.length() / 2);
        String tail = text.length() <= most ? text.toString() : "[…]" + text.substring(text.length() - most);
        ModelRequest request = new ModelRequest(
                INSTRUCTIONS,
                List.of(new Message.User(List.of(new Part.Text(tail)))),
                List.of(),
                ModelParameters.DEFAULT,
                null);
        return Optional.of(new Decision.CallModel(request, Event.Purpose.COMPACT, covers));
    }

    /** Everything before the newest input, if that leaves something out; else everything before the newest reply. */
    private static long lastCovered(SessionView view) {
        List<Recorded> events = view.events();
        for (Class<? extends Event> boundary : List.of(Event.TurnStarted.class, Event.ModelReplied.class)) {
            for (int i = events.size() - 1; i > 0; i--) {
                if (boundary.isInstance(events.get(i).event())) {
                    if (!Transcript.of(view, i, reply -> null).isEmpty()) {
                        return i;
                    }
                    break;
                }
            }
        }
        return 0;
    }

    private static String line(Message message) {
        if (message instanceof Message.ToolResult result) {
            return "RESULT of " + result.tool() + ": " + cut(result.output());
        }
        List<Part> parts = message instanceof Message.User user ? user.parts() : ((Message.Assistant) message).parts();
        StringBuilder line = new StringBuilder(message instanceof Message.User ? "USER: " : "ASSISTANT: ");
        for (Part part : parts) {
            if (part instanceof Part.Text text) {
                line.append(cut(text.text()));
            } else if (part instanceof Part.ToolUse use) {
                line.append("[calls ")
                        .append(use.name())
                        .append(' ')
                        .append(cut(use.arguments()))
                        .append("] ");
            } else if (part instanceof Part.Media media) {
                line.append("[").append(media.mediaType()).append("] ");
            }
        }
        return line.toString();
    }

    private static String cut(String text) {
        return text.length() <= MESSAGE ? text : text.substring(0, MESSAGE) + "[…]";
    }
}

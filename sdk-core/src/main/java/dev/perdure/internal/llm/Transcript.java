package dev.perdure.internal.llm;

import dev.perdure.model.Message;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The conversation that a model sees, as a pure function of the log. Results follow the reply that asked for them in the order of the calls,
 * whatever the order in which they came in, because every provider wants it so.
 */
public final class Transcript {
    private final List<Message> messages = new ArrayList<>();
    private final Map<CallId, Event.ToolFinished> results = new HashMap<>();
    private final Function<Event.ModelReplied, @Nullable String> correction;

    private Transcript(Function<Event.ModelReplied, @Nullable String> correction) {
        this.correction = correction;
    }

    /** @param correction what to say to a reply that will not do; null for one that will */
    public static List<Message> of(SessionView view, Function<Event.ModelReplied, @Nullable String> correction) {
        return of(view, Long.MAX_VALUE, correction);
    }

    /** The conversation up to the event with number {@code last}. */
    public static List<Message> of(
            SessionView view, long last, Function<Event.ModelReplied, @Nullable String> correction) {
        Transcript transcript = new Transcript(correction);
        List<Recorded> events = view.events();
        if (events.size() > last) {
            events = events.subList(0, (int) last);
        }
        Event.@Nullable ModelReplied summary = newestSummary(events);
        long covered = summary == null || summary.covers() == null ? 0 : summary.covers();
        events = events.subList((int) Math.min(covered, events.size()), events.size());
        for (Recorded recorded : events) {
            if (recorded.event() instanceof Event.ToolFinished finished) {
                transcript.results.put(finished.call(), finished);
            }
        }
        if (summary != null) {
            transcript.messages.add(new Message.User(List.of(new Part.Text(
                    "Summary of the conversation so far, in place of its messages:\n" + summary.text()))));
        }
        events.forEach(transcript::add);
        return List.copyOf(transcript.messages);
    }

    /** From the end: of a long log nothing is read that a summary stands for. */
    private static Event.@Nullable ModelReplied newestSummary(List<Recorded> events) {
        for (int i = events.size() - 1; i >= 0; i--) {
            if (events.get(i).event() instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.COMPACT) {
                return reply;
            }
        }
        return null;
    }

    private void add(Recorded recorded) {
        Event event = recorded.event();
        if (event instanceof Event.InputReceived input) {
            if (input.kind() == Event.InputKind.MESSAGE && input.disposition() == Event.Disposition.APPLIED) {
                messages.add(new Message.User(input.parts()));
            }
        } else if (event instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
            addReply(recorded, reply);
        } else if (event instanceof Event.CallsRequested request && !request.hidden()) {
            addOwn(recorded, request);
        }
    }

    private void addReply(Recorded recorded, Event.ModelReplied reply) {
        messages.add(new Message.Assistant(reply.parts()));
        int ordinal = 0;
        for (Part.ToolUse use : reply.toolUses()) {
            addResult(CallId.of(recorded.id(), ordinal++), use.providerId(), use.name());
        }
        String wrong = ordinal == 0 ? correction.apply(reply) : null;
        if (wrong != null) {
            messages.add(new Message.User(List.of(new Part.Text(wrong))));
        }
    }

    private void addOwn(Recorded recorded, Event.CallsRequested request) {
        List<Part> uses = new ArrayList<>();
        for (Event.CallsRequested.Requested call : request.calls()) {
            uses.add(new Part.ToolUse(
                    ownId(CallId.of(recorded.id(), uses.size())),
                    call.tool(),
                    call.arguments().text()));
        }
        messages.add(new Message.Assistant(uses));
        int ordinal = 0;
        for (Event.CallsRequested.Requested call : request.calls()) {
            CallId id = CallId.of(recorded.id(), ordinal++);
            addResult(id, ownId(id), call.tool());
        }
    }

    /** Providers take at most 40 characters, letters, digits, '_' and '-'. */
    private static String ownId(CallId id) {
        return "call_" + id.value().replace("-", "").replace('/', '_');
    }

    private void addResult(CallId id, String providerId, String tool) {
        Event.ToolFinished result = results.get(id);
        if (result == null) {
            // Only at the end of the log, while calls are running: nobody asks a model then.
            return;
        }
        boolean error = result.outcome() != Event.CallOutcome.OK;
        messages.add(new Message.ToolResult(providerId, tool, output(result), error));
    }

    private static String output(Event.ToolFinished result) {
        BlobRef full = result.full();
        return full == null
                ? result.output()
                : result.output() + "\n[cut: the whole output has " + full.size() + " bytes]";
    }
}

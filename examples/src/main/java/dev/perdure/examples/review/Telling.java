package dev.perdure.examples.review;

import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Says in a few words what an event of a log means. Sees events in order, because a call's arguments are in the reply that asked for it. */
final class Telling {
    private static final String STDOUT = "\n--- stdout\n";

    private final Map<CallId, Part.ToolUse> asked = new HashMap<>();

    /** One that knows what was asked for so far. */
    static Telling after(List<Recorded> history) {
        Telling telling = new Telling();
        history.forEach(telling::of);
        return telling;
    }

    String of(Recorded recorded) {
        Event event = recorded.event();
        if (event instanceof Event.ModelReplied reply) {
            return reply(recorded, reply);
        } else if (event instanceof Event.ToolStarted start) {
            String attempt = start.attempt() > 1 ? " (attempt " + start.attempt() + ")" : "";
            return start.tool() + attempt + "  " + arguments(start.call());
        } else if (event instanceof Event.ToolFinished end) {
            return end.tool() + "  " + result(end) + "  (" + end.millis() + " ms)";
        }
        return rest(event);
    }

    private String reply(Recorded recorded, Event.ModelReplied reply) {
        List<Part.ToolUse> uses = reply.toolUses();
        for (int i = 0; i < uses.size(); i++) {
            asked.put(CallId.of(recorded.id(), i), uses.get(i));
        }
        String text = reply.text().strip();
        String calls = uses.isEmpty() ? "" : "asks for " + uses.size() + (uses.size() == 1 ? " call" : " calls");
        return text.isEmpty() ? calls : calls.isEmpty() ? text : calls + ": " + text;
    }

    private String arguments(CallId call) {
        Part.ToolUse use = asked.get(call);
        if (use == null) {
            return "";
        }
        Json arguments = Json.parse(use.arguments());
        return arguments.names().stream()
                .map(name -> arguments.find(name).map(Json::plain).orElse(""))
                .reduce((a, b) -> a + " " + b)
                .orElse("");
    }

    private static String result(Event.ToolFinished end) {
        String output = end.output();
        int stdout = output.indexOf(STDOUT);
        String shown = stdout < 0 ? output : output.substring(stdout + STDOUT.length());
        List<String> lines = shown.lines().filter(line -> !line.isBlank()).toList();
        if (lines.isEmpty() || (stdout < 0 && output.startsWith("exit code"))) {
            return lines.isEmpty() ? "nothing" : lines.get(0).replace("exit code 0", "printed nothing");
        }
        String first = lines.get(0).strip();
        String more = lines.size() == 1 ? "" : "  +" + (lines.size() - 1) + (lines.size() == 2 ? " line" : " lines");
        String outcome = end.outcome() == Event.CallOutcome.OK ? "" : end.outcome() + ": ";
        return outcome + (first.length() > 48 ? first.substring(0, 45) + "..." : first) + more;
    }

    private static String rest(Event event) {
        if (event instanceof Event.SessionOpened opened) {
            return "for agent " + opened.agent();
        } else if (event instanceof Event.TakenOver) {
            return "from a worker that is gone, with all that it wrote";
        } else if (event instanceof Event.InputReceived input && !input.parts().isEmpty()) {
            return input.parts().get(0) instanceof Part.Text text
                    ? text.text()
                    : input.kind().toString();
        } else if (event instanceof Event.ModelFailed failed) {
            return failed.problem().message() + (failed.willRetry() ? " (again soon)" : "");
        } else if (event instanceof Event.ArtifactSaved saved) {
            return saved.name() + ", version " + saved.version() + ", "
                    + saved.content().size() + " bytes";
        } else if (event instanceof Event.SandboxBound bound) {
            return bound.provider();
        } else if (event instanceof Event.TurnEnded end) {
            return end.outcome() + ": " + end.steps() + " model calls, " + end.toolCalls() + " tool calls, "
                    + end.usage().total() + " tokens, "
                    + end.cost().usd().stripTrailingZeros().toPlainString() + " USD";
        }
        return "";
    }
}

package dev.perdure.examples.review;

import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The tool calls of a conversation with what came back, in order. */
record Answers(List<Answer> all) {
    /** One call and its result. */
    record Answer(String tool, Json arguments, String output) {}

    static Answers of(ModelRequest request) {
        Map<String, Json> asked = new HashMap<>();
        List<Answer> answers = new ArrayList<>();
        for (Message message : request.messages()) {
            if (message instanceof Message.Assistant assistant) {
                assistant.parts().forEach(part -> remember(part, asked));
            } else if (message instanceof Message.ToolResult result) {
                Json arguments = asked.getOrDefault(result.providerId(), Json.EMPTY);
                answers.add(new Answer(result.tool(), arguments, result.output()));
            }
        }
        return new Answers(List.copyOf(answers));
    }

    private static void remember(Part part, Map<String, Json> asked) {
        if (part instanceof Part.ToolUse use) {
            asked.put(use.providerId(), Json.parse(use.arguments()));
        }
    }

    Stream<Answer> to(String tool) {
        return all.stream().filter(answer -> answer.tool().equals(tool));
    }

    /** What a command printed, line by line; nothing when it was not run. */
    List<String> printed(String command) {
        return to("shell")
                .filter(answer ->
                        answer.arguments().findText("command").orElse("").equals(command))
                .flatMap(answer -> stdout(answer.output()))
                .toList();
    }

    private static Stream<String> stdout(String output) {
        String mark = "--- stdout\n";
        int start = output.indexOf(mark);
        return start < 0 ? Stream.of() : output.substring(start + mark.length()).lines();
    }
}

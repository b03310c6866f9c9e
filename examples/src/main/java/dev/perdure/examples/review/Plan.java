package dev.perdure.examples.review;

import dev.perdure.session.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A whole review, written down before it begins, for a model that only plays what its instructions say: tests of a gateway need no clever model. */
final class Plan {
    private Plan() {}

    /** The same for the same folder. */
    static String of(Path folder) throws IOException {
        List<Path> files = files(folder);
        String names =
                files.stream().map(file -> "- " + folder.relativize(file)).collect(Collectors.joining("\n"));
        String first = folder.relativize(files.get(0)).toString();
        Json steps = Json.of(List.of(
                step(call("list_files", Map.of()), shell(Survey.FILES)),
                step(call("read_file", Map.of("path", first)), shell(Survey.WORDS), shell(Survey.MARKS)),
                step(
                        shell(Survey.LINKS),
                        finding("The folder has " + files.size() + " files"),
                        finding("Begin with " + first)),
                step(call("save_report", new ReviewAgent.Report("# Review\n\nFiles:\n" + names + "\n"))),
                Map.of("text", "The folder has " + files.size() + " files; the report lists them.")));
        return "<plan>" + steps.text() + "</plan>";
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static Map<String, Object> step(Map<?, ?>... calls) {
        return Map.of("calls", List.of(calls));
    }

    private static Map<String, Object> call(String tool, Object arguments) {
        return Map.of("name", tool, "arguments", arguments);
    }

    private static Map<String, Object> shell(String command) {
        return call("shell", Map.of("command", command));
    }

    private static Map<String, Object> finding(String text) {
        return call("record_finding", new ReviewAgent.Finding(text));
    }
}

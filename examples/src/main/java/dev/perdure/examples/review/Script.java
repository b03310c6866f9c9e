package dev.perdure.examples.review;

import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Part;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A reviewer that needs no model. It keeps nothing in memory: what it does next follows from the conversation it is shown, as with any model, so it does not
 * matter which process asks it. What it writes comes from what the tools returned.
 */
public final class Script {
    private static final Duration THINKS = Duration.ofMillis(350);
    private static final Duration WORD = Duration.ofMillis(18);
    private static final int READS = 2;

    private Script() {}

    public static ModelClient model() {
        return ScriptedModel.answering(request -> next(request).after(THINKS).wordsEvery(WORD))
                .cost("0");
    }

    private static Step next(ModelRequest request) {
        Answers answers = Answers.of(request);
        Survey survey = Survey.of(answers);
        return switch (replies(request)) {
            case 0 -> look();
            case 1 -> measure(survey);
            case 2 -> file(survey);
            case 3 -> report(answers, survey);
            default -> Step.text(closing(answers, survey));
        };
    }

    private static int replies(ModelRequest request) {
        return (int) request.messages().stream()
                .filter(Message.Assistant.class::isInstance)
                .count();
    }

    private static Step look() {
        return say("I look at what is there first.")
                .andCall("list_files", Map.of())
                .andCall("shell", Map.of("command", Survey.FILES));
    }

    private static Step measure(Survey survey) {
        List<String> read = survey.files().stream().limit(READS).toList();
        Step step = say("There are " + survey.files().size() + " files. I read the first "
                + (read.size() == 1 ? "one" : "two") + " and measure them all.");
        for (String file : read) {
            step = step.andCall("read_file", Map.of("path", file));
        }
        return step.andCall("shell", Map.of("command", Survey.WORDS))
                .andCall("shell", Map.of("command", Survey.HEADINGS))
                .andCall("shell", Map.of("command", Survey.MARKS));
    }

    private static Step file(Survey survey) {
        Step step = say("I file what I found, and check the links meanwhile.")
                .andCall("shell", Map.of("command", Survey.LINKS));
        for (String finding : survey.findings()) {
            step = step.andCall("record_finding", new ReviewAgent.Finding(finding));
        }
        return step;
    }

    private static Step report(Answers answers, Survey survey) {
        Step step = say("The report.").andCall("save_report", new ReviewAgent.Report(markdown(answers, survey)));
        return survey.links().isEmpty()
                ? step
                : step.andCall(
                        "record_finding", new ReviewAgent.Finding(survey.links().get(0)));
    }

    private static Step say(String text) {
        return Step.parts(List.of(new Part.Text(text + "\n")));
    }

    private static String closing(Answers answers, Survey survey) {
        return "I reviewed " + survey.files().size() + " files with " + survey.allWords() + " words and filed "
                + answers.to("record_finding").count() + " findings. The report has the details.";
    }

    private static String markdown(Answers answers, Survey survey) {
        return """
                # Review

                %d files, %d words.

                ## Findings

                %s

                ## Links

                %s

                ## Files

                | file | words | headings |
                |---|---:|---:|
                %s

                ## Beginnings

                %s
                """.formatted(
                survey.files().size(),
                survey.allWords(),
                list(answers.to("record_finding")
                        .map(answer -> answer.output().split(" ", 2)[0] + ": "
                                + answer.arguments().findText("text").orElse("?"))
                        .toList()),
                survey.links().isEmpty() ? "All links between these files lead somewhere." : list(survey.links()),
                survey.files().stream().map(file -> row(survey, file)).collect(Collectors.joining("\n")),
                list(answers.to("read_file").map(Script::beginning).toList()));
    }

    private static String list(List<String> items) {
        return items.stream().map(item -> "- " + item).collect(Collectors.joining("\n"));
    }

    private static String row(Survey survey, String file) {
        return "| " + file + " | " + survey.words().getOrDefault(file, 0L) + " | "
                + survey.headings().getOrDefault(file, 0L) + " |";
    }

    private static String beginning(Answers.Answer read) {
        String first = read.output()
                .lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .orElse("(empty)");
        return read.arguments().findText("path").orElse("?") + ": " + first;
    }
}

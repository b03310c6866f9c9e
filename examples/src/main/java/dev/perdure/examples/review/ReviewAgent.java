package dev.perdure.examples.review;

import dev.perdure.Agent;
import dev.perdure.Limits;
import dev.perdure.LocalSandbox;
import dev.perdure.examples.model.ModelChoice;
import dev.perdure.model.ModelParameters;
import dev.perdure.session.Event;
import dev.perdure.tool.Describe;
import dev.perdure.tool.Tool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;

/** An agent that reviews the files in its sandbox, files what it finds, and saves a report. */
public final class ReviewAgent {
    public static final String NAME = "reviewer";
    public static final String TASK = "Review the documents in your workspace.";
    public static final String REPORT = "report.md";

    private static final String INSTRUCTIONS = """
            You review a folder of documents: your workspace. Look first, with list_files, shell and read_file; ask for
            several calls at once where they do not depend on each other. File each finding you are sure of with
            record_finding, five at most. Then call save_report once, with a short report in Markdown. Then answer in two
            sentences. Do not change the files.
            """;

    private static final Duration LONGEST_HOLD = Duration.ofSeconds(20);

    private final RunFolder run;
    private final Findings findings;

    private ReviewAgent(RunFolder run) {
        this.run = run;
        this.findings = new Findings(run.findings());
    }

    /** What the model writes to file a finding. */
    public record Finding(
            @Describe("one sentence, with the file's name") String text) {}

    /** What the model writes to save its report. */
    public record Report(@Describe("the whole report") String markdown) {}

    /** The agent for a run; the same in every process. */
    public static Agent in(RunFolder run, ModelChoice model) throws IOException {
        ReviewAgent review = new ReviewAgent(run);
        return Agent.builder(NAME)
                .instructions(model.planned() ? INSTRUCTIONS + Plan.of(run.copies()) : INSTRUCTIONS)
                .model(model.client())
                // A small model may go on for ever.
                .parameters(ModelParameters.DEFAULT.maxTokens(1_500))
                .sandbox(review.sandbox())
                .tool(Tool.idempotent(
                        "record_finding", "Files a finding in the tracker.", Finding.class, (finding, call) -> {
                            String answer = review.findings.add(call.idempotencyKey(), finding.text());
                            review.awaitTracker();
                            return answer;
                        }))
                .tool(Tool.idempotent("save_report", "Saves the report.", Report.class, (report, call) -> {
                    byte[] bytes = report.markdown().getBytes(StandardCharsets.UTF_8);
                    Event.ArtifactSaved saved = call.saveArtifact(REPORT, "text/markdown", bytes);
                    return "saved " + saved.name() + ", " + bytes.length + " bytes";
                }))
                .limits(Limits.none().steps(40))
                .build();
    }

    /** A finding is filed and its answer is on the way: the worst moment to die. It lasts until the hold is taken away. */
    private void awaitTracker() throws InterruptedException {
        long start = System.nanoTime();
        while (Files.exists(run.hold()) && System.nanoTime() - start < LONGEST_HOLD.toNanos()) {
            Thread.sleep(5);
        }
    }

    private LocalSandbox sandbox() {
        return LocalSandbox.inFolder(run.sandboxes()).seed(run.copies());
    }
}

package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.examples.review.RunFolder;
import dev.perdure.session.SessionView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartIT {
    @TempDir
    Path temporary;

    @Test
    void review_throughTheGateway_killedHalfWay_isFinished() throws Exception {
        Map<String, String> environment = RealGateway.model("scripted");

        Program.Ended ended = run(environment);

        assertThat(ended.status()).as(ended.out() + ended.err()).isZero();
        assertThat(ended.lines().get(0)).contains("scripted through LiteLLM").contains("playing a plan");
        assertThat(ended.lastLine())
                .isEqualTo("RESULT quickstart kills=1 resumed=1 tool_calls=9 duplicate_effects=0 lost_steps=0");
        assertThat(cost(ended)).isPositive();
    }

    @Test
    void modelThatCannotCallTools_endsEarly_andSaysSo() throws Exception {
        Map<String, String> environment = RealGateway.model("local");

        Program.Ended ended = run(environment);

        assertThat(ended.out()).contains("The model saved no report.").contains("local through LiteLLM");
        assertThat(ended.lastLine()).startsWith("RESULT quickstart kills=0 resumed=0 ");
        assertThat(ended.err()).doesNotContain("\tat ");
    }

    private Program.Ended run(Map<String, String> environment) throws Exception {
        Path folder = Files.createDirectory(temporary.resolve("docs"));
        Files.writeString(folder.resolve("one.md"), "# One\n");
        Files.writeString(folder.resolve("two.md"), "# Two\nTODO\n");
        Path own = Files.createDirectory(temporary.resolve("tmp"));
        try (Program program = Program.of(Quickstart.class)
                .temporary(own)
                .environment(environment)
                .with(folder.toString())) {
            return program.end();
        }
    }

    private static java.math.BigDecimal cost(Program.Ended ended) {
        String line = ended.lines().stream()
                .filter(text -> text.startsWith("session:"))
                .findFirst()
                .orElseThrow();
        Path database = Path.of(line.substring("session:".length()).strip());
        return SessionView.of(RunFolder.SESSION, RealGateway.log(database, RunFolder.SESSION))
                .cost()
                .usd();
    }
}

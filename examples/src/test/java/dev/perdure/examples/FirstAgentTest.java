package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.Outcome;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirstAgentTest {
    @TempDir
    Path folder;

    @Test
    void refund_waitsForAHuman_andIsMadeOnce() {
        List<String> paid = new ArrayList<>();
        ModelClient model = ScriptedModel.steps(
                List.of(Step.call("refund", new FirstAgent.Refund("4711", 4900)), Step.text("Refunded.")));
        Agent agent = FirstAgent.agent(model, (order, cents, key) -> {
            paid.add(order + " " + cents + " " + key);
            return "refunded";
        });
        Path file = folder.resolve("sessions.db");

        assertThat(FirstAgent.ask(file, agent)).isInstanceOf(Outcome.Waiting.class);
        assertThat(paid).isEmpty();
        FirstAgent.answer(file);
        assertThat(FirstAgent.ask(file, agent)).isInstanceOf(Outcome.Done.class);
        assertThat(FirstAgent.ask(file, agent)).isInstanceOf(Outcome.Done.class);

        assertThat(paid).singleElement().asString().startsWith("4711 4900 acme/ticket-4711/");
    }
}

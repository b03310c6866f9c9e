package dev.perdure.examples.chat;

import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Part;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/** A model without wit that proves one thing: it is shown the whole conversation, whichever process asks it. */
public final class Memory {
    private Memory() {}

    public static ModelClient model() {
        return ScriptedModel.answering(request -> Step.text(answer(request)).wordsEvery(Duration.ofMillis(15)))
                .cost("0");
    }

    private static String answer(ModelRequest request) {
        List<String> said = request.messages().stream()
                .filter(Message.User.class::isInstance)
                .map(message -> text((Message.User) message))
                .toList();
        String now = said.get(said.size() - 1);
        return said.size() == 1
                ? "I have seen 1 message of yours: \"" + now + "\"."
                : "I have seen " + said.size() + " messages of yours. The first was \"" + said.get(0)
                        + "\", this one is \"" + now + "\".";
    }

    private static String text(Message.User message) {
        return message.parts().stream()
                .filter(Part.Text.class::isInstance)
                .map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining(" "));
    }
}

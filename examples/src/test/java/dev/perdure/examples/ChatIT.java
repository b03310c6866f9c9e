package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatIT {
    @TempDir
    Path folder;

    @Test
    void realModel_isShownWhatWasSaidToAnotherProcess() throws Exception {
        Map<String, String> environment = RealGateway.model("local");
        Path database = folder.resolve("chat.db");

        Program.Ended first = say(environment, database, "My name is Ann and I like the sea. Say hello.\n");
        Program.Ended second = say(environment, database, "And now?\n");

        assertThat(List.of(first.status(), second.status()))
                .as(first.err() + second.err())
                .containsOnly(0);
        assertThat(first.out()).isNotBlank();
        assertThat(second.out()).isNotBlank();
        SessionId id = SessionId.of("chat", "main");
        SessionView view = SessionView.of(id, RealGateway.log(database, id));
        List<Event.ModelReplied> replies = view.events().stream()
                .map(recorded -> recorded.event())
                .filter(Event.ModelReplied.class::isInstance)
                .map(Event.ModelReplied.class::cast)
                .toList();
        assertThat(replies).hasSize(2);
        // The gateway counted all of the first exchange again in the second request.
        assertThat(replies.get(1).usage().input())
                .isGreaterThan(replies.get(0).usage().total());
        assertThat(view.cost().usd()).isPositive();
    }

    private static Program.Ended say(Map<String, String> environment, Path database, String line) throws Exception {
        try (Program chat = Program.of(Chat.class).environment(environment).with("--db", database.toString())) {
            return chat.type(line).end();
        }
    }
}

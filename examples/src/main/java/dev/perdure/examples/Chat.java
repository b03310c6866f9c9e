package dev.perdure.examples;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.examples.chat.Dialogue;
import dev.perdure.examples.chat.Memory;
import dev.perdure.examples.chat.Options;
import dev.perdure.examples.model.ModelChoice;
import dev.perdure.examples.terminal.CtrlC;
import dev.perdure.examples.terminal.Screen;
import dev.perdure.model.ModelParameters;
import dev.perdure.session.jdbc.JdbcSessionStore;
import java.util.List;

/**
 * A chat whose session outlives it: leave, come back, kill it, and it remembers.
 *
 * <p>{@code examples/run chat [--db FILE] [--session NAME]}. Without a terminal it reads messages from standard input, a line each, prints the answers and
 * nothing else, and ends with status 0 after the last one, or 1 when one failed.
 */
public final class Chat {
    private static final String NAME = "chat";

    private Chat() {}

    public static void main(String[] args) throws Exception {
        try {
            System.exit(start(args) ? 0 : 1);
        } catch (IllegalArgumentException e) {
            System.err.println("chat: " + e.getMessage());
            System.exit(2);
        }
    }

    private static boolean start(String[] args) throws InterruptedException {
        Options options = Options.of(List.of(args));
        ModelChoice model = ModelChoice.of(System.getenv(), Memory.model());
        Agent agent = Agent.builder(NAME)
                .instructions("You are a friendly partner in a conversation. Answer briefly.")
                .model(model.client())
                // A small model may go on for ever.
                .parameters(ModelParameters.DEFAULT.maxTokens(1_500))
                .build();
        Screen screen = Screen.standard();
        Screen notices = Screen.isTerminal() ? screen : Screen.errors();
        notices.whole(Screen.Style.BOLD, "model: " + model.saying());
        notices.whole(
                Screen.Style.DIM,
                "session \"" + options.session().name() + "\" in " + options.database() + "; /help for more");
        try (JdbcSessionStore store = options.open();
                AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(options.session(), NAME);
            Dialogue dialogue = new Dialogue(runtime, session, screen, notices);
            if (Screen.isTerminal()) {
                CtrlC.runs(dialogue::interrupt);
            }
            dialogue.resume();
            return dialogue.run();
        }
    }
}

package dev.perdure.examples.review;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Input;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.TurnListener;
import dev.perdure.examples.model.ModelChoice;
import dev.perdure.examples.terminal.Screen;
import dev.perdure.session.jdbc.JdbcSessionStore;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A process that does the review, from the start or from wherever the one before it died: it does not know which, and need not. Its argument is the folder of
 * the run.
 */
public final class Worker {
    private Worker() {}

    public static void main(String[] args) throws IOException {
        ProcessHandle.current().parent().ifPresent(Worker::endWith);
        RunFolder run = new RunFolder(Path.of(args[0]));
        Agent agent = ReviewAgent.in(run, ModelChoice.of(System.getenv(), Script.model()));
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(run.sessions());
                Announced announced = new Announced(run.announced());
                AgentRuntime runtime = AgentRuntime.builder(store)
                        .agents(agent)
                        .listener(announced)
                        .build()) {
            AgentSession session = runtime.open(RunFolder.SESSION, ReviewAgent.NAME);
            Screen screen = Screen.standard();
            Outcome outcome = review(session, new Narrator(screen, Telling.after(session.history())))
                    .await();
            screen.freshLine();
            if (outcome.findDone().isEmpty()) {
                screen.line(Screen.Style.RED, outcome.summary());
            }
        }
    }

    /** The open turn, if a worker left one; else a new one. The key makes sure that there is only one, however often this is asked for. */
    private static Turn review(AgentSession session, TurnListener narrator) {
        return session.findTurn(narrator)
                .orElseGet(() -> session.send(Input.text(ReviewAgent.TASK).key("review"), narrator));
    }

    /** Whatever ends the quickstart ends its worker too. */
    private static void endWith(ProcessHandle parent) {
        var unused = parent.onExit().thenRun(() -> Runtime.getRuntime().halt(1));
    }
}

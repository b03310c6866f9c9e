package dev.perdure.examples.chat;

import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.TurnListener;
import dev.perdure.examples.terminal.Screen;
import dev.perdure.examples.terminal.Screen.Style;
import dev.perdure.session.PerdureException;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** Messages and answers, one after the other, until there is no more input. */
public final class Dialogue {
    private static final int LAST = 6;
    private static final String HELP =
            "/history shows all that was said, /interrupt (or Ctrl-C) stops an answer, /quit (or"
                    + " Ctrl-D) leaves; the session stays";

    private final AgentRuntime runtime;
    private final AgentSession session;
    private final Screen screen;
    private final Screen notices;
    private final AtomicReference<Optional<Turn>> current = new AtomicReference<>(Optional.empty());
    private boolean failed;

    /** @param notices where everything goes that is no answer */
    public Dialogue(AgentRuntime runtime, AgentSession session, Screen screen, Screen notices) {
        this.runtime = runtime;
        this.session = session;
        this.screen = screen;
        this.notices = notices;
    }

    /** Shows where the conversation stood, and finishes a turn that a killed chat left open. */
    public void resume() throws InterruptedException {
        List<String> before = Transcript.of(session.history());
        if (!before.isEmpty()) {
            notices.line(Style.DIM, before.size() > LAST ? "... (/history shows all)" : "You have talked before:");
            before.stream().skip(Math.max(0, before.size() - LAST)).forEach(line -> notices.line(Style.DIM, line));
        }
        while (unfinished()) {
            Optional<Turn> open = session.findTurn(listener());
            if (open.isPresent()) {
                notices.line(Style.DIM, "(the last answer was not finished; here it is)");
                follow(open.get());
            } else {
                // Sent by a chat that died before its turn began: this runtime takes it up by itself.
                Thread.sleep(50);
            }
        }
    }

    private boolean unfinished() {
        return runtime.operator()
                .find(session.id())
                .map(SessionInfo::status)
                .filter(status -> status == SessionStatus.READY || status == SessionStatus.RUNNING)
                .isPresent();
    }

    /** Until {@code /quit} or the end of input; false when an answer failed. */
    public boolean run() throws InterruptedException {
        Keyboard keyboard = Keyboard.watched(this::interrupt);
        while (true) {
            prompt();
            Optional<String> line = keyboard.next();
            if (line.isEmpty() || line.get().equals("/quit")) {
                screen.freshLine();
                return !failed;
            }
            obey(line.get());
        }
    }

    private void prompt() {
        if (Screen.isTerminal()) {
            screen.freshLine();
            screen.prompt("> ");
        }
    }

    private void obey(String line) {
        if (line.equals("/history")) {
            Transcript.of(session.history()).forEach(entry -> screen.whole(Style.PLAIN, entry));
        } else if (line.equals("/help")) {
            screen.whole(Style.PLAIN, HELP);
        } else if (line.startsWith("/")) {
            notices.whole(Style.PLAIN, "there is no " + line + ": " + HELP);
        } else if (!line.isEmpty()) {
            follow(session.send(line, listener()));
        }
    }

    private TurnListener listener() {
        return new TurnListener() {
            @Override
            public void onText(String more) {
                screen.more(more);
            }

            @Override
            public void onDiscard() {
                // Either the turn was interrupted, or the model is asked again: what stands there is no answer.
                screen.more(" [cut off]\n");
            }
        };
    }

    private void follow(Turn turn) {
        current.set(Optional.of(turn));
        try {
            Outcome outcome = turn.await();
            screen.freshLine();
            if (outcome.findDone().isEmpty()) {
                notices.whole(Style.YELLOW, "[" + outcome.summary() + "]");
            }
            failed |= outcome.findFailed().isPresent();
        } catch (PerdureException e) {
            failed = true;
            notices.whole(Style.RED, "[" + e.getMessage() + "]");
        } finally {
            current.set(Optional.empty());
        }
    }

    /** Stops the answer that is coming in; the session goes on. Any thread. */
    public void interrupt() {
        current.get()
                .ifPresentOrElse(
                        turn -> turn.interrupt("the user asked for it"),
                        () -> notices.whole(Style.DIM, "(nothing to interrupt; /quit or Ctrl-D leaves)"));
    }
}

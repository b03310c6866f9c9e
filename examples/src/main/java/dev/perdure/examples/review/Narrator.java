package dev.perdure.examples.review;

import dev.perdure.TurnListener;
import dev.perdure.examples.terminal.Screen;
import dev.perdure.examples.terminal.Screen.Style;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;

/** Prints a turn while it happens: the model's text as it comes in, a line for each call and result. */
final class Narrator implements TurnListener {
    private final Screen screen;
    private final Telling telling;

    Narrator(Screen screen, Telling telling) {
        this.screen = screen;
        this.telling = telling;
    }

    @Override
    public void onText(String more) {
        screen.more(more);
    }

    @Override
    public void onDiscard() {
        screen.line(Style.DIM, "[the model starts again]");
    }

    @Override
    public void onEvent(Recorded event) {
        String told = telling.of(event);
        if (event.event() instanceof Event.ToolStarted) {
            screen.line(Style.CYAN, "  -> " + told);
        } else if (event.event() instanceof Event.ToolFinished) {
            screen.line(Style.DIM, "  <- " + told);
        } else if (event.event() instanceof Event.ModelFailed) {
            screen.line(Style.RED, "  model call failed: " + told);
        } else if (event.event() instanceof Event.ModelReplied) {
            screen.freshLine();
        }
    }
}

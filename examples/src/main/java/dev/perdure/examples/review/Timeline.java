package dev.perdure.examples.review;

import dev.perdure.examples.terminal.Screen;
import dev.perdure.examples.terminal.Screen.Style;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** A session's log as a table: number, time, which worker wrote it, what happened. */
public final class Timeline {
    private final List<Recorded> log;
    private final Telling telling = new Telling();

    public Timeline(List<Recorded> log) {
        this.log = log;
    }

    public void print(Screen screen) {
        int worker = 1;
        Instant start = log.isEmpty() ? Instant.EPOCH : log.get(0).at();
        for (Recorded event : log) {
            double seconds = Duration.between(start, event.at()).toMillis() / 1000.0;
            worker += event.event() instanceof Event.TakenOver ? 1 : 0;
            screen.line(
                    style(event.event()),
                    String.format(
                            Locale.ROOT,
                            "%4d %7.2fs  %-8s %-13s  %s",
                            event.seq(),
                            seconds,
                            event.fence() == 0 ? "" : "worker " + worker,
                            event.event().type(),
                            telling.of(event)));
        }
    }

    private static Style style(Event event) {
        if (event instanceof Event.TakenOver) {
            return Style.YELLOW;
        }
        return event instanceof Event.ModelReplied || event instanceof Event.TurnEnded ? Style.PLAIN : Style.DIM;
    }
}

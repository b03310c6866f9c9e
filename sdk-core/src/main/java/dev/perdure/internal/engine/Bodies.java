package dev.perdure.internal.engine;

import dev.perdure.Input;
import dev.perdure.session.Answer;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Part;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the items of an inbox carry. Their JSON is stored: fields are only ever added. */
public final class Bodies {
    private Bodies() {}

    /** A message. */
    public record Message(List<Part> parts, Input.When when) {
        public Message {
            parts = List.copyOf(parts);
        }
    }

    /** An answer to a question. */
    public record Answered(String question, Answer answer) {}

    /**
     * Stop a turn.
     *
     * @param turn its number; 0 for the one that {@code input} is in
     * @param input key of an input whose turn is meant, which may not have begun; null for none
     */
    public record Interrupt(
            int turn, String reason, @Nullable String input) {}

    /** The result of a call whose worker had lost the session by then. */
    public record LateResult(
            CallId call,
            int attempt,
            Event.CallOutcome outcome,
            String output,
            @Nullable BlobRef full,
            long millis) {
        static LateResult of(Signal.ToolDone done) {
            ToolOutput output = done.output();
            return new LateResult(
                    done.call(), done.attempt(), output.outcome(), output.text(), output.full(), output.millis());
        }

        static LateResult of(Event.ToolFinished finished) {
            return new LateResult(
                    finished.call(),
                    finished.attempt(),
                    finished.outcome(),
                    finished.output(),
                    finished.full(),
                    finished.millis());
        }
    }

    /**
     * The store has lost the end of the session's log.
     *
     * @param found number of the last event that is there
     * @param acknowledged number of the last event that it had acknowledged
     */
    public record Regressed(long found, long acknowledged) {}

    /** Close the session. */
    public record End(String reason) {}
}

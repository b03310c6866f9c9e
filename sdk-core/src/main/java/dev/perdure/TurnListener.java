package dev.perdure;

import dev.perdure.session.Recorded;
import java.util.function.Consumer;

/**
 * Follows one turn. Called on the thread that calls {@link Turn#await()}, in the order of the log, never twice at a time; an exception is thrown
 * by {@code await}, the turn itself goes on.
 *
 * <p>When this process runs the turn, {@link #onText} is called while the reply comes in; when another does, once for each whole reply.
 */
public interface TurnListener {
    /** More text of the model. */
    default void onText(String more) {}

    /** The text of the reply at hand is void: the model is asked again, or answers again. */
    default void onDiscard() {}

    /** An event of this turn, after its commit. */
    default void onEvent(Recorded event) {}

    /** Passes text on; discarded text is marked by a line break and a note. */
    static TurnListener text(Consumer<String> to) {
        return new TurnListener() {
            @Override
            public void onText(String more) {
                to.accept(more);
            }

            @Override
            public void onDiscard() {
                to.accept("\n[starting again]\n");
            }
        };
    }
}

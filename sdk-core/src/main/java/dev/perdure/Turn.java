package dev.perdure;

import java.time.Duration;
import java.util.Optional;

/** A turn that this process sent an input to, or follows. Thread-safe; one thread at a time may wait. */
public interface Turn {
    /** Key of the input, or of the turn that is followed. */
    String key();

    /**
     * Waits until nothing more happens by itself and says how the turn stands. It says {@link Outcome.Waiting} once for each wait: called again, it waits for
     * what follows the answer, and blocks as long as nobody answers. {@link AgentSession#findTurn} gives a turn that says it anew.
     *
     * <p>When the runtime was closed before the turn is over, this waits for another process to go on with it.
     *
     * @throws dev.perdure.session.PerdureException when the store cannot be read, or the run in this process broke off; the session itself is not
     *     harmed, and another call goes on
     * @throws java.util.concurrent.CancellationException when this thread is interrupted; the turn goes on
     */
    Outcome await();

    /** As {@link #await()}; empty when the time is over. The turn goes on. */
    Optional<Outcome> await(Duration atMost);

    /** Asks whoever runs the turn to stop it; it ends within seconds. Does nothing when it is over. */
    void interrupt(String reason);
}

package dev.perdure;

import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.util.Map;

/**
 * Observes what a runtime does, in its process. Called after the commit, on the thread that runs the session, which waits: be quick, do not call back into
 * the runtime. An exception is logged at WARN and changes nothing.
 */
public interface RuntimeListener {
    /** An event that this runtime wrote. */
    default void onEvent(SessionId session, Recorded event) {}

    /**
     * This runtime took up a session.
     *
     * @param fence of the lease, unique in the session: a line in a log with it tells which process holds a row of the database
     * @param takenOver whether its last holder never gave it back
     */
    default void onClaimed(SessionId session, long fence, boolean takenOver) {}

    /** Another worker has the session now, or its lease could not be renewed in time. */
    default void onLeaseLost(SessionId session) {}

    /**
     * A run ended by an error of the environment; the session is taken up again later. The log has no event of it, nor of the quarantine that follows several of
     * them.
     */
    default void onRunFailed(SessionId session, Throwable error) {}

    /**
     * The store has lost the end of a session's log, which it had acknowledged. The session's log goes on with an {@link
     * dev.perdure.session.Event.StoreRegressed}: restored by this runtime, or set aside for an operator. Called once for each loss that is found.
     *
     * @param found number of the last event that the store still has
     * @param acknowledged number of the last event that it had acknowledged to this runtime
     */
    default void onStoreRegressed(SessionId session, long found, long acknowledged) {}

    /**
     * This runtime has set a session aside, because it was claimed again and again without progress, or because its store has lost a part of its log. Nobody goes on with
     * it before {@link Operator#resume}: let somebody know. A process that dies at this moment tells nobody: {@link Operator#sessions} lists all that are set aside.
     */
    default void onQuarantined(SessionId session) {}

    /**
     * The store is slow, short of connections or does not answer: this runtime claims fewer sessions for now, and what runs goes on ({@code true}); or it
     * is quick again ({@code false}).
     */
    default void onBackPressure(boolean on) {}

    /** Sessions have something to do and no worker of this runtime serves their agents. Count by agent. */
    default void onUnserved(Map<String, Long> readyByAgent) {}

    /** This listener, then {@code next}. */
    default RuntimeListener andThen(RuntimeListener next) {
        return new dev.perdure.internal.engine.Listeners(java.util.List.of(this, next));
    }
}

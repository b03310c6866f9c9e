package dev.perdure.internal.engine;

import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.tool.Probe;
import java.util.concurrent.CompletableFuture;

/** What happens to a run from outside of its thread. */
sealed interface Signal {
    /** A tool's body is over, or was given up. */
    record ToolDone(CallId call, int attempt, ToolOutput output) implements Signal {}

    /** A probe has answered, or was given up. */
    record Probed(CallId call, int attempt, Probe answer) implements Signal {}

    /** The inbox may have something new. */
    record News() implements Signal {}

    /** The run should give the session back at its next step. */
    record Stop() implements Signal {}

    /** Somebody else has the session, or may have. */
    record Lost() implements Signal {}

    /** A tool wants an event written that goes with the next commit. */
    record Note(Event event) implements Signal {}

    /** A tool keeps an artifact and waits until it is committed. */
    record Save(
            CallId call,
            int attempt,
            String name,
            String mediaType,
            BlobRef content,
            CompletableFuture<Event.ArtifactSaved> saved)
            implements Signal {}
}

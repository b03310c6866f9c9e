package dev.perdure.spi;

import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;

/** Makes sandboxes, one for each session. Thread-safe. */
public interface SandboxProvider {
    /** Short and stable; written into the log beside the handle. */
    String name();

    /**
     * The sandbox of a session: the one that is there, or a new one. Safe to repeat.
     *
     * @param fence of the caller's lease: the sandbox refuses callers with a lower one from here on
     * @throws SandboxException when none can be made
     */
    Sandbox open(SessionId session, long fence);

    /**
     * The sandbox that {@link Sandbox#handle()} named, perhaps in another process.
     *
     * @throws SandboxException of kind {@code LOST} when it is gone
     */
    Sandbox attach(Json handle, long fence);

    /** What this does and does not isolate; one sentence each, for logs and operators. */
    java.util.List<String> isolation();
}

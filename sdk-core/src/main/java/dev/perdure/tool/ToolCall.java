package dev.perdure.tool;

import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;

/** The call that a tool's body is running for. Thread-safe; of no use after the body has returned. */
public interface ToolCall {
    SessionId session();

    CallId id();

    /**
     * The same for every attempt of this call and for no other call: {@code tenant/session/call}. Only after a {@link Probe.Revoked}, which made
     * the key unusable, has the next attempt a new one.
     */
    String idempotencyKey();

    /** From 1. */
    int attempt();

    /** Who sent the input that this turn answers. */
    Actor actor();

    /** Requested when the body should stop: the turn was interrupted, the time ran out, the lease was lost. Its thread is interrupted too. */
    Interruption interruption();

    /**
     * The session's sandbox; made at the first use in the session.
     *
     * @throws IllegalStateException when the agent has none
     */
    Sandbox sandbox();

    /**
     * Keeps bytes beside the log under a name; durable when it returns. A later one of the same name is the next version.
     *
     * @param name 1 to 200 characters
     */
    Event.ArtifactSaved saveArtifact(String name, String mediaType, byte[] content);
}

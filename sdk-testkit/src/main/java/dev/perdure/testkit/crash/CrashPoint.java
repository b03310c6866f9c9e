package dev.perdure.testkit.crash;

/** Where a process is hit. {@code BEFORE} and {@code AFTER} are about a verb of the store, or about a tool's effect outside. */
public enum CrashPoint {
    BEFORE_POST,
    /** Stored, and the poster does not hear of it. */
    AFTER_POST,
    BEFORE_POST_AND_CLAIM,
    AFTER_POST_AND_CLAIM,
    BEFORE_CLAIM,
    /** Leases are held that nobody uses. */
    AFTER_CLAIM,
    BEFORE_APPEND,
    AFTER_APPEND,
    /** Before an append that gives the lease back. */
    BEFORE_RELEASE,
    AFTER_RELEASE,
    BEFORE_RENEW,
    AFTER_RENEW,
    IN_MODEL_CALL,
    /** The intent is in the log, nothing happened outside. */
    BEFORE_EFFECT,
    /** It happened outside, the result is not in the log. */
    AFTER_EFFECT,
    /** At a random time. */
    ANYWHERE
}

package dev.perdure.session;

/** What a repeat of a tool call may do, and so what happens to a call whose outcome is unknown after a crash. */
public enum Effect {
    /** Changes nothing outside: runs again. */
    PURE,
    /** The outside collapses repeats with the same key: runs again with the same key. */
    IDEMPOTENT,
    /** Its effect and its result commit together in the session's database: never in doubt. No tool is of this kind yet. */
    TRANSACTIONAL,
    /** Must not happen twice: runs again only when it is known not to have happened. */
    ONCE
}

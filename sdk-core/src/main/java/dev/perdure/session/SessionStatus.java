package dev.perdure.session;

/** Where a session stands. */
public enum SessionStatus {
    /** Nothing to do; no turn is open. */
    IDLE,
    /** Something to do; any worker may claim it. */
    READY,
    /** Held under a lease, which may have run out. */
    RUNNING,
    /** A turn is open and waits for an answer or an input. */
    WAITING,
    /** Claimed again and again without progress, or its store has lost the end of its log ({@link Event.StoreRegressed}); waits for an operator. */
    QUARANTINED,
    /** Closed for good; its log can be read. */
    ENDED,
    /** Its log is gone; its name is not free. */
    DELETED
}

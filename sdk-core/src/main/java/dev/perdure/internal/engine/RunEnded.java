package dev.perdure.internal.engine;

/** Unwinds a run that must not write any more. Carries no stack trace: losing a race is ordinary. */
final class RunEnded extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Why a run unwinds. */
    enum Why {
        LEASE_LOST,
        STOPPED
    }

    private final Why why;

    RunEnded(Why why, String message) {
        super(message, null, false, false);
        this.why = why;
    }

    Why why() {
        return why;
    }
}

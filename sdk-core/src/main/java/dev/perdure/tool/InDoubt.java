package dev.perdure.tool;

/** What happens to a {@link dev.perdure.session.Effect#ONCE} call of which nobody can say whether it took effect. */
public enum InDoubt {
    /** A human is asked; the session waits. The default. */
    ASK,
    /** The model is told that the outcome is unknown. */
    REPORT,
    /** The turn fails. */
    FAIL
}

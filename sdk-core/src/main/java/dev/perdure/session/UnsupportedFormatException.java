package dev.perdure.session;

/** Something stored was written by a newer version, and going on without understanding it would be a guess. */
public final class UnsupportedFormatException extends PerdureException {
    private static final long serialVersionUID = 1;

    public UnsupportedFormatException(String message) {
        super(message, false, null, null);
    }
}

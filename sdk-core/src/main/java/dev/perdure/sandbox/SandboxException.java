package dev.perdure.sandbox;

import dev.perdure.session.PerdureException;
import org.jspecify.annotations.Nullable;

/** A sandbox could not do what it was asked. */
public final class SandboxException extends PerdureException {
    private static final long serialVersionUID = 1;

    /** What went wrong. */
    public enum Kind {
        /** It is gone, with its files. */
        LOST,
        /** A newer holder of the session uses it. */
        FENCED,
        /** It cannot be made or reached now. */
        UNAVAILABLE,
        /** It cannot do this. */
        REFUSED
    }

    private final Kind kind;

    public SandboxException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, kind == Kind.UNAVAILABLE, null, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}

package dev.perdure.session;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Root of all failures of the environment or of a peer: store, model, sandbox. Expected outcomes are return values; mistakes of
 * the caller are {@link IllegalArgumentException}, {@link IllegalStateException} or {@link NullPointerException}.
 */
public class PerdureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final boolean retryable;
    private final transient @Nullable SessionId session;

    public PerdureException(String message, boolean retryable, @Nullable SessionId session, @Nullable Throwable cause) {
        super(message, cause);
        this.retryable = retryable;
        this.session = session;
    }

    /** Whether the same call may succeed when it is made again later. */
    public final boolean retryable() {
        return retryable;
    }

    /** The session at hand, when the failure concerns one. */
    public final Optional<SessionId> findSession() {
        return Optional.ofNullable(session);
    }
}

package dev.perdure.spi;

import dev.perdure.session.PerdureException;
import dev.perdure.session.SessionId;
import org.jspecify.annotations.Nullable;

/** A store could not do what it was asked, or the outcome could not be learned. What was acknowledged before is not affected. */
public final class StoreException extends PerdureException {
    private static final long serialVersionUID = 1;

    private StoreException(String message, boolean retryable, @Nullable SessionId session, @Nullable Throwable cause) {
        super(message, retryable, session, cause);
    }

    /** The store does not answer now, or is busy: the same call may succeed later. */
    public static StoreException unavailable(String message, @Nullable SessionId session, @Nullable Throwable cause) {
        return new StoreException(message, true, session, cause);
    }

    /** The store cannot do this until somebody mends it: read-only, full, of another format. */
    public static StoreException unusable(String message, @Nullable SessionId session, @Nullable Throwable cause) {
        return new StoreException(message, false, session, cause);
    }
}

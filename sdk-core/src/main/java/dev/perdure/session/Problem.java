package dev.perdure.session;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A failure as it is kept in the log.
 *
 * @param kind short and stable, for programs: {@code rate_limit}, {@code budget}, {@code limit}, …
 * @param message for people; never a secret
 * @param status of the peer's answer, where there was one
 * @param gatewayCallId to find the call at the gateway
 */
public record Problem(
        String kind,
        String message,
        boolean retryable,
        @Nullable Integer status,
        @Nullable String gatewayCallId) {
    /** Kind of a model call that its worker did not survive. */
    public static final String LOST = "lost";

    public Problem {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(message, "message");
    }

    public static Problem of(String kind, String message) {
        return new Problem(kind, message, false, null, null);
    }
}

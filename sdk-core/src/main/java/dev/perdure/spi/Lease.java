package dev.perdure.spi;

import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The right to write to one session, until somebody else claims it. Immutable.
 *
 * @param key the store's own number of the session, never that of another one, also when it is gone
 * @param fence fencing token; grows with every claim of the session
 * @param agent that the session belongs to
 * @param attempts claims since the session last made progress, this one included
 * @param inboxHead newest position in the inbox at the claim; what is up to there and not consumed can be read from now on
 * @param logHead number of the last event at the claim, or less; 0 when the store does not know
 * @param claimedAt the store's clock at the claim
 * @param previous who held the session and never gave it back
 */
public record Lease(
        SessionId session,
        long key,
        WorkerId owner,
        long fence,
        String agent,
        int attempts,
        long inboxHead,
        long logHead,
        Instant claimedAt,
        @Nullable Previous previous) {
    public Lease {
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(owner, "owner");
        Objects.requireNonNull(agent, "agent");
        Objects.requireNonNull(claimedAt, "claimedAt");
    }

    public Optional<Previous> findPrevious() {
        return Optional.ofNullable(previous);
    }

    /** A holder that died, or is too slow. */
    public record Previous(WorkerId owner, long fence) {}
}

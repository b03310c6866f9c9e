package dev.perdure.session;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A session as a store lists it.
 *
 * @param owner the worker that holds it or held it last: a random id that names no host and no process;
 *     {@code RuntimeListener.onClaimed} tells each process what it holds
 * @param leaseUntil end of the lease by the store's clock, when it is {@link SessionStatus#RUNNING}
 * @param attempts claims since it last made progress
 */
public record SessionInfo(
        SessionId id,
        String agent,
        SessionStatus status,
        Map<String, String> labels,
        Instant openedAt,
        Instant changedAt,
        @Nullable WorkerId owner,
        @Nullable Instant leaseUntil,
        int attempts) {
    public SessionInfo {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(agent, "agent");
        Objects.requireNonNull(status, "status");
        labels = Map.copyOf(labels);
        Objects.requireNonNull(openedAt, "openedAt");
        Objects.requireNonNull(changedAt, "changedAt");
    }

    public Optional<WorkerId> findOwner() {
        return Optional.ofNullable(owner);
    }

    public Optional<Instant> findLeaseUntil() {
        return Optional.ofNullable(leaseUntil);
    }
}

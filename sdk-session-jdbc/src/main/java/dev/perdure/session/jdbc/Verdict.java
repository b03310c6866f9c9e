package dev.perdure.session.jdbc;

import dev.perdure.session.SessionStatus;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Whether a session may be claimed now: the one place that decides it. */
sealed interface Verdict {
    /** Yes. */
    record Take(int attempts, Lease.@Nullable Previous previous) implements Verdict {}

    /** No, and from now on it waits for an operator. */
    record Quarantine() implements Verdict {}

    /** No. */
    record Refuse(Claimed answer) implements Verdict {}

    static Verdict on(SessionRow row, Terms terms, Liveness liveness) {
        return switch (row.status()) {
            case DELETED -> new Refuse(new Claimed.Unknown());
            case ENDED -> new Refuse(new Claimed.Ended());
            case QUARANTINED -> new Refuse(new Claimed.Quarantined(false));
            case RUNNING ->
                isHeld(row, liveness) ? new Refuse(busy(row.leaseUntil())) : onFree(row, terms, previous(row));
            case IDLE, READY, WAITING -> onFree(row, terms, null);
        };
    }

    private static Verdict onFree(SessionRow row, Terms terms, Lease.@Nullable Previous previous) {
        if (row.attempts() >= terms.quarantineAfter()) {
            return new Quarantine();
        }
        if (row.attempts() > 0 && row.retryAt() > row.now()) {
            return new Refuse(busy(row.retryAt()));
        }
        return new Take(row.attempts() + 1, previous);
    }

    private static boolean isHeld(SessionRow row, Liveness liveness) {
        return row.leaseUntil() > row.now() && row.owner() != null && !liveness.isDead(row.owner());
    }

    private static Lease.@Nullable Previous previous(SessionRow row) {
        return row.owner() == null || row.status() != SessionStatus.RUNNING
                ? null
                : new Lease.Previous(row.owner(), row.fence());
    }

    private static Claimed busy(long until) {
        return new Claimed.Busy(Instant.ofEpochMilli(until));
    }
}

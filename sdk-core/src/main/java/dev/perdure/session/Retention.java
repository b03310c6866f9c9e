package dev.perdure.session;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which sessions have been kept long enough. Immutable.
 *
 * <pre>{@code
 * Retention.of(Duration.ofDays(90))                                                   // ended, and untouched for 90 days
 * Retention.of(Duration.ofDays(30)).tenant(acme).status(IDLE, ENDED).agent("support") // those of one tenant and agent, resting ones too
 * Retention.of(Duration.ofDays(7)).status(DELETED)                                    // the names of deleted sessions
 * }</pre>
 *
 * @param untouchedFor since the session's row changed last, by the store's clock: a message came, a worker took it or gave it back; zero for any time, at
 *     most 36,500 days
 * @param status only these; what is not named here is never touched
 * @param tenant only of this one; null for all
 * @param agent only sessions of this one; null for all
 */
public record Retention(
        Duration untouchedFor,
        Set<SessionStatus> status,
        @Nullable TenantId tenant,
        @Nullable String agent) {
    private static final Duration LONGEST = Duration.ofDays(36_500);

    public Retention {
        Objects.requireNonNull(untouchedFor, "untouchedFor");
        if (untouchedFor.isNegative() || untouchedFor.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("an age is 0 to 36,500 days, but this is " + untouchedFor);
        }
        status = Set.copyOf(status);
        if (status.isEmpty()) {
            throw new IllegalArgumentException("name at least one status");
        }
    }

    /** Sessions that are {@link SessionStatus#ENDED} and were not touched for that long, of all tenants and agents. */
    public static Retention of(Duration untouchedFor) {
        return new Retention(untouchedFor, Set.of(SessionStatus.ENDED), null, null);
    }

    /** These instead of {@code ENDED}. {@link SessionStatus#DELETED} stands for the names of deleted sessions. */
    public Retention status(SessionStatus... only) {
        return new Retention(untouchedFor, Set.of(only), tenant, agent);
    }

    public Retention tenant(TenantId only) {
        return new Retention(untouchedFor, status, Objects.requireNonNull(only, "tenant"), agent);
    }

    public Retention agent(String only) {
        return new Retention(untouchedFor, status, tenant, Objects.requireNonNull(only, "agent"));
    }

    public Optional<TenantId> findTenant() {
        return Optional.ofNullable(tenant);
    }

    public Optional<String> findAgent() {
        return Optional.ofNullable(agent);
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Renewal;
import dev.perdure.spi.SessionStore.Taken;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jdbi.v3.core.statement.Update;
import org.jspecify.annotations.Nullable;

/** Who may write to which session. Thread-safe. */
final class Claims {
    /** A row that changes more often than this while it is looked at is somebody else's. */
    private static final int MOST_LOOKS = 10;

    /** Candidates beyond those that are wanted, to take the places of those that others hold. */
    private static final int SPARE = 16;

    private final Database database;
    private final Statements sql;
    private final Liveness liveness;
    private final Spread spread = new Spread();

    Claims(Database database, Statements sql, Liveness liveness) {
        this.database = database;
        this.sql = sql;
        this.liveness = liveness;
    }

    Claimed claim(SessionId id, Terms terms) {
        liveness.enlist(terms.worker());
        return database.decide(id, handle -> claim(handle, id, terms));
    }

    /** Looks at the row, decides, and writes only if the row is still what was looked at; else looks again. The worker is enlisted. */
    Claimed claim(Handle handle, SessionId id, Terms terms) {
        SessionRow row = null;
        for (int look = 0; look < MOST_LOOKS; look++) {
            row = handle.createQuery(sql.session("s.tenant = :tenant AND s.name = :name"))
                    .bind("tenant", id.tenant().value())
                    .bind("name", id.name())
                    .bind("now", database.now())
                    .map((found, context) -> SessionRow.of(found))
                    .findOne()
                    .orElse(null);
            Claimed answer = row == null ? new Claimed.Unknown() : carryOut(handle, row, terms);
            if (answer != null) {
                return answer;
            }
        }
        return new Claimed.Busy(Instant.ofEpochMilli(row == null ? database.now() : row.now()));
    }

    void enlist(WorkerId worker) {
        liveness.enlist(worker);
    }

    /** Looks without a lock first, so that a worker that finds nothing writes nothing. */
    Taken claimReady(Terms terms, Ready filter, int max) {
        if (max < 1) {
            throw new IllegalArgumentException("max is at least 1, but this is " + max);
        }
        if (filter.agents().isEmpty()) {
            return Taken.nothing();
        }
        int page = (int) Math.min(Integer.MAX_VALUE, (long) max + SPARE);
        List<Long> candidates =
                Spread.some(database.read(null, handle -> candidates(handle, filter, spread.window(page))), page);
        if (candidates.isEmpty()) {
            return Taken.nothing();
        }
        liveness.enlist(terms.worker());
        String rows = sql.candidateRows();
        return database.decide(null, handle -> claim(handle, rows, candidates, terms, max));
    }

    List<Renewal> renew(List<Lease> leases, Duration ttl) {
        if (leases.isEmpty()) {
            return List.of();
        }
        return database.renew(handle -> {
            Map<Long, Long> heads = database.dialect().answersUpdates()
                    ? renewTogether(handle, leases, ttl)
                    : renewOneByOne(handle, leases, ttl);
            Set<Long> skipped = skipped(
                    handle,
                    leases.stream()
                            .filter(lease -> !heads.containsKey(lease.key()))
                            .toList());
            return leases.stream()
                    .map(lease -> renewal(lease, heads.get(lease.key()), skipped))
                    .toList();
        });
    }

    private static Renewal renewal(Lease lease, @Nullable Long head, Set<Long> skipped) {
        if (head != null) {
            return new Renewal(lease, Renewal.State.HELD, head);
        }
        return new Renewal(lease, skipped.contains(lease.key()) ? Renewal.State.SKIPPED : Renewal.State.LOST, 0);
    }

    private Map<Long, Long> renewTogether(Handle handle, List<Lease> leases, Duration ttl) {
        return heads(bind(handle.createQuery(sql.renew(leases.size())), leases)
                .bind("now", database.now())
                .bind("ttl", ttl.toMillis()));
    }

    /** Each statement commits itself, so that a process that is frozen in the middle keeps no lock; a lease that is lost meanwhile is not in the last answer. */
    private Map<Long, Long> renewOneByOne(Handle handle, List<Lease> leases, Duration ttl) {
        Map<Long, Long> free = heads(bind(handle.createQuery(sql.free(leases.size())), leases));
        if (free.isEmpty()) {
            return free;
        }
        bind(handle.createUpdate(sql.extend(leases.size())), leases)
                .bindList("ids", List.copyOf(free.keySet()))
                .bind("now", database.now())
                .bind("ttl", ttl.toMillis())
                .execute();
        Map<Long, Long> heads = heads(bind(handle.createQuery(sql.renewable(leases.size())), leases));
        heads.keySet().retainAll(free.keySet());
        return heads;
    }

    private static Map<Long, Long> heads(Query query) {
        Map<Long, Long> heads = new HashMap<>();
        query.map((row, context) -> Map.entry(row.getLong(1), row.getLong(2)))
                .forEach(entry -> heads.put(entry.getKey(), entry.getValue()));
        return heads;
    }

    /** Leases that were not extended because somebody had their rows locked. */
    private Set<Long> skipped(Handle handle, List<Lease> leases) {
        return leases.isEmpty()
                ? Set.of()
                : Set.copyOf(heads(bind(handle.createQuery(sql.renewable(leases.size())), leases))
                        .keySet());
    }

    private static <S extends SqlStatement<S>> S bind(S statement, List<Lease> leases) {
        for (int i = 0; i < leases.size(); i++) {
            Lease lease = leases.get(i);
            statement
                    .bind("id" + i, lease.key())
                    .bind("fence" + i, lease.fence())
                    .bind("owner" + i, lease.owner().value());
        }
        return statement;
    }

    private List<Long> candidates(Handle handle, Ready filter, int max) {
        List<String> dead = deadOwners(handle);
        Query query = handle.createQuery(sql.candidates(!filter.excluded().isEmpty(), !dead.isEmpty()))
                .bindList("agents", List.copyOf(filter.agents()))
                .bind("now", database.now())
                .bind("perTenant", filter.perTenant())
                .bind("max", max);
        if (!filter.excluded().isEmpty()) {
            query.bindList(
                    "excluded", filter.excluded().stream().map(TenantId::value).toList());
        }
        if (!dead.isEmpty()) {
            query.bindList("dead", dead);
        }
        return query.mapTo(Long.class).list();
    }

    private List<String> deadOwners(Handle handle) {
        if (!liveness.tells()) {
            return List.of();
        }
        return handle.createQuery(sql.owners()).bind("now", database.now()).mapTo(String.class).list().stream()
                .filter(owner -> liveness.isDead(new WorkerId(owner)))
                .toList();
    }

    private Taken claim(Handle handle, String select, List<Long> candidates, Terms terms, int max) {
        Claiming claiming = new Claiming(handle, select, terms);
        int tried = 0;
        for (int from = 0; from < candidates.size() && claiming.leases.size() < max; ) {
            int to = Math.min(candidates.size(), from + max - claiming.leases.size());
            // What an open transaction holds was not taken by somebody quicker.
            List<Long> free = unlocked(handle, candidates.subList(from, to));
            claiming.take(free);
            tried += free.size();
            from = to;
        }
        spread.taken(claiming.leases.size() + claiming.quarantined.size(), tried);
        return new Taken(claiming.leases, claiming.quarantined);
    }

    private List<Long> unlocked(Handle handle, List<Long> candidates) {
        if (sql.unlocked().isEmpty()) {
            return candidates;
        }
        Set<Long> free = Set.copyOf(handle.createQuery(sql.unlocked())
                .bindList("ids", candidates)
                .mapTo(Long.class)
                .list());
        return candidates.stream().filter(free::contains).toList();
    }

    /** Decides again, on what the rows are by now; those that others change meanwhile are left to them. */
    private final class Claiming {
        final List<Lease> leases = new ArrayList<>();
        final List<SessionId> quarantined = new ArrayList<>();
        private final Handle handle;
        private final String select;
        private final Terms terms;

        Claiming(Handle handle, String select, Terms terms) {
            this.handle = handle;
            this.select = select;
            this.terms = terms;
        }

        void take(List<Long> candidates) {
            if (candidates.isEmpty()) {
                return;
            }
            Map<Long, SessionRow> rows = new HashMap<>();
            handle.createQuery(select)
                    .bindList("ids", candidates)
                    .bind("now", database.now())
                    .map((row, context) -> SessionRow.of(row))
                    .forEach(row -> rows.put(row.key(), row));
            for (Long key : candidates) {
                SessionRow row = rows.get(key);
                if (row == null) {
                    continue;
                }
                Claimed claimed = carryOut(handle, row, terms);
                if (claimed instanceof Claimed.Held held) {
                    leases.add(held.lease());
                } else if (claimed instanceof Claimed.Quarantined set && set.now()) {
                    quarantined.add(row.id());
                }
            }
        }
    }

    /** The answer; null when the row has changed since it was read. */
    private @Nullable Claimed carryOut(Handle handle, SessionRow row, Terms terms) {
        Verdict verdict = Verdict.on(row, terms, liveness);
        if (verdict instanceof Verdict.Take take) {
            Lease lease = take(handle, row, terms, take);
            return lease == null ? null : new Claimed.Held(lease);
        }
        if (verdict instanceof Verdict.Refuse refuse) {
            return refuse.answer();
        }
        return bind(handle.createUpdate(sql.quarantine()), row).execute() == 1 ? new Claimed.Quarantined(true) : null;
    }

    private @Nullable Lease take(Handle handle, SessionRow row, Terms terms, Verdict.Take take) {
        long fence = Math.max(row.fence() + 1, row.now());
        int taken = bind(handle.createUpdate(sql.take()), row)
                .bind("fence", fence)
                .bind("owner", terms.worker().value())
                .bind("until", row.now() + terms.ttl().toMillis())
                .bind("attempts", take.attempts())
                .bind("head", row.head())
                .bind("retryAt", row.now() + terms.waitAfter(take.attempts()).toMillis())
                .execute();
        return taken != 1
                ? null
                : new Lease(
                        row.id(),
                        row.key(),
                        terms.worker(),
                        fence,
                        row.agent(),
                        take.attempts(),
                        row.inboxHead(),
                        row.head(),
                        Instant.ofEpochMilli(row.now()),
                        take.previous());
    }

    private static Update bind(Update update, SessionRow row) {
        return update.bind("id", row.key())
                .bind("at", row.now())
                .bind("oldFence", row.fence())
                .bind("oldStatus", row.status().name())
                .bind("oldUntil", row.leaseUntil())
                .bind("oldAttempts", row.storedAttempts());
    }
}

package dev.perdure.benchmarks;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A backlog of ready sessions of one big tenant and nine small ones, the big one's the oldest, and workers that claim pages of 16 from it. Each time a
 * quarter of the backlog is claimed, then all is made ready as it was.
 *
 * <p>Fairness is taken over the first claims of one worker, as many as half of what the small tenants have, times ten ninths: the share of the
 * tenant that got least of them, divided by a tenth.
 */
final class Claim implements Benchmark {
    private static final int SESSIONS = 20_000;
    private static final int SMALL_TENANTS = 9;
    private static final int PAGE = 16;
    private static final List<Integer> WORKERS = List.of(1, 2, 4, 8);
    private static final int MOST_WORKERS = 8;

    @Override
    public String about() {
        return "claims from a backlog of ready sessions by 1 to " + MOST_WORKERS + " workers in pages of " + PAGE
                + "; the result is for " + MOST_WORKERS
                + ". Fairness: the least that one of ten tenants gets of the first claims,"
                + " beside a tenth; the big tenant has 91 % of the sessions, and the oldest";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int small = Math.max(4, (int) (SESSIONS / 100 * factor));
        int sessions = small * 100;
        List<Runs> perSecond = WORKERS.stream().map(workers -> new Runs()).toList();
        Runs fairness = new Runs();
        try (Postgres postgres = Postgres.start(16, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            fill(store, sessions, small);
            postgres.execute("CREATE TABLE backlog AS SELECT * FROM perdure_session");
            for (int run = 0; run <= Runs.COUNT; run++) {
                for (int i = 0; i < WORKERS.size(); i++) {
                    int workers = WORKERS.get(i);
                    reset(postgres);
                    double rate = claimsPerSecond(store, workers, sessions / 4);
                    if (run > 0) {
                        perSecond.get(i).add(rate);
                        out.println("run " + run + ", " + sessions + " sessions, " + workers + " workers: "
                                + Math.round(rate) + " claims/s");
                    }
                }
                reset(postgres);
                double fair = fairness(store, SMALL_TENANTS * small / 2 * 10 / 9);
                if (run > 0) {
                    fairness.add(fair);
                    out.println("run " + run + ": fairness " + Numbers.two(fair));
                }
            }
        }
        for (int i = 0; i < WORKERS.size(); i++) {
            out.println("claims/s, median (least to most), " + WORKERS.get(i) + " workers: " + perSecond.get(i));
        }
        Map<String, String> result = new LinkedHashMap<>();
        result.put(
                "claims_per_s",
                Long.toString(Math.round(perSecond.get(WORKERS.size() - 1).median())));
        result.put("fairness", Numbers.two(fairness.median()));
        return result;
    }

    /** The big tenant's sessions first, then the small ones' one after the other. */
    private static void fill(SessionStore store, int sessions, int small) throws Exception {
        int big = sessions - SMALL_TENANTS * small;
        AtomicInteger next = new AtomicInteger();
        Threads.run(16, thread -> {
            for (int i = next.getAndIncrement(); i < big; i = next.getAndIncrement()) {
                ready(store, SessionId.of("big", "s" + i));
            }
        });
        Threads.run(SMALL_TENANTS, tenant -> {
            for (int i = 0; i < small; i++) {
                ready(store, SessionId.of("small-" + tenant, "s" + i));
            }
        });
    }

    private static void ready(SessionStore store, SessionId id) {
        Held.create(store, id);
        store.post(id, new SessionStore.Post("k", Event.InputKind.MESSAGE, Actor.user("ann"), Json.of("hello")));
    }

    private static void reset(Postgres postgres) throws SQLException {
        postgres.execute("""
                UPDATE perdure_session s SET status = b.status, owner = b.owner, lease_until = b.lease_until,
                  attempts = b.attempts, claim_seq = b.claim_seq, retry_at = b.retry_at
                FROM backlog b WHERE s.id = b.id AND s.status <> b.status""");
        postgres.execute("VACUUM ANALYZE perdure_session");
    }

    private static double claimsPerSecond(SessionStore store, int workers, int claims) throws Exception {
        AtomicInteger claimed = new AtomicInteger();
        long start = System.nanoTime();
        Threads.run(workers, worker -> {
            SessionStore.Terms terms = SessionStore.Terms.of(WorkerId.random());
            while (claimed.get() < claims) {
                claimed.addAndGet(page(store, terms).size());
            }
        });
        return claimed.get() / ((System.nanoTime() - start) / 1e9);
    }

    private static List<Lease> page(SessionStore store, SessionStore.Terms terms) {
        return store.claimReady(terms, SessionStore.Ready.of(Set.of(Held.AGENT)), PAGE)
                .leases();
    }

    private static double fairness(SessionStore store, int claims) {
        SessionStore.Terms terms = SessionStore.Terms.of(WorkerId.random());
        List<String> tenants = new ArrayList<>();
        while (tenants.size() < claims) {
            page(store, terms)
                    .forEach(lease -> tenants.add(lease.session().tenant().value()));
        }
        Map<String, Long> counts =
                tenants.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        long least = counts.size() < SMALL_TENANTS + 1
                ? 0
                : counts.values().stream().mapToLong(Long::longValue).min().orElseThrow();
        return least * (SMALL_TENANTS + 1.0) / tenants.size();
    }
}

package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sessions that wait for a human, each brought there by a turn of its own, in a runtime whose workers go on looking for work: what is written to the tables
 * meanwhile, by the server's own count, and what the process keeps in memory.
 */
final class Idle implements Benchmark {
    private static final int SESSIONS = 10_000;
    private static final int SECONDS = 60;
    private static final int SENDERS = 16;
    private static final String AGENT = "asking";

    private static final String WRITES =
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables WHERE relname LIKE 'perdure%'";

    @Override
    public String about() {
        return "rows written while sessions wait for a human and a runtime with 16 workers looks for work; heap in use after a full"
                + " collection, and how much of it came with the sessions";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int sessions = Math.max(50, (int) (SESSIONS * factor));
        Agent agent = Agent.builder(AGENT)
                .model(new InstantModel("pay", 1, "May I?", "{}"))
                .tool(Tool.idempotent("pay", "Pays", Json.class, (in, call) -> "paid")
                        .approval(Approval.required()))
                .build();
        try (Postgres postgres = Postgres.start(SENDERS, out)) {
            double before = heap();
            long start = System.nanoTime();
            send(postgres, agent, sessions);
            out.println(sessions + " sessions waited after " + Numbers.two((System.nanoTime() - start) / 1e9) + " s");
            return idle(postgres, agent, factor, before, out);
        }
    }

    private static Map<String, String> idle(
            Postgres postgres, Agent agent, double factor, double before, PrintStream out) throws Exception {
        try (SessionStore store = JdbcSessionStore.of(postgres.pool());
                AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            long writes = settled(postgres);
            Runs written = new Runs();
            Runs heaps = new Runs();
            for (int run = 1; run <= Runs.COUNT; run++) {
                double seconds = Math.max(0.1, SECONDS * factor / Runs.COUNT);
                String wal = postgres.query("SELECT pg_current_wal_lsn()");
                Thread.sleep((long) (seconds * 1_000));
                long now = settled(postgres);
                written.add((double) (now - writes));
                double heap = heaps.add(heap());
                out.println("run " + run + ", " + Numbers.two(seconds) + " s: " + (now - writes) + " rows written, "
                        + postgres.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '" + wal + "')")
                        + " bytes of WAL by the whole server, heap " + Numbers.two(heap) + " MB, "
                        + Numbers.two(heap - before) + " MB more than before the sessions");
                writes = now;
            }
            Map<String, String> result = new LinkedHashMap<>();
            // One question each.
            result.put(
                    "sessions",
                    Integer.toString(
                            runtime.operator().questions(TenantId.of("bench")).size()));
            result.put("writes", Long.toString(Math.round(written.largest())));
            result.put("heap_mb", Numbers.two(heaps.median()));
            return result;
        }
    }

    /** By connections that are closed then: a connection that is idle keeps to itself what it has written last. */
    private static void send(Postgres postgres, Agent agent, int sessions) throws Exception {
        try (HikariDataSource pool = postgres.pool(SENDERS + 1, 0);
                SessionStore store = JdbcSessionStore.of(pool);
                AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            send(runtime, sessions);
        }
    }

    private static void send(AgentRuntime runtime, int sessions) throws Exception {
        AtomicInteger next = new AtomicInteger();
        Threads.run(SENDERS, sender -> {
            for (int i = next.getAndIncrement(); i < sessions; i = next.getAndIncrement()) {
                Outcome outcome = runtime.open(SessionId.of("bench", "s" + i), AGENT)
                        .send("Pay")
                        .await();
                if (!(outcome instanceof Outcome.Waiting)) {
                    throw new IllegalStateException("the turn was to wait: " + outcome.summary());
                }
            }
        });
    }

    /** The server counts with some delay: what is counted once nothing has come in for a second. */
    private static long settled(Postgres postgres) throws SQLException, InterruptedException {
        long writes = postgres.number(WRITES);
        long before;
        do {
            before = writes;
            Thread.sleep(1_200);
            writes = postgres.number(WRITES);
        } while (writes != before);
        return writes;
    }

    private static double heap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return (runtime.totalMemory() - runtime.freeMemory()) / (1024.0 * 1024.0);
    }
}

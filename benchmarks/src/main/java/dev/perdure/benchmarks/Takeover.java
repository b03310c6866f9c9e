package dev.perdure.benchmarks;

import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Outcome;
import dev.perdure.RuntimeListener;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A process is killed by SIGKILL at some event of a turn that it runs, and another goes on. Counted is the time from the kill to the next event of the
 * session, less the lease; calls that took effect twice; events the killed process had committed and calls whose effect or result is not there once the
 * turn is over.
 */
final class Takeover implements Benchmark {
    private static final Duration SHORT = Duration.ofSeconds(1);
    /** The default. */
    private static final Duration LONG = Duration.ofSeconds(15);

    private static final int SHORT_KILLS = 4;
    /** Below this a run has no time for the default lease. */
    private static final double LONG_FROM = 0.2;

    private static final int LATEST_KILL = 120;

    private int kills;
    private int duplicates;
    private int lost;

    @Override
    public String about() {
        return "time from SIGKILL of a session's process to the next event by another one, less the lease of "
                + SHORT.toSeconds() + " s and of " + LONG.toSeconds() + " s (the default); killed at random, seed "
                + Texts.SEED;
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        Random random = new Random(Texts.SEED);
        Runs afterShort = new Runs();
        Runs afterLong = new Runs();
        try (Postgres postgres = Postgres.start(8, out)) {
            for (int run = 1; run <= Runs.COUNT; run++) {
                for (int i = 0; i < Math.max(1, Math.round(SHORT_KILLS * factor)); i++) {
                    afterShort.add(kill(postgres, SHORT, random, run, out));
                }
                if (factor >= LONG_FROM) {
                    afterLong.add(kill(postgres, LONG, random, run, out));
                }
            }
        }
        out.println("seconds over the lease, median (least to most): " + SHORT.toSeconds() + " s " + afterShort
                + (factor >= LONG_FROM ? ", " + LONG.toSeconds() + " s " + afterLong : "")
                + "; the result is the most");
        Map<String, String> result = new LinkedHashMap<>();
        result.put(
                "excess_seconds",
                Numbers.two(
                        factor >= LONG_FROM
                                ? Math.max(afterShort.largest(), afterLong.largest())
                                : afterShort.largest()));
        result.put("duplicates", Integer.toString(duplicates));
        result.put("lost", Integer.toString(lost));
        return result;
    }

    private double kill(Postgres postgres, Duration lease, Random random, int run, PrintStream out) throws Exception {
        SessionId id = SessionId.of("bench", "takeover-" + kills++);
        int at = 5 + random.nextInt(LATEST_KILL - 5);
        Path ledger = Files.createTempFile("perdure-ledger", ".txt");
        CompletableFuture<Long> next = new CompletableFuture<>();
        try (SessionStore store = JdbcSessionStore.of(postgres.pool());
                AgentRuntime runtime = AgentRuntime.builder(store)
                        .agents(Payer.agent(ledger))
                        .lease(lease)
                        .listener(new RuntimeListener() {
                            @Override
                            public void onEvent(SessionId session, Recorded event) {
                                next.complete(System.nanoTime());
                            }
                        })
                        .build()) {
            Process child = start(postgres.url(), id, lease, ledger);
            List<String> committed = new ArrayList<>();
            long killed;
            try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
                read(lines, at, committed);
                killed = System.nanoTime();
                // On Unix, SIGKILL; by the handle, because the process itself would close what is left to be read.
                child.toHandle().destroyForcibly();
                read(lines, Integer.MAX_VALUE, committed);
            }
            double excess =
                    (next.get(lease.toSeconds() + 60, TimeUnit.SECONDS) - killed) / 1e9 - lease.toMillis() / 1e3;
            AgentSession session = runtime.open(id, Payer.AGENT);
            check(session.send(Payer.input()).await(Duration.ofMinutes(1)), session.history(), committed, ledger);
            out.println("run " + run + ", lease " + lease.toSeconds() + " s, killed at event " + committed.size()
                    + ": next event " + Numbers.two(excess) + " s over the lease; so far " + duplicates
                    + " duplicates, " + lost + " lost");
            return excess;
        } finally {
            Files.deleteIfExists(ledger);
        }
    }

    private static Process start(String url, SessionId id, Duration lease, Path ledger) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx128m",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Payer.class.getName(),
                        url,
                        id.name(),
                        Long.toString(lease.toMillis()),
                        ledger.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static void read(BufferedReader lines, int most, List<String> into) throws IOException {
        while (into.size() < most) {
            String line = lines.readLine();
            if (line == null) {
                if (most != Integer.MAX_VALUE) {
                    throw new IllegalStateException("the process to be killed ended by itself, see above");
                }
                return;
            }
            into.add(line);
        }
    }

    private void check(Optional<Outcome> outcome, List<Recorded> log, List<String> committed, Path ledger)
            throws IOException {
        List<String> there =
                log.stream().map(event -> event.seq() + " " + event.id()).toList();
        lost += (int) committed.stream().filter(event -> !there.contains(event)).count();
        List<String> effects = new Ledger(ledger).effects();
        HashSet<String> paid = new HashSet<>(effects);
        duplicates += effects.size() - paid.size();
        lost += Payer.PAYMENTS - paid.size();
        lost += Payer.PAYMENTS
                - (int) log.stream()
                        .filter(event -> event.event() instanceof Event.ToolFinished finished
                                && finished.outcome() == Event.CallOutcome.OK)
                        .count();
        if (!(outcome.orElse(null) instanceof Outcome.Done)) {
            lost++;
        }
    }
}

package dev.perdure.benchmarks;

import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.JdbcOptions;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.KeySource;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** One event of 1 KB of text, compressed and encrypted, beside the same as it is; each append is one commit in the same table. */
final class Codec implements Benchmark {
    private static final int RUNS = 3;
    private static final int MANY = 16;
    private static final int ROUNDS = 8;
    private static final int LENGTH = 1_024;
    private static final long SEED = 4711;

    @Override
    public String about() {
        return "append of one event of 1 KB with compression and encryption on, beside off; PostgreSQL with fsync, seed "
                + SEED;
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int appends = Math.max(1, (int) (3_000 * factor));
        KeySource.Key key = KeySource.Key.of("bench", new byte[32]);
        BodyCodec codec = BodyCodec.plain().compress().encrypt(KeySource.of(key));
        try (Postgres postgres = Postgres.start(2 * MANY, out);
                SessionStore plain = JdbcSessionStore.of(postgres.pool());
                SessionStore encoding = JdbcSessionStore.of(
                        postgres.pool(), JdbcOptions.standard().codec(codec))) {
            out.println(postgres.query("SELECT version()"));
            List<Writer> off = writers(plain, "off");
            List<Writer> on = writers(encoding, "on");
            latency(off.get(0), on.get(0), appends);
            perSecond(off, appends / 4 + 1);
            perSecond(on, appends / 4 + 1);
            double p50 = p50(off.get(0), on.get(0), appends, out);
            double throughput = throughput(off, on, appends / 4 / ROUNDS + 1, out);
            requireEncoded(postgres, out);
            Map<String, String> result = new LinkedHashMap<>();
            result.put("overhead_percent", Numbers.two(100 * (Math.max(p50, throughput) - 1)));
            result.put("p50_ratio", Numbers.two(p50));
            result.put("throughput_ratio", Numbers.two(throughput));
            return result;
        }
    }

    private static List<Writer> writers(SessionStore store, String name) {
        List<Writer> writers = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            writers.add(new Writer(store, SessionId.of("bench", name + i), new Random(SEED + i)));
        }
        return writers;
    }

    /** On and off by turns, so that whatever else the machine does meets both. */
    private static double p50(Writer off, Writer on, int appends, PrintStream out) {
        List<Double> ratios = new ArrayList<>();
        for (int run = 1; run <= RUNS; run++) {
            double[] nanos = latency(off, on, appends);
            ratios.add(nanos[1] / nanos[0]);
            out.println("run " + run + ", 1 writer: p50 off " + Numbers.micros(nanos[0]) + ", on "
                    + Numbers.micros(nanos[1]) + ", ratio " + Numbers.two(nanos[1] / nanos[0]));
        }
        return Numbers.median(ratios);
    }

    /** The medians, off and on. */
    private static double[] latency(Writer off, Writer on, int appends) {
        double[][] nanos = new double[2][appends];
        for (int i = 0; i < appends; i++) {
            nanos[0][i] = off.write();
            nanos[1][i] = on.write();
        }
        return new double[] {Numbers.median(nanos[0]), Numbers.median(nanos[1])};
    }

    private static double throughput(List<Writer> off, List<Writer> on, int each, PrintStream out) throws Exception {
        List<Double> ratios = new ArrayList<>();
        for (int run = 1; run <= RUNS; run++) {
            double[] offs = new double[ROUNDS];
            double[] ons = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                offs[round] = perSecond(off, each);
                ons[round] = perSecond(on, each);
            }
            double ratio = Numbers.median(offs) / Numbers.median(ons);
            ratios.add(ratio);
            out.println("run " + run + ", " + MANY + " writers: off " + Math.round(Numbers.median(offs)) + "/s, on "
                    + Math.round(Numbers.median(ons)) + "/s, ratio " + Numbers.two(ratio));
        }
        return Numbers.median(ratios);
    }

    private static double perSecond(List<Writer> writers, int each) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(writers.size());
        try {
            List<Callable<Void>> work = writers.stream()
                    .map(writer -> (Callable<Void>) () -> {
                        for (int i = 0; i < each; i++) {
                            writer.write();
                        }
                        return null;
                    })
                    .toList();
            long start = System.nanoTime();
            for (Future<Void> done : threads.invokeAll(work)) {
                done.get();
            }
            return writers.size() * (double) each / ((System.nanoTime() - start) / 1e9);
        } finally {
            threads.shutdown();
        }
    }

    /** Every event was compressed and encrypted, or the numbers would be of something else. */
    private static void requireEncoded(Postgres postgres, PrintStream out) throws Exception {
        String sizes = postgres.query("SELECT round(avg(length(body)) FILTER (WHERE codec = 0)) || ' B off, '"
                + " || round(avg(length(body)) FILTER (WHERE codec = 1)) || ' B on' FROM perdure_event WHERE seq > 1");
        String wrong = postgres.query("SELECT count(*) FROM perdure_event e JOIN perdure_session s ON s.id = e.session"
                + " WHERE e.seq > 1 AND s.name LIKE 'on%' AND (codec <> 1 OR length(body) > 0.8 * " + LENGTH + ")");
        if (!wrong.equals("0")) {
            throw new IllegalStateException(wrong + " events were not compressed and encrypted");
        }
        out.println("an event on average: " + sizes);
    }

    /** A session that is written to, with texts of its own. Confined. */
    private static final class Writer {
        private static final String[] WORDS = """
                the a of to and in is it that for on with as was at by order refund customer ticket payment invoice paid shipped
                delivered cancelled address please check whether amount currency account reply within policy because however before
                after yesterday tomorrow agent tool result error timeout retry approved denied waiting number status total price
                """.split("\\s+");

        private final SessionStore store;
        private final Lease lease;
        private final Random random;
        private Position last;

        Writer(SessionStore store, SessionId id, Random random) {
            Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened("bench", Map.of()));
            store.open(new SessionStore.NewSession(id, "bench", Map.of(), first));
            this.store = store;
            this.lease =
                    ((SessionStore.Claimed.Held) store.claim(id, SessionStore.Terms.of(WorkerId.random()))).lease();
            this.last = new Position(1, first.id());
            this.random = random;
        }

        /** How long the append took; making the event is not measured. */
        long write() {
            Draft draft = Draft.of(EventId.random(), 1, new Event.NoteKept("note", Json.of(text())));
            long start = System.nanoTime();
            SessionStore.Appended written = store.append(lease, last, SessionStore.Batch.of(List.of(draft)));
            long nanos = System.nanoTime() - start;
            last = ((SessionStore.Appended.Ok) written).last();
            return nanos;
        }

        private String text() {
            StringBuilder text = new StringBuilder();
            while (text.length() < LENGTH) {
                text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
                if (random.nextInt(12) == 0) {
                    text.append(random.nextInt(100_000)).append(' ');
                }
            }
            return text.substring(0, LENGTH - 52);
        }
    }
}

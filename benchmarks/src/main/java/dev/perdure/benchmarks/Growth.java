package dev.perdure.benchmarks;

import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One session that grows to 100,000 events of 1 KB, one commit each: whether an append gets slower, and what it takes on disk. Late and early
 * appends are taken by turns in one warm process: events 8 to 12 of a new session, then five of the long one.
 */
final class Growth implements Benchmark {
    private static final int EVENTS = 100_000;
    private static final int NEW = 7;
    private static final int TAKEN = 5;

    private final Texts texts = new Texts();
    private int sessions;

    @Override
    public String about() {
        return "appends at event 100,000 of a session beside appends at event 10 of others; what is stored (table and index)"
                + " beside the events' own bytes; 1 KB each, random text, seed " + Texts.SEED;
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int events = Math.max(1_000, (int) (EVENTS * factor));
        int rounds = Math.max(20, (int) (400 * factor));
        Runs late = new Runs();
        Runs bytes = new Runs();
        Runs exponents = new Runs();
        try (Postgres postgres = Postgres.start(1, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            late(open(store), store, rounds);
            for (int run = 1; run <= Runs.COUNT; run++) {
                Grown grown = grow(postgres, open(store), events);
                Late times = late(grown.session(), store, rounds);
                late.add(times.ratio());
                bytes.add(grown.ratio());
                exponents.add(grown.stored().exponent());
                out.println("run " + run + ": " + events + " events, " + Math.round(grown.perSecond())
                        + "/s; stored ÷ own bytes " + Numbers.two(grown.ratio()) + "; exponent of bytes "
                        + Numbers.two(grown.stored().exponent()) + ", of time "
                        + Numbers.two(grown.taken().exponent()) + "; p50 late " + Numbers.micros(times.late())
                        + ", early " + Numbers.micros(times.early()) + ", ratio " + Numbers.two(times.ratio()));
            }
        }
        out.println("median (least to most): late ÷ early " + late + ", stored ÷ own bytes " + bytes + ", exponent "
                + exponents);
        Map<String, String> result = new LinkedHashMap<>();
        result.put("late_ratio", Numbers.two(late.median()));
        result.put("bytes_ratio", Numbers.two(bytes.median()));
        result.put("exponent", Numbers.two(exponents.median()));
        return result;
    }

    private Held open(SessionStore store) {
        return Held.open(store, SessionId.of("bench", "s" + sessions++));
    }

    /** A session, and how bytes and time grew with it. */
    private record Grown(Held session, double ratio, double perSecond, Power stored, Power taken) {}

    private Grown grow(Postgres postgres, Held session, int events) throws SQLException {
        Power stored = new Power();
        Power taken = new Power();
        long empty = postgres.size("perdure_event");
        long size = empty;
        long nanos = 0;
        int appended = 0;
        int next = events;
        while (next >= 1_000) {
            next /= 10;
        }
        for (; next <= events; next *= 10) {
            long start = System.nanoTime();
            for (; appended < next; appended++) {
                session.append(texts.event());
            }
            nanos += System.nanoTime() - start;
            size = postgres.size("perdure_event");
            stored.at(next, (double) (size - empty));
            taken.at(next, (double) nanos);
        }
        return new Grown(session, (size - empty) / (double) session.bytes(), appended / (nanos / 1e9), stored, taken);
    }

    /** Median times of an append, in nanoseconds. */
    private record Late(double late, double early) {
        double ratio() {
            return late / early;
        }
    }

    private Late late(Held grown, SessionStore store, int rounds) {
        List<Double> late = new ArrayList<>();
        List<Double> early = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            Held young = open(store);
            for (int event = 1; event < NEW; event++) {
                young.append(texts.event());
            }
            take(young, early);
            // As the young one, it is not the first to be written to after another.
            grown.append(texts.event());
            take(grown, late);
        }
        return new Late(Numbers.median(late), Numbers.median(early));
    }

    private void take(Held session, List<Double> nanos) {
        for (int i = 0; i < TAKEN; i++) {
            Event event = texts.event();
            long start = System.nanoTime();
            session.append(event);
            nanos.add((double) (System.nanoTime() - start));
        }
    }

    /** Points of {@code y = c x^e}. */
    private static final class Power {
        private final List<double[]> points = new ArrayList<>();

        void at(double x, double y) {
            points.add(new double[] {Math.log(x), Math.log(y)});
        }

        /** The {@code e} of the line that fits best where both axes are logarithms. */
        double exponent() {
            double n = points.size();
            double x = points.stream().mapToDouble(point -> point[0]).sum() / n;
            double y = points.stream().mapToDouble(point -> point[1]).sum() / n;
            double xy = points.stream()
                    .mapToDouble(point -> (point[0] - x) * (point[1] - y))
                    .sum();
            double xx = points.stream()
                    .mapToDouble(point -> (point[0] - x) * (point[0] - x))
                    .sum();
            return xy / xx;
        }
    }
}

package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;

/** One event of 1 KB, fenced and checked, beside a bare insert of the same bytes into a table of the same key. */
final class Append implements Benchmark {
    private static final int MANY = 16;
    private static final String TEXT = "x".repeat(960);

    @Override
    public String about() {
        return "append of one event of 1 KB, beside a raw JDBC insert of the same bytes; PostgreSQL with fsync";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int appends = Math.max(1, (int) (3_000 * factor));
        try (Postgres postgres = Postgres.start(MANY, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            postgres.execute(
                    "CREATE TABLE raw_event (session bigint, seq bigint, body bytea, PRIMARY KEY (session, seq))");
            List<Writer> ours = new ArrayList<>();
            List<Writer> theirs = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                ours.add(new Ours(store, SessionId.of("bench", "s" + i)));
                theirs.add(new Raw(postgres.pool(), i));
            }
            latencies(ours.get(0), appends);
            latencies(theirs.get(0), appends);
            Map<String, String> result = new LinkedHashMap<>();
            result.put("p50_ratio", Numbers.two(latency(ours.get(0), theirs.get(0), appends, out)));
            result.put("throughput_ratio", Numbers.two(throughput(ours, theirs, appends / 4 + 1, out)));
            result.put("round_trips", Numbers.two(roundTrips(postgres)));
            return result;
        }
    }

    private static double roundTrips(Postgres postgres) throws Exception {
        int appends = 100;
        try (HikariDataSource counted = postgres.counted();
                SessionStore store = JdbcSessionStore.of(counted)) {
            Writer writer = new Ours(store, SessionId.of("bench", "counted"));
            latencies(writer, appends);
            long before = RoundTrips.count();
            latencies(writer, appends);
            return (RoundTrips.count() - before) / (double) appends;
        }
    }

    private static double latency(Writer ours, Writer theirs, int appends, PrintStream out) throws Exception {
        Runs ratios = new Runs();
        for (int run = 1; run <= Runs.COUNT; run++) {
            double our = Numbers.median(latencies(ours, appends));
            double their = Numbers.median(latencies(theirs, appends));
            ratios.add(our / their);
            out.println("run " + run + ", 1 writer: p50 ours " + Numbers.micros(our) + ", raw " + Numbers.micros(their)
                    + ", ratio " + Numbers.two(our / their));
        }
        out.println("median (least to most): " + ratios);
        return ratios.median();
    }

    private static double[] latencies(Writer writer, int appends) throws Exception {
        double[] nanos = new double[appends];
        for (int i = 0; i < appends; i++) {
            long start = System.nanoTime();
            writer.write();
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    private static double throughput(List<Writer> ours, List<Writer> theirs, int each, PrintStream out)
            throws Exception {
        Runs ratios = new Runs();
        perSecond(ours, each);
        perSecond(theirs, each);
        for (int run = 1; run <= Runs.COUNT; run++) {
            double our = perSecond(ours, each);
            double their = perSecond(theirs, each);
            ratios.add(our / their);
            out.println("run " + run + ", " + MANY + " writers: ours " + Math.round(our) + "/s, raw "
                    + Math.round(their) + "/s, ratio " + Numbers.two(our / their));
        }
        out.println("median (least to most): " + ratios);
        return ratios.median();
    }

    private static double perSecond(List<Writer> writers, int each) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(writers.size());
        try {
            List<Callable<double[]>> work = writers.stream()
                    .map(writer -> (Callable<double[]>) () -> latencies(writer, each))
                    .toList();
            long start = System.nanoTime();
            for (Future<double[]> done : threads.invokeAll(work)) {
                done.get();
            }
            return writers.size() * (double) each / ((System.nanoTime() - start) / 1e9);
        } finally {
            threads.shutdown();
        }
    }

    private interface Writer {
        void write() throws SQLException;
    }

    private static Event event() {
        return new Event.NoteKept("note", Json.of(TEXT));
    }

    private static final class Ours implements Writer {
        private final Held session;

        Ours(SessionStore store, SessionId id) {
            this.session = Held.open(store, id);
        }

        @Override
        public void write() {
            session.append(event());
        }
    }

    /** What somebody writes who has the bytes and needs no more than to have them on disk: a connection of the pool, one insert. */
    private static final class Raw implements Writer {
        private static final byte[] BODY = event().json().text().getBytes(StandardCharsets.UTF_8);

        private final DataSource pool;
        private final int session;
        private long seq;

        Raw(DataSource pool, int session) {
            this.pool = pool;
            this.session = session;
        }

        @Override
        public void write() throws SQLException {
            try (Connection connection = pool.getConnection();
                    PreparedStatement insert = connection.prepareStatement(
                            "INSERT INTO raw_event (session, seq, body) VALUES (?, ?, ?)")) {
                insert.setLong(1, session);
                insert.setLong(2, ++seq);
                insert.setBytes(3, BODY);
                insert.executeUpdate();
            }
        }
    }
}

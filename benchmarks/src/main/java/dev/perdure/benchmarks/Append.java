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
            write(ours.get(0), appends, new ArrayList<>());
            write(theirs.get(0), appends, new ArrayList<>());
            Map<String, String> result = new LinkedHashMap<>();
            result.put("p50_ratio", Numbers.two(latency(ours.get(0), theirs.get(0), appends, out)));
            result.put("throughput_ratio", Numbers.two(throughput(ours, theirs, appends / 4 + 1, out)));
            result.put("round_trips", Numbers.two(roundTrips(postgres)));
            return result;
        }
    }

    private static double roundTrips(Postgres postgres) throws Exception {
        int appends = 100;
        try (HikariDataSource counted = postgres.pool(2, 0);
                SessionStore store = JdbcSessionStore.of(counted)) {
            Writer writer = new Ours(store, SessionId.of("bench", "counted"));
            write(writer, appends, new ArrayList<>());
            long before = RoundTrips.count();
            write(writer, appends, new ArrayList<>());
            return (RoundTrips.count() - before) / (double) appends;
        }
    }

    private static double latency(Writer ours, Writer theirs, int appends, PrintStream out) throws Exception {
        Runs ratios = new Runs();
        for (int run = 1; run <= Runs.COUNT; run++) {
            List<Double> our = new ArrayList<>();
            List<Double> their = new ArrayList<>();
            int slice = appends / Pair.SLICES + 1;
            Pair.measure(() -> write(ours, slice, our), () -> write(theirs, slice, their));
            double ratio = ratios.add(Numbers.median(our) / Numbers.median(their));
            out.println("run " + run + ", 1 writer: p50 ours " + Numbers.micros(Numbers.median(our)) + ", raw "
                    + Numbers.micros(Numbers.median(their)) + ", ratio " + Numbers.two(ratio));
        }
        out.println("median (least to most): " + ratios);
        return ratios.median();
    }

    private static double throughput(List<Writer> ours, List<Writer> theirs, int each, PrintStream out)
            throws Exception {
        Runs ratios = new Runs();
        int slice = each / Pair.SLICES + 1;
        for (int run = 0; run <= Runs.COUNT; run++) {
            Pair nanos = Pair.measure(() -> write(ours, slice), () -> write(theirs, slice));
            if (run > 0) {
                double ratio = ratios.add(nanos.theirs() / (double) nanos.ours());
                out.println("run " + run + ", " + MANY + " writers: ours "
                        + Math.round(Pair.perSecond(nanos.ours(), MANY * slice)) + "/s, raw "
                        + Math.round(Pair.perSecond(nanos.theirs(), MANY * slice)) + "/s, ratio " + Numbers.two(ratio));
            }
        }
        out.println("median (least to most): " + ratios);
        return ratios.median();
    }

    private static void write(List<Writer> writers, int each) throws Exception {
        Threads.run(writers.size(), writer -> write(writers.get(writer), each, new ArrayList<>()));
    }

    private static void write(Writer writer, int appends, List<Double> nanos) throws SQLException {
        for (int i = 0; i < appends; i++) {
            long start = System.nanoTime();
            writer.write();
            nanos.add((double) (System.nanoTime() - start));
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

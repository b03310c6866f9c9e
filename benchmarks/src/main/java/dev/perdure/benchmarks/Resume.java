package dev.perdure.benchmarks;

import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.Usage;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * What it takes to go on with a session: its lease, its log, and the view an agent decides on. Beside it the same rows and columns read by JDBC in one
 * query, every value taken out of the result, and nothing made of them.
 */
final class Resume implements Benchmark {
    /** As the engine reads. */
    private static final int PAGE = 1_000;

    private static final int BATCH = 100;

    private final Texts texts = new Texts();

    @Override
    public String about() {
        return "claim, read and fold a session of 1,000 events (chat turns, inputs, replies and outputs of 1 KB), and go on with one of 100,000 from its"
                + " snapshot and its summary, beside a raw JDBC read of the same rows and bytes";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        Map<String, String> result = new LinkedHashMap<>();
        try (Postgres postgres = Postgres.start(1, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            Measured small = measure(postgres, store, 1_000, Math.max(3, (int) (60 * factor)), out);
            LongResume.Measured large = new LongResume(postgres.pool(), store)
                    .measure(Math.max(1_000, (int) (100_000 * factor)), Math.max(3, (int) (300 * factor)), out);
            result.put("read_ratio_1000", Numbers.two(small.ratios().median()));
            result.put("read_ratio_100000", Numbers.two(large.ratio()));
            result.put("ms_1000", Numbers.two(small.millis().median()));
            result.put("ms_100000", Numbers.two(large.millis()));
        }
        return result;
    }

    private record Measured(Runs ratios, Runs millis) {}

    private Measured measure(Postgres postgres, SessionStore store, int events, int times, PrintStream out)
            throws SQLException {
        SessionId id = SessionId.of("bench", "resume-" + events + "-" + times);
        write(Held.open(store, id), events);
        long key = postgres.number("SELECT id FROM perdure_session WHERE name = '" + id.name() + "'");
        postgres.execute("VACUUM ANALYZE perdure_event");
        for (int i = 0; i < times; i++) {
            once(postgres, store, id, key);
        }
        Runs ratios = new Runs();
        Runs millis = new Runs();
        for (int run = 1; run <= Runs.COUNT; run++) {
            List<Double> our = new ArrayList<>();
            List<Double> their = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                Once once = once(postgres, store, id, key);
                our.add(once.ours());
                their.add(once.raw());
            }
            double mine = millis.add(Numbers.median(our) / 1e6);
            double raw = Numbers.median(their) / 1e6;
            ratios.add(mine / raw);
            out.println("run " + run + ", " + events + " events, " + times + " times: ours " + Numbers.two(mine)
                    + " ms, raw " + Numbers.two(raw) + " ms, ratio " + Numbers.two(mine / raw));
        }
        out.println("median (least to most) at " + events + ": ratio " + ratios + ", ms " + millis);
        return new Measured(ratios, millis);
    }

    /** In nanoseconds. */
    private record Once(double ours, double raw) {}

    private static Once once(Postgres postgres, SessionStore store, SessionId id, long key) throws SQLException {
        long start = System.nanoTime();
        Lease lease = Held.claim(store, id);
        SessionView view = read(store, id);
        long ours = System.nanoTime() - start;
        start = System.nanoTime();
        List<Object[]> rows = raw(postgres.pool(), key);
        long raw = System.nanoTime() - start;
        if (rows.size() != view.events().size()) {
            throw new IllegalStateException("not the same rows: " + view + " and " + rows.size());
        }
        Held.release(store, lease, view.position());
        return new Once(ours, raw);
    }

    private static SessionView read(SessionStore store, SessionId id) {
        SessionView view = SessionView.empty(id);
        List<Recorded> page;
        do {
            page = store.read(id, view.position().seq(), PAGE);
            for (Recorded event : page) {
                view = view.with(event);
            }
        } while (page.size() == PAGE);
        return view;
    }

    private static List<Object[]> raw(DataSource pool, long key) throws SQLException {
        try (Connection connection = pool.getConnection();
                PreparedStatement select = connection.prepareStatement(
                        "SELECT seq, id, turn, fence, at, codec, body FROM perdure_event WHERE session = ? ORDER BY seq")) {
            select.setLong(1, key);
            List<Object[]> rows = new ArrayList<>();
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    rows.add(new Object[] {
                        row.getLong(1),
                        row.getBytes(2),
                        row.getInt(3),
                        row.getLong(4),
                        row.getLong(5),
                        row.getInt(6),
                        row.getBytes(7)
                    });
                }
            }
            return rows;
        }
    }

    /** What the engine writes for turns of a chat. */
    private void write(Held session, int events) {
        List<Event> batch = new ArrayList<>();
        for (int turn = 0; session.length() + batch.size() < events; turn++) {
            batch.add(new Event.TurnStarted("bench", "1", null));
            batch.add(LogConversation.input(turn, texts.next(Texts.KB)));
            String reply = texts.next(Texts.KB);
            batch.add(LogConversation.reply(reply));
            batch.add(
                    new Event.TurnEnded(Event.TurnOutcome.DONE, reply, null, 1, 0, Usage.of(1_000, 250), Cost.UNKNOWN));
            if (batch.size() >= BATCH) {
                session.append(batch.toArray(Event[]::new));
                batch.clear();
            }
        }
        if (!batch.isEmpty()) {
            session.append(batch.toArray(Event[]::new));
        }
        session.release();
    }
}

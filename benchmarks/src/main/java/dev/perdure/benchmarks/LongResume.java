package dev.perdure.benchmarks;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Actor;
import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Part;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.Usage;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What it takes to go on with a long session that has a snapshot and a summary, from the lease to the first request to the model: the snapshot, the events since,
 * and those that the summary leaves of the time before. Beside it a raw JDBC read of the same bytes, every value taken out, and nothing made of them.
 *
 * <p>The snapshot is as old as it gets, 200 events, and the summary 100 events older.
 */
final class LongResume {
    private static final int RUNS = 3;
    private static final int PAGE = 1_000;
    /** Events since the snapshot. */
    private static final int TAIL = 200;
    /** Events between the end of what the summary stands for and the snapshot. */
    private static final int LEFT = 100;

    private static final int LENGTH = 960;
    private static final Agent AGENT = Agent.builder("bench")
            .instructions("You are a careful assistant.")
            .model((request, scope) -> new ModelReply(List.of(), "stop", Usage.NONE, Cost.UNKNOWN, "none", null, null))
            .build();

    private final Random random = new Random(1);
    private final DataSource pool;
    private final SessionStore store;
    private final SessionId id = SessionId.of("bench", "long");

    /** @param pool of the database that {@code store} is in */
    LongResume(DataSource pool, SessionStore store) {
        this.pool = pool;
        this.store = store;
    }

    /**
     * Medians of three alternating runs.
     *
     * @param ratio ours to raw
     * @param millis ours
     */
    record Measured(double ratio, double millis) {}

    /**
     * @param events of the session
     * @param times that each side is measured in one run
     */
    Measured measure(int events, int times, PrintStream out) throws SQLException {
        long key = write(events);
        execute("VACUUM ANALYZE perdure_event");
        compare(key, times);
        List<Double> ratios = new ArrayList<>();
        List<Double> millis = new ArrayList<>();
        for (int run = 1; run <= RUNS; run++) {
            Compared once = compare(key, times);
            ratios.add(once.ours() / once.raw());
            millis.add(once.ours());
            out.println("run " + run + ", " + events + " events with snapshot, " + times + " times: ours "
                    + Numbers.two(once.ours()) + " ms, raw " + Numbers.two(once.raw()) + " ms, ratio "
                    + Numbers.two(once.ours() / once.raw()) + ", " + once.bytes() / 1024 + " KB read");
        }
        return new Measured(Numbers.median(ratios), Numbers.median(millis));
    }

    /** Medians in milliseconds, and how much was read. */
    private record Compared(double ours, double raw, long bytes) {}

    private Compared compare(long key, int times) throws SQLException {
        double[] ours = new double[times];
        double[] raw = new double[times];
        long bytes = 0;
        for (int i = 0; i < times; i++) {
            long start = System.nanoTime();
            Resumed resumed = resume();
            ours[i] = (System.nanoTime() - start) / 1e6;
            start = System.nanoTime();
            bytes = raw(key, resumed);
            raw[i] = (System.nanoTime() - start) / 1e6;
        }
        return new Compared(Numbers.median(ours), Numbers.median(raw), bytes);
    }

    /** What was read: rows of the log after {@code after}, {@code limit} at most, so often. */
    private record Read(long after, int limit) {}

    private record Resumed(List<Read> reads, int rows) {}

    /** As the engine does it. */
    private Resumed resume() {
        List<Read> reads = new ArrayList<>();
        SessionStore.Snapshot snapshot = store.snapshot(id).orElseThrow();
        SessionView view = SessionView.of(
                        id, snapshot.at(), snapshot.body(), (after, limit) -> read(reads, after, limit))
                .orElseThrow();
        List<Recorded> tail = read(reads, snapshot.at().seq() - 1, PAGE);
        for (Recorded event : tail.subList(1, tail.size())) {
            view = view.with(event);
        }
        Decision decision = AGENT.next(view);
        if (!(decision instanceof Decision.CallModel call)
                || call.request().messages().size() < (TAIL + LEFT) / 4) {
            throw new IllegalStateException(
                    "the model was to be asked with the conversation since the summary: " + view);
        }
        return new Resumed(reads, tail.size() + LEFT);
    }

    private List<Recorded> read(List<Read> reads, long after, int limit) {
        reads.add(new Read(after, limit));
        return store.read(id, after, limit);
    }

    private long raw(long key, Resumed resumed) throws SQLException {
        long bytes = 0;
        int rows = 0;
        try (Connection connection = pool.getConnection()) {
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT seq, event, codec, body FROM perdure_snapshot WHERE session = ?")) {
                select.setLong(1, key);
                try (ResultSet row = select.executeQuery()) {
                    row.next();
                    bytes += row.getLong(1) > 0 ? row.getBytes(2).length + row.getInt(3) + row.getBytes(4).length : 0;
                }
            }
            for (Read read : resumed.reads()) {
                List<byte[]> bodies = rows(connection, key, read);
                rows += bodies.size();
                bytes += bodies.stream().mapToLong(body -> body.length).sum();
            }
        }
        if (rows != resumed.rows()) {
            throw new IllegalStateException("not the same rows: " + rows + " and " + resumed);
        }
        return bytes;
    }

    private static List<byte[]> rows(Connection connection, long key, Read read) throws SQLException {
        List<byte[]> bodies = new ArrayList<>();
        try (PreparedStatement select =
                connection.prepareStatement("SELECT seq, id, turn, fence, at, type, codec, body FROM perdure_event"
                        + " WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?")) {
            select.setLong(1, key);
            select.setLong(2, read.after());
            select.setInt(3, read.limit());
            try (ResultSet row = select.executeQuery()) {
                long sum = 0;
                while (row.next()) {
                    sum += row.getLong(1) + row.getInt(3) + row.getLong(4) + row.getLong(5) + row.getInt(7);
                    sum += row.getBytes(2).length + row.getString(6).length();
                    bodies.add(row.getBytes(8));
                }
                if (sum == 0) {
                    throw new IllegalStateException("nothing at " + read);
                }
            }
        }
        return bodies;
    }

    // ---- the session

    /** Chat turns of four events; a summary near the end, a snapshot, and an input that waits for its answer. */
    private long write(int events) throws SQLException {
        Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened("bench", Map.of()));
        store.open(new SessionStore.NewSession(id, "bench", Map.of(), first));
        Lease lease = ((SessionStore.Claimed.Held) store.claim(id, SessionStore.Terms.of(WorkerId.random()))).lease();
        Position last = new Position(1, first.id());
        int snapshotAt = events - TAIL;
        int turn = 0;
        while (last.seq() < events) {
            List<Draft> batch = new ArrayList<>();
            while (batch.size() < 100 && last.seq() + batch.size() < events - 2) {
                turn++;
                long start = last.seq() + batch.size();
                boolean sumsUp = start < snapshotAt - 1 && start + 5 >= snapshotAt - 1;
                add(batch, turn, snapshotAt - LEFT, sumsUp, (int) Math.min(5, events - 2 - start));
            }
            if (batch.isEmpty()) {
                turn++;
                batch.add(draft(turn, new Event.TurnStarted("bench", "1", null)));
                batch.add(draft(turn, input(turn)));
            }
            int most = last.seq() < snapshotAt ? (int) Math.min(batch.size(), snapshotAt - last.seq()) : batch.size();
            for (List<Draft> part : List.of(batch.subList(0, most), batch.subList(most, batch.size()))) {
                if (!part.isEmpty()) {
                    last = ((SessionStore.Appended.Ok) store.append(lease, last, SessionStore.Batch.of(part))).last();
                }
                if (last.seq() == snapshotAt) {
                    keepSnapshot(lease);
                }
            }
        }
        return lease.key();
    }

    private void add(List<Draft> batch, int turn, long covers, boolean sumsUp, int most) {
        List<Event> events = new ArrayList<>(List.of(
                new Event.TurnStarted("bench", "1", null),
                input(turn),
                reply(Event.Purpose.ANSWER, null),
                new Event.TurnEnded(Event.TurnOutcome.DONE, text(), null, 1, 0, Usage.of(1_000, 250), Cost.UNKNOWN)));
        if (sumsUp) {
            events.add(2, reply(Event.Purpose.COMPACT, covers));
        }
        events.stream().limit(most).forEach(event -> batch.add(draft(turn, event)));
    }

    private void keepSnapshot(Lease lease) {
        SessionView view = SessionView.empty(id);
        List<Recorded> page;
        do {
            page = store.read(id, view.position().seq(), PAGE);
            for (Recorded event : page) {
                view = view.with(event);
            }
        } while (page.size() == PAGE);
        if (!store.saveSnapshot(lease, new SessionStore.Snapshot(view.position(), view.snapshot()))) {
            throw new IllegalStateException("the snapshot was to be kept");
        }
    }

    private static Draft draft(int turn, Event event) {
        return Draft.of(EventId.random(), turn, event);
    }

    private Event input(int turn) {
        return new Event.InputReceived(
                "k" + turn,
                Event.InputKind.MESSAGE,
                Event.Disposition.APPLIED,
                Actor.user("ann"),
                List.of(new Part.Text(text())));
    }

    private Event reply(Event.Purpose purpose, @Nullable Long covers) {
        return new Event.ModelReplied(
                purpose,
                1,
                List.of(new Part.Text(text())),
                "stop",
                Usage.of(1_000, 250),
                Cost.UNKNOWN,
                "bench",
                null,
                null,
                1,
                covers,
                null);
    }

    /** About 1 KB of words. */
    private String text() {
        StringBuilder text = new StringBuilder(LENGTH);
        while (text.length() < LENGTH) {
            text.append(Integer.toString(random.nextInt(1_000_000), 36)).append(' ');
        }
        return text.toString();
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.execute();
        }
    }
}

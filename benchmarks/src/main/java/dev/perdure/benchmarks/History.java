package dev.perdure.benchmarks;

import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A conversation of 1,000 messages: what adding one of the last hundred costs, and what all of it has taken on disk as long as nobody has vacuumed. Three
 * ways with the same texts, one after the other in each run; a first, shorter conversation of each warms up.
 */
final class History implements Benchmark {
    private static final int MESSAGES = 1_000;

    @Override
    public String about() {
        return "messages 900 to 1,000 of a conversation, each 1 KB of random text that cannot be compressed: an event each, beside the whole history"
                + " rewritten (LangChain4j ChatMemoryStore over JDBC) and a snapshot for each step (as langgraph4j's saver does); seed "
                + Texts.SEED;
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int messages = Math.max(20, (int) (MESSAGES * factor));
        try (Postgres postgres = Postgres.start(1, out);
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            postgres.execute(WholeHistory.ddl());
            postgres.execute(Snapshots.ddl());
            postgres.neverVacuum("perdure_event", false);
            postgres.neverVacuum(WholeHistory.TABLE, true);
            postgres.neverVacuum(Snapshots.TABLE, true);
            List<Way> ways = List.of(
                    new Way(
                            "ours",
                            "perdure_event",
                            id -> new LogConversation(Held.open(store, SessionId.of("bench", id)))),
                    new Way("whole history", WholeHistory.TABLE, id -> new WholeHistory(postgres.pool(), id)),
                    new Way("snapshots", Snapshots.TABLE, id -> new Snapshots(postgres.pool(), id)));
            for (Way way : ways) {
                measure(postgres, way, "warm", Math.min(messages, 300));
            }
            return compare(postgres, ways, messages, out);
        }
    }

    private static Map<String, String> compare(Postgres postgres, List<Way> ways, int messages, PrintStream out)
            throws SQLException {
        Runs append = new Runs();
        Runs storage = new Runs();
        Runs snapshotAppend = new Runs();
        Runs snapshotStorage = new Runs();
        for (int run = 1; run <= Runs.COUNT; run++) {
            List<Measured> each = new ArrayList<>();
            for (Way way : ways) {
                Measured measured = measure(postgres, way, "run-" + run, messages);
                each.add(measured);
                out.println("run " + run + ", " + way.name() + ": " + measured);
            }
            Measured ours = each.get(0);
            append.add(each.get(1).nanos() / ours.nanos());
            storage.add(each.get(1).bytes() / ours.bytes());
            snapshotAppend.add(each.get(2).nanos() / ours.nanos());
            snapshotStorage.add(each.get(2).bytes() / ours.bytes());
        }
        out.println("theirs ÷ ours, median (least to most): whole history, append " + append + ", storage " + storage
                + "; snapshots, append " + snapshotAppend + ", storage " + snapshotStorage);
        Map<String, String> result = new LinkedHashMap<>();
        result.put("append_ratio", Numbers.two(append.median()));
        result.put("storage_ratio", Numbers.two(storage.median()));
        result.put("snapshot_append_ratio", Numbers.two(snapshotAppend.median()));
        result.put("snapshot_storage_ratio", Numbers.two(snapshotStorage.median()));
        return result;
    }

    /** How a conversation is kept, and in which table. */
    private record Way(String name, String table, Function<String, Conversation> start) {}

    /**
     * What one conversation has cost.
     *
     * @param nanos mean for each of the last tenth of the messages
     */
    private record Measured(double nanos, double bytes) {
        @Override
        public String toString() {
            return Numbers.micros(nanos) + " for each of the last tenth, " + Math.round(bytes / 1_024) + " KB stored";
        }
    }

    private static Measured measure(Postgres postgres, Way way, String id, int messages) throws SQLException {
        // The same for each way.
        Texts texts = new Texts();
        long before = postgres.size(way.table());
        Conversation conversation = way.start().apply(id);
        int last = messages / 10;
        for (int i = 0; i < messages - last; i++) {
            conversation.add(texts.next(Texts.KB));
        }
        long nanos = 0;
        for (int i = 0; i < last; i++) {
            String text = texts.next(Texts.KB);
            long start = System.nanoTime();
            conversation.add(text);
            nanos += System.nanoTime() - start;
        }
        return new Measured(nanos / (double) last, postgres.size(way.table()) - before);
    }
}

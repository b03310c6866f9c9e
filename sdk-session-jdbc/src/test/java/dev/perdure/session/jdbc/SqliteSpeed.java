package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.opened;

import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/** A first look at speed, not a benchmark: appends beside a raw JDBC insert, and renewals while everybody writes. */
final class SqliteSpeed {
    private static final PrintStream OUT = System.out;
    private static final int COUNT = 3000;
    private static final String KILOBYTE = "x".repeat(960);

    private SqliteSpeed() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("perdure-speed");
        try (SessionStore store = JdbcSessionStore.sqlite(folder.resolve("s.db"))) {
            for (int round = 0; round < 3; round++) {
                double ours = appends(store, SessionId.of("acme", "r" + round), COUNT);
                double raw = raw(folder.resolve("raw" + round + ".db"));
                OUT.printf("c=1 append/s %.0f raw/s %.0f ratio of time %.2f%n", ours, raw, raw / ours);
            }
            contended(store);
        }
        OUT.printf("file %d bytes%n", Files.size(folder.resolve("s.db")));
    }

    private static double appends(SessionStore store, SessionId id, int count) {
        Lease lease = held(store, opened(store, id), WorkerId.random());
        Position position = end(store, id);
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            position = ((Appended.Ok) store.append(lease, position, batch(SqliteStore.note(KILOBYTE)))).last();
        }
        return count * 1e9 / (System.nanoTime() - start);
    }

    private static double raw(Path file) throws Exception {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.execute("PRAGMA page_size = 8192");
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA synchronous = FULL");
            statement.execute("CREATE TABLE e (s INTEGER, q INTEGER, b BLOB, PRIMARY KEY (s, q))");
            long start = System.nanoTime();
            for (int i = 0; i < COUNT; i++) {
                try (var insert = connection.prepareStatement("INSERT INTO e VALUES (1, ?, ?)")) {
                    insert.setInt(1, i);
                    insert.setBytes(2, SqliteStore.note(KILOBYTE).json().getBytes());
                    insert.executeUpdate();
                }
            }
            return COUNT * 1e9 / (System.nanoTime() - start);
        }
    }

    private static void contended(SessionStore store) {
        Lease lease = held(store, opened(store, SessionId.of("acme", "renewed")), WorkerId.random());
        AtomicBoolean done = new AtomicBoolean();
        var renewals = CompletableFuture.supplyAsync(() -> {
            long worst = 0;
            while (!done.get()) {
                long start = System.nanoTime();
                store.renew(List.of(lease), Duration.ofSeconds(15));
                worst = Math.max(worst, System.nanoTime() - start);
            }
            return worst / 1_000_000;
        });
        long start = System.nanoTime();
        IntStream.range(0, 6)
                .mapToObj(i -> CompletableFuture.runAsync(
                        () -> appends(store, SessionId.of("acme", "c" + i), 1000), task -> new Thread(task).start()))
                .toList()
                .forEach(CompletableFuture::join);
        done.set(true);
        OUT.printf(
                "c=6 append/s %.0f worst renewal %d ms%n", 6000 * 1e9 / (System.nanoTime() - start), renewals.join());
    }
}

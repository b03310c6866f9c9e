package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.progress;

import dev.perdure.Operator;
import dev.perdure.session.Draft;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Position;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Another JVM on the same file. */
final class Child implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;

    private Child(Process process) {
        this.process = process;
        this.output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** @param options of its JVM */
    static Child start(String what, Path file, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"));
        command.addAll(List.of(options));
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path")
                        + File.pathSeparator
                        + System.getProperty("surefire.test.class.path", ""),
                Child.class.getName(),
                what,
                file.toString()));
        return new Child(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    /** Next line of its output; "gone" after the last. */
    String line() throws IOException {
        String line = output.readLine();
        return line == null ? "gone" : line;
    }

    /** SIGKILL; what it said before can still be read. */
    void kill() {
        process.toHandle().destroyForcibly();
        process.onExit().join();
    }

    @Override
    public void close() {
        kill();
    }

    // ---- in the child

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path file = Path.of(arguments[1]);
        try (SessionStore store = JdbcSessionStore.sqlite(file, SqliteOptions.standard(), wiring(arguments[0], out))) {
            switch (arguments[0]) {
                case "write" -> write(store, out);
                case "hold" -> {
                    held(store, ID, WorkerId.random());
                    out.println("held");
                    System.in.read();
                }
                case "claim" -> {
                    Claimed claimed = store.claim(ID, Terms.of(WorkerId.random()));
                    out.println(claimed.getClass().getSimpleName());
                    System.in.read();
                }
                case "open" -> out.println("opened");
                case "delete" -> store.delete(ID);
                case "import" -> {
                    try (InputStream in = Files.newInputStream(Path.of(file + ".jsonl"))) {
                        Operator.of(store).importSession(in);
                    }
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } catch (StoreException e) {
            out.println(e.getMessage());
        }
    }

    /** A deletion and an import stop in their second batch, to be killed there. */
    private static SqliteFile.Wiring wiring(String what, PrintStream out) {
        String batch = what.equals("delete") ? "DELETE FROM perdure_event" : "INSERT INTO perdure_event";
        AtomicInteger batches = new AtomicInteger();
        Hooked hooked = new Hooked(sql -> {
            if (sql.stripLeading().startsWith(batch) && batches.incrementAndGet() == 2) {
                out.println("in the middle");
                LockSupport.park();
            }
        });
        return what.equals("delete") || what.equals("import")
                ? new SqliteFile.Wiring(hooked, source -> {}, Statements::new)
                : SqliteFile.Wiring.SHIPPED;
    }

    /** Large, so that it takes many pages, and with nothing but its number in it, so that a torn one is seen. */
    static SessionStore.Snapshot snapshot(Position at) {
        return new SessionStore.Snapshot(at, (at.seq() + " ").repeat(20_000));
    }

    /** Appends, posts, consumes and keeps snapshots until it is killed, and says what was acknowledged. */
    private static void write(SessionStore store, PrintStream out) {
        Lease lease = held(store, ID, WorkerId.random());
        Position position = SqliteStore.end(store, ID);
        for (int i = 0; ; i++) {
            if (i % 5 == 0 && store.post(ID, message(lease.fence() + "-" + i)) instanceof Posted.Accepted posted) {
                out.println("post " + posted.position() + ";");
            }
            Draft draft = progress("x".repeat(1 + i * 37 % 3000));
            List<Long> items = i % 5 == 1
                    ? store.inbox(ID, 0, 100).stream().map(InboxItem::position).toList()
                    : List.of();
            Batch batch = new Batch(List.of(draft), items, List.of(), List.of(), null, null);
            position = ((Appended.Ok) store.append(lease, position, batch)).last();
            out.println("event " + position.seq() + " " + position.event());
            items.forEach(item -> out.println("consumed " + item + ";"));
            if (i % 5 == 3) {
                store.saveSnapshot(lease, snapshot(position));
                out.println("snapshot " + position.seq() + ";");
            }
        }
    }
}

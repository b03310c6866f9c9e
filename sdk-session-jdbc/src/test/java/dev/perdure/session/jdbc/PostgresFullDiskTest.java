package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Outcome;
import dev.perdure.RuntimeListener;
import dev.perdure.Turn;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** No space left on the server's disk: nothing half-written, an error that says what to do, and on when there is space again. */
@Timeout(120)
class PostgresFullDiskTest {
    private final Postgres postgres = Postgres.empty();
    private final SessionStore store = JdbcSessionStore.of(postgres.pool());

    @AfterEach
    void close() {
        store.close();
        postgres.close();
    }

    private void assertFullWritesNothing(Lease lease, Position start, String second) {
        assertThatThrownBy(() -> store.append(lease, start, batch(note("first"), note(second))))
                .isInstanceOf(StoreException.class)
                .hasMessageContainingAll("no space left", "nothing was written", "free space")
                .matches(e -> ((StoreException) e).retryable(), "is retryable");
        assertThat(log(store, ID)).hasSize(1);
    }

    /** What the server says then, raised by a trigger before events that fit {@code when}. */
    private void fill(String when) {
        postgres.sql(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
                "CREATE TRIGGER full_disk BEFORE INSERT ON perdure_event FOR EACH ROW " + when
                        + " EXECUTE FUNCTION full_disk()");
    }

    private void free() {
        postgres.sql("DROP TRIGGER full_disk ON perdure_event");
    }

    @Test
    void fullDisk_writesNothingOfTheBatch_andGoesOnWhenThereIsSpace() {
        opened(store, ID);
        Lease lease = held(store, ID, WorkerId.random());
        Position start = end(store, ID);
        fill("WHEN (NEW.seq = 3)");

        assertFullWritesNothing(lease, start, "second");

        free();
        assertThat(store.append(lease, start, batch(note("first"), note("second"))))
                .isInstanceOf(Appended.Ok.class);
    }

    /** A file system of a few megabytes, where this machine lets one be made. */
    @Test
    void diskThatIsReallyFull_writesNothingOfTheBatch_andGoesOnWhenThereIsSpace() throws IOException {
        try (SmallDisk disk = SmallDisk.mount()) {
            String space = "small_" + postgres.schema();
            postgres.sql("CREATE TABLESPACE " + space + " LOCATION '" + disk.folder() + "'");
            try {
                opened(store, ID);
                postgres.sql(
                        "ALTER TABLE perdure_event SET TABLESPACE " + space,
                        "CREATE TABLE filler (body text) TABLESPACE " + space,
                        "ALTER TABLE filler ALTER COLUMN body SET STORAGE EXTERNAL");
                Lease lease = held(store, ID, WorkerId.random());
                Position start = end(store, ID);
                assertThatThrownBy(() -> {
                            for (int i = 0; i < 1_000; i++) {
                                postgres.sql("INSERT INTO filler VALUES (repeat('x', 200000))");
                            }
                        })
                        .rootCause()
                        .hasMessageContaining("No space left on device");

                assertFullWritesNothing(lease, start, incompressible());

                postgres.sql("DROP TABLE filler");
                assertThat(store.append(lease, start, batch(note("first"), note(incompressible()))))
                        .isInstanceOf(Appended.Ok.class);
            } finally {
                postgres.sql(
                        "DROP TABLE IF EXISTS filler",
                        "ALTER TABLE perdure_event SET TABLESPACE pg_default",
                        "DROP TABLESPACE " + space);
            }
        }
    }

    /** More than the server may have left of what it has reserved. */
    private static String incompressible() {
        StringBuilder text = new StringBuilder();
        new Random(7).ints(1_000_000, 'a', 'z').forEach(c -> text.append((char) c));
        return text.toString();
    }

    /** The run keeps its lease and its results; no claim is fruitless, so that nothing is set aside. */
    @Test
    void fullDiskDuringATurn_isWaitedFor_andNothingIsDoneTwice() {
        AtomicInteger ran = new AtomicInteger();
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch heldBack = new CountDownLatch(1);
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.steps(List.of(Step.call("pay", "{}"), Step.text("done"))))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Eventually.await(go);
                            return ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onBackPressure(boolean on) {
                heldBack.countDown();
            }
        };
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).listener(listener).build()) {
            Turn turn = runtime.open(ID, AGENT).send("hi");
            Eventually.await(inTool);
            fill("");
            go.countDown();
            Eventually.await(heldBack);
            free();
            assertThat(turn.await()).isInstanceOf(Outcome.Done.class);
        }
        assertThat(ran).hasValue(1);
        assertThat(log(store, ID))
                .extracting(recorded -> recorded.event().type())
                .doesNotContain("TakenOver", "ToolInDoubt")
                .containsOnlyOnce("ToolFinished");
    }

    /** A tmpfs that the server can write to. */
    private record SmallDisk(Path folder) implements AutoCloseable {
        static SmallDisk mount() throws IOException {
            Path folder = Files.createTempDirectory(
                    "perdure-small-disk",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=6m,mode=777", "tmpfs", folder.toString()) == 0;
            if (!mounted) {
                Files.delete(folder);
            }
            assumeTrue(mounted, "this user may not mount a file system");
            return new SmallDisk(folder);
        }

        private static int run(String... command) throws IOException {
            Process process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                return process.waitFor(20, TimeUnit.SECONDS) ? process.exitValue() : -1;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws IOException {
            // The server may have a file open for a while.
            assertThat(run("umount", "-l", folder.toString())).isZero();
            Files.delete(folder);
        }
    }
}

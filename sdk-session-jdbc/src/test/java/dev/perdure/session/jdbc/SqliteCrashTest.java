package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.query;
import static dev.perdure.session.jdbc.SqliteStore.ready;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.InboxItem;
import dev.perdure.session.Recorded;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that writes is killed with SIGKILL; everything it was told is written must be there. */
class SqliteCrashTest {
    private static final int KILLS = 10;

    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void acknowledgedEvents_surviveKill9_andASnapshotIsThatBeforeOrTheNewOne() throws Exception {
        long seed = Long.getLong("perdure.seed", System.nanoTime());
        Random random = new Random(seed);
        Path file = folder.resolve("s.db");
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
        }
        List<String> events = new ArrayList<>();
        Set<Long> posted = new TreeSet<>();
        Set<Long> consumed = new TreeSet<>();
        long snapshot = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            List<String> acknowledged = runAndKill(file, random);
            for (String line : acknowledged) {
                String[] words = line.split(" ", 2);
                switch (words[0]) {
                    case "event" -> events.add(words[1]);
                    case "post" -> posted.add(number(words[1]));
                    case "snapshot" -> snapshot = number(words[1]);
                    default -> consumed.add(number(words[1]));
                }
            }
            try (SessionStore store = JdbcSessionStore.sqlite(file)) {
                List<Recorded> log = log(store, ID);
                assertThat(log)
                        .as("seed %d", seed)
                        .extracting(SqliteCrashTest::text)
                        .containsAll(events);
                assertThat(log).extracting(Recorded::seq).isSorted().doesNotHaveDuplicates();
                assertThat(log.get(log.size() - 1).seq()).isEqualTo(log.size());
                assertThat(log).extracting(Recorded::fence).isSorted();
                Set<Long> open = new TreeSet<>();
                store.inbox(ID, 0, 10_000).stream().map(InboxItem::position).forEach(open::add);
                assertThat(open).as("consumed and still there, seed %d", seed).doesNotContainAnyElementsOf(consumed);
                assertThat(snapshotIn(store, log)).as("seed %d", seed).isGreaterThanOrEqualTo(snapshot);
                assertThat(total(file)).isGreaterThanOrEqualTo(posted.size());
                assertThat(query(file, "PRAGMA integrity_check")).isEqualTo("ok");
            }
        }
        assertThat(events).hasSizeGreaterThan(KILLS);
    }

    @Test
    @Timeout(60)
    void sessionOfAKilledProcess_isClaimedAtOnce_longBeforeItsLeaseEnds() throws Exception {
        Path file = folder.resolve("s.db");
        try (SessionStore store = JdbcSessionStore.sqlite(file);
                Child child = startHolding(store, file)) {
            assertThat(ready(store, WorkerId.random())).isEmpty();
            WorkerId holder = store.find(ID).orElseThrow().findOwner().orElseThrow();
            child.kill();

            var leases = ready(store, WorkerId.random());

            assertThat(leases).hasSize(1);
            assertThat(leases.get(0).findPrevious().orElseThrow().owner()).isEqualTo(holder);
            assertThat(leases.get(0).claimedAt())
                    .isBefore(store.find(ID).orElseThrow().findLeaseUntil().orElseThrow());
        }
        assertThat(Path.of(file + "-workers").toFile().list()).isEmpty();
    }

    @Test
    @Timeout(60)
    void lookingAtLocks_doesNotDropOnesOwn() throws Exception {
        Path file = folder.resolve("s.db");
        try (SessionStore store = JdbcSessionStore.sqlite(file);
                SessionStore second = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
            SqliteStore.held(store, ID, WorkerId.random());
            assertThat(ready(second, WorkerId.random())).isEmpty();
            assertThat(ready(store, WorkerId.random())).isEmpty();
            JdbcSessionStore.sqlite(file).close();

            try (Child child = Child.start("claim", file)) {
                assertThat(child.line()).isEqualTo("Busy");
            }
        }
        try (Child child = Child.start("claim", file)) {
            assertThat(child.line()).isEqualTo("Held");
        }
    }

    private static Child startHolding(SessionStore store, Path file) throws Exception {
        opened(store, ID);
        Child child = Child.start("hold", file);
        assertThat(child.line()).isEqualTo("held");
        return child;
    }

    /** A claim of the next child needs no waiting: this one is known to be dead. */
    private static List<String> runAndKill(Path file, Random random) throws Exception {
        List<String> acknowledged = new ArrayList<>();
        try (Child child = Child.start("write", file)) {
            int enough = 1 + random.nextInt(300);
            while (acknowledged.size() < enough) {
                acknowledged.add(known(child.line()));
            }
            child.kill();
            // What was said before the kill and not read yet was acknowledged too; the last line may be torn.
            for (String line = child.line(); !line.equals("gone"); line = child.line()) {
                if (isWhole(line)) {
                    acknowledged.add(line);
                }
            }
        }
        return acknowledged;
    }

    private static String known(String line) {
        assertThat(line).matches(SqliteCrashTest::isWhole);
        return line;
    }

    private static boolean isWhole(String line) {
        return line.matches("event \\d+ [0-9a-f-]{36}|(post|consumed|snapshot) \\d+;");
    }

    /** Number of the event of the newest snapshot, which is whole and of this log; 0 for none. */
    static long snapshotIn(SessionStore store, List<Recorded> log) {
        SessionStore.Snapshot snapshot = store.snapshot(ID).orElse(null);
        if (snapshot == null) {
            return 0;
        }
        long seq = snapshot.at().seq();
        assertThat(snapshot.at()).isEqualTo(log.get((int) seq - 1).position());
        assertThat(snapshot).isEqualTo(Child.snapshot(snapshot.at()));
        return seq;
    }

    private static String text(Recorded event) {
        return event.seq() + " " + event.id();
    }

    private static long number(String text) {
        return Long.parseLong(text.substring(0, text.length() - 1));
    }

    private static int total(Path file) throws Exception {
        return Integer.parseInt(query(file, "SELECT count(*) FROM perdure_inbox"));
    }
}

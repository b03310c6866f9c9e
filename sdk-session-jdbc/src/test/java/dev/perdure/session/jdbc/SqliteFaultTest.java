package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.batch;
import static dev.perdure.session.jdbc.SqliteStore.driver;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.message;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.query;
import static dev.perdure.session.jdbc.SqliteStore.sql;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.perdure.session.Position;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.session.WorkerId;
import dev.perdure.session.jdbc.SqliteOptions.Synchronous;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/** What can be wrong with a file: each says what it is and what to do, and nothing is lost. */
class SqliteFaultTest {
    /** Version of the schema that this library makes. */
    private static final String KNOWN =
            String.valueOf(new SqliteDialect().migrations().size());

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("sessions.db");
    }

    @Test
    void missingFolder_isNamed() {
        Path missing = folder.resolve("nowhere");

        assertUnusable(() -> JdbcSessionStore.sqlite(missing.resolve("s.db")), missing.toString(), "make it first");
        assertThat(missing).doesNotExist();
    }

    @Test
    void folderInsteadOfAFile_isNamed() {
        assertUnusable(() -> JdbcSessionStore.sqlite(folder), folder.toString(), "is a folder");
    }

    @Test
    void linkToAFileThatIsYetToBeMade_leadsToOneFolderOfLocks() throws IOException {
        Path volume = Files.createDirectory(folder.resolve("volume"));
        Files.createSymbolicLink(file, volume.resolve("sessions.db"));

        try (SessionStore first = JdbcSessionStore.sqlite(file);
                SessionStore second = JdbcSessionStore.sqlite(file)) {
            opened(first, ID);
            held(first, ID, WorkerId.random());

            assertThat(second.claim(ID, Terms.of(WorkerId.random()))).isInstanceOf(Claimed.Busy.class);
        }
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("volume", "sessions.db");
        assertThat(volume.resolve("sessions.db-workers")).isDirectory();
    }

    @Test
    void fileThatIsNoDatabase_isRefused_andLeftAsItIs() throws IOException {
        byte[] text = "this is a letter, not a database. ".repeat(100).getBytes();
        Files.write(file, text);

        assertUnusable(() -> JdbcSessionStore.sqlite(file), file.toString(), "not a database");

        assertThat(file).hasBinaryContent(text);
        assertThat(folder.toFile().list()).containsExactly("sessions.db");
    }

    @Test
    void fileOfAnEarlierVersion_getsTheTablesThatCameSince_andKeepsItsSessions() throws SQLException {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
        }
        sql(
                file,
                "DROP TABLE perdure_snapshot",
                "DROP TABLE perdure_key",
                "DELETE FROM perdure_schema WHERE version > 1");

        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            Lease lease = held(store, ID, WorkerId.random());
            SessionStore.Snapshot snapshot = new SessionStore.Snapshot(end(store, ID), "{}");
            assertThat(store.saveSnapshot(lease, snapshot)).isTrue();
            assertThat(store.snapshot(ID)).contains(snapshot);
        }
        assertThat(query(file, "SELECT count(*) FROM perdure_schema")).isEqualTo(KNOWN);
    }

    @Test
    void newerSchema_isRefused_withBothVersions() throws SQLException {
        JdbcSessionStore.sqlite(file).close();
        sql(file, "INSERT INTO perdure_schema VALUES (42, 'V42__later.sql', 40, 0)");

        assertUnusable(
                () -> JdbcSessionStore.sqlite(file), "version 42", "at least version 40", "up to " + KNOWN, "upgrade");
    }

    @Test
    void newerSchema_thatOnlyAdds_isUsed() throws SQLException {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
        }
        sql(
                file,
                "INSERT INTO perdure_schema VALUES (42, 'V42__later.sql', 1, 0)",
                "ALTER TABLE perdure_event ADD COLUMN later TEXT",
                "ALTER TABLE perdure_session ADD COLUMN later TEXT NOT NULL DEFAULT ''");

        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            Lease lease = held(store, ID, WorkerId.random());
            assertThat(store.append(lease, end(store, ID), batch(note("x")))).isInstanceOf(Appended.Ok.class);
            assertThat(log(store, ID)).hasSize(2);
        }
    }

    @Test
    void tablesOfTheApplication_mayLiveInTheSameFile() throws SQLException {
        sql(file, "CREATE TABLE session (x)", "CREATE TABLE event (x)", "PRAGMA user_version = 7");
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
        }
        assertThat(query(file, "PRAGMA user_version")).isEqualTo("7");
        assertThat(query(file, "SELECT count(*) FROM session")).isEqualTo("0");
    }

    @Test
    void fileThatCannotBeWritten_isRefused_andNothingIsLeftBesideIt() throws IOException {
        JdbcSessionStore.sqlite(file).close();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        assumeFalse(Files.isWritable(file), "this user may write every file");
        List<String> before = List.of(folder.toFile().list());

        assertUnusable(() -> JdbcSessionStore.sqlite(file), file.toString(), "cannot be written", "its owner");

        assertThat(folder.toFile().list()).containsExactlyInAnyOrderElementsOf(before);
    }

    /** In a JVM of its own: in this one the driver is loaded already. */
    @Test
    void temporaryFolderThatIsNone_isNamed_withTheCauseAndTheRemedy() throws IOException {
        Path none = folder.resolve("nowhere");

        try (Child child = Child.start(
                "open", file, "-Dorg.sqlite.tmpdir=" + none, "-Dorg.slf4j.simpleLogger.log.org.sqlite=off")) {
            assertThat(child.line())
                    .contains("native library in " + none, "No native library found", "-Dorg.sqlite.tmpdir=");
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void nullAsFile_isNamed() {
        assertThatNullPointerException()
                .isThrownBy(() -> JdbcSessionStore.sqlite(null))
                .withMessage("file");
    }

    @Test
    void readOnlyDatabase_isRead_andSaysSoWhenItIsWritten() {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
        }
        try (SessionStore store = JdbcSessionStore.sqlite(
                file,
                SqliteOptions.standard(),
                driver(source -> source.setUrl("jdbc:sqlite:file:" + file + "?mode=ro")))) {
            assertThat(log(store, ID)).hasSize(1);
            assertUnusable(() -> store.post(ID, message("k")), "can only be read", "-wal and -shm", "writable");
            assertThat(store.inbox(ID, 0, 10)).isEmpty();
        }
    }

    @Test
    void fullDatabase_writesNothingOfTheBatch_andGoesOnWhenThereIsSpace() throws SQLException {
        Position start;
        Lease lease;
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
            start = end(store, ID);
            lease = held(store, ID, WorkerId.random());
        }
        SqliteFile.Wiring small =
                driver(source -> source.getConfig().setPragma(SQLiteConfig.Pragma.MAX_PAGE_COUNT, "40"));
        var drafts = Arrays.asList(note("x".repeat(1000)), note("y".repeat(1_000_000)));
        try (SessionStore store = JdbcSessionStore.sqlite(file, SqliteOptions.standard(), small)) {
            assertFull(
                    () -> store.append(lease, start, SessionStore.Batch.of(drafts)),
                    "is full",
                    "nothing was written",
                    "free space");
            assertFull(
                    () -> store.append(
                            lease,
                            start,
                            new SessionStore.Batch(drafts, List.of(), List.of(), List.of(), "other", null)),
                    "is full");
            assertThat(log(store, ID)).hasSize(1);
            assertThat(store.append(lease, start, batch(note("small")))).isInstanceOf(Appended.Ok.class);
        }
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            assertThat(store.append(lease, end(store, ID), SessionStore.Batch.of(drafts)))
                    .isInstanceOf(Appended.Ok.class);
            assertThat(log(store, ID)).hasSize(4);
        }
    }

    @Test
    void databaseBusyLongerThanTheTimeout_isUnavailable_andWorksAfterwards() throws SQLException {
        SqliteOptions options = SqliteOptions.standard().busyTimeout(Duration.ofMillis(250));
        try (SessionStore store = JdbcSessionStore.sqlite(file, options)) {
            opened(store, ID);
            Lease lease = held(store, ID, WorkerId.random());
            try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + file);
                    Statement statement = other.createStatement()) {
                statement.execute("BEGIN IMMEDIATE");
                assertThatThrownBy(() -> store.append(lease, end(store, ID), batch(note("x"))))
                        .isInstanceOfSatisfying(
                                StoreException.class,
                                e -> assertThat(e.retryable()).isTrue())
                        .hasMessageContaining("busy");
                assertThatThrownBy(() -> store.post(ID, message("k"))).isInstanceOf(StoreException.class);
                assertThat(log(store, ID)).hasSize(1);
                statement.execute("ROLLBACK");
            }
            assertThat(store.append(lease, end(store, ID), batch(note("x")))).isInstanceOf(Appended.Ok.class);
            assertThat(store.post(ID, message("k"))).isEqualTo(new SessionStore.Posted.Accepted(1));
        }
    }

    @Test
    void weakerSettings_areRefused_unlessAcceptedByName() {
        Path plain = folder.resolve("plain.db");
        Jdbi raw = Jdbi.create("jdbc:sqlite:" + plain);
        raw.useHandle(handle -> {
            handle.execute("CREATE TABLE t (x)");
            assertUnusable(
                    () -> SqliteSettings.check(handle, Synchronous.FULL, plain), "journal_mode=delete", "local disk");
            handle.createQuery("PRAGMA journal_mode = WAL").mapTo(String.class).one();
            handle.execute("PRAGMA synchronous = NORMAL");
            assertUnusable(
                    () -> SqliteSettings.check(handle, Synchronous.FULL, plain),
                    "synchronous=NORMAL",
                    "acknowledged",
                    "SqliteOptions.accept");
            SqliteSettings.check(handle, Synchronous.NORMAL, plain);
        });
    }

    @Test
    void acceptedWeakness_isUsed_andSaidInTheGuarantees() {
        try (SessionStore strong = JdbcSessionStore.sqlite(file)) {
            assertThat(strong.guarantees().powerLoss()).isTrue();
            assertThat(strong.guarantees().onceSafe()).isTrue();
        }
        SqliteOptions weak = SqliteOptions.standard().accept(SqliteOptions.Weakness.SYNCHRONOUS_NORMAL);
        try (SessionStore store = JdbcSessionStore.sqlite(file, weak)) {
            assertThat(store.guarantees().processCrash()).isTrue();
            assertThat(store.guarantees().powerLoss()).isFalse();
            assertThat(store.guarantees().onceSafe()).isFalse();
        }
    }

    @Test
    void eventOfANewerFormat_isRefused_notGuessed() throws SQLException {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
            sql(file, "UPDATE perdure_event SET body = CAST('{\"v\":9,\"type\":\"SessionOpened\"}' AS BLOB)");
            assertThatThrownBy(() -> store.read(ID, 0, 10))
                    .isInstanceOf(UnsupportedFormatException.class)
                    .hasMessageContaining("format 9");
            sql(file, "UPDATE perdure_event SET codec = 3");
            assertThatThrownBy(() -> store.read(ID, 0, 10))
                    .isInstanceOf(UnsupportedFormatException.class)
                    .hasMessageContaining("encoding 3");
        }
    }

    @Test
    void closedStore_saysSo() {
        SessionStore store = JdbcSessionStore.sqlite(file);
        store.close();
        store.close();

        assertThatThrownBy(() -> store.find(ID)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void reopening_findsEverything_andMigratesNothing() throws SQLException {
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
            store.post(ID, message("k"));
        }
        var statistics = new SqliteStore.Statistics();
        try (SessionStore store =
                JdbcSessionStore.sqlite(file, SqliteOptions.standard(), SqliteStore.logging(statistics))) {
            assertThat(log(store, ID)).hasSize(1);
            assertThat(store.inbox(ID, 0, 10)).hasSize(1);
        }
        assertThat(statistics.during(() -> {})).isEmpty();
        assertThat(query(file, "SELECT count(*) FROM perdure_schema")).isEqualTo(KNOWN);
        assertThat(query(file, "PRAGMA journal_mode")).isEqualTo("wal");
        assertThat(query(file, "PRAGMA page_size")).isEqualTo("8192");
    }

    private static void assertFull(ThrowingCallable call, String... words) {
        assertThatThrownBy(call)
                .isInstanceOf(StoreException.class)
                .hasMessageContainingAll(words)
                .matches(e -> ((StoreException) e).retryable(), "is retryable");
    }

    private static void assertUnusable(ThrowingCallable call, String... words) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.retryable()).isFalse())
                .message()
                .contains(words);
    }
}

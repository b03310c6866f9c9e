package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Input;
import dev.perdure.Outcome;
import dev.perdure.RuntimeListener;
import dev.perdure.Turn;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.KeySource;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import dev.perdure.testkit.ScriptedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CodecSqliteTest extends CodecContract {
    @TempDir
    Path folder;

    @Override
    SessionStore opened(BodyCodec codec) {
        return JdbcSessionStore.sqlite(
                folder.resolve("sessions.db"), SqliteOptions.standard().codec(codec));
    }

    @Override
    Connection connection() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("sessions.db"));
    }

    /** In free pages and the log of changes too, while the store is open and after it is closed. */
    @Test
    void noClearText_reachesTheFile() throws IOException {
        SessionStore store = open(Keys.codec());
        fill(store, SqliteStore.ID);
        assertThat(filesWith("acme")).contains("sessions.db-wal");
        assertThat(filesWith(SECRET)).isEmpty();

        store.close();

        assertThat(filesWith("acme")).containsExactly("sessions.db");
        assertThat(filesWith(SECRET)).isEmpty();
    }

    @Test
    void clearText_isFoundInTheFileOfAStoreWithoutKeys() throws IOException {
        SessionStore store = open(BodyCodec.plain());
        fill(store, SqliteStore.ID);
        assertThat(filesWith(SECRET)).contains("sessions.db-wal");
        store.close();
        assertThat(filesWith(SECRET)).containsExactly("sessions.db");
    }

    /** Nothing is left out of what a model is asked with: who has no key for a session does not go on with it. */
    @Test
    void aRunWithoutTheKey_asksNoModel_andOneWithItGoesOn() throws InterruptedException {
        Input second = Input.text("go on").key("mail-2");
        try (AgentRuntime runtime = AgentRuntime.open(open(Keys.codec()), agent(ScriptedModel.replies("hello")))) {
            Turn turn = runtime.open(SqliteStore.ID, SqliteStore.AGENT).send(SECRET);
            assertThat(turn.await(Duration.ofSeconds(30))).isPresent();
        }

        ScriptedModel unasked = ScriptedModel.replies("never");
        BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
        SessionStore without = open(BodyCodec.plain().decrypt(KeySource.of(Keys.SECOND)));
        try (AgentRuntime runtime = AgentRuntime.builder(without)
                .agents(agent(unasked))
                .listener(new RuntimeListener() {
                    @Override
                    public void onRunFailed(SessionId session, Throwable error) {
                        failures.add(error);
                    }
                })
                .build()) {
            runtime.open(SqliteStore.ID, SqliteStore.AGENT).send(second);
            assertThat(failures.poll(30, TimeUnit.SECONDS))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContainingAll("event 1 of acme/ticket-1", "2026-01", "does not have");
        }
        without.close();
        assertThat(unasked.requests()).isEmpty();

        ScriptedModel asked = ScriptedModel.replies("hello", "gone on");
        try (AgentRuntime runtime = AgentRuntime.open(open(Keys.codec()), agent(asked))) {
            Turn turn = runtime.open(SqliteStore.ID, SqliteStore.AGENT).send(second);
            assertThat(turn.await(Duration.ofSeconds(30)))
                    .hasValueSatisfying(outcome -> assertThat(outcome).isInstanceOf(Outcome.Done.class));
        }
        assertThat(asked.requests()).hasSize(1);
        assertThat(asked.requests().get(0).messages().toString()).contains(SECRET, "hello", "go on");
    }

    private static Agent agent(ScriptedModel model) {
        return Agent.builder(SqliteStore.AGENT).model(model).build();
    }

    private List<String> filesWith(String text) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> read(file).contains(text))
                    .map(file -> file.getFileName().toString())
                    .toList();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

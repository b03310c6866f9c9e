package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.ID;
import static dev.perdure.session.jdbc.SqliteStore.end;
import static dev.perdure.session.jdbc.SqliteStore.held;
import static dev.perdure.session.jdbc.SqliteStore.note;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static dev.perdure.session.jdbc.SqliteStore.sql;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.perdure.Operator;
import dev.perdure.session.CallId;
import dev.perdure.session.EventId;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.StoreException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What goes wrong in a database is said without what was to be written, and without passwords, down to the last cause: applications log all of it. */
class ContentInMessagesTest {
    private static final String SECRET = "s3cret";

    @TempDir
    Path folder;

    @Test
    void refusedQuestion_isSaidWithoutItsArguments() throws SQLException {
        Path file = folder.resolve("s.db");
        try (SessionStore store = JdbcSessionStore.sqlite(file)) {
            opened(store, ID);
            sql(file, "CREATE TRIGGER no BEFORE INSERT ON perdure_question BEGIN SELECT RAISE(ABORT, 'not now'); END");

            assertSaidWithoutContent(() -> ask(store), "SQLITE_CONSTRAINT_TRIGGER");
        }
    }

    @Test
    void whatPostgresRefuses_isSaidWithoutContent_inAppendsAndInImports() throws IOException {
        try (Postgres postgres = Postgres.empty();
                SessionStore store = JdbcSessionStore.of(postgres.pool())) {
            opened(store, ID);
            store.post(ID, Messages.text("k", SECRET));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Operator.of(store).exportSession(ID, out);
            postgres.sql(
                    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
                    "CREATE TRIGGER no BEFORE INSERT ON perdure_question FOR EACH ROW EXECUTE FUNCTION no()",
                    "CREATE TRIGGER no BEFORE INSERT ON perdure_inbox FOR EACH ROW EXECUTE FUNCTION no()");

            assertSaidWithoutContent(() -> ask(store), "P0001");
            assertSaidWithoutContent(
                    () -> Operator.of(store)
                            .importSession(new ByteArrayInputStream(out.toByteArray()), SessionId.of("acme", "copy")),
                    "P0001");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "jdbc:postgresql://host:5432/db?user=app&password=s3cret, jdbc:postgresql://host:5432/db",
        "jdbc:h2:file:/data/s;USER=sa;PASSWORD=s3cret, jdbc:h2:file:/data/s",
        "jdbc:mysql://app:s3cret@host:3306/db, jdbc:mysql://host:3306/db",
        "jdbc:mysql://address=(host=h)(password=s3cret)/db, jdbc:mysql://address=/db"
    })
    void addressOfADatabase_isSaidWithoutUserAndPassword(String url, String said) {
        assertThat(Place.withoutSecrets(url)).isEqualTo(said);
    }

    private static void ask(SessionStore store) {
        Lease lease = held(store, ID, WorkerId.random());
        CallId call = CallId.of(EventId.random(), 0);
        Question question = new Question(
                new QuestionId(ID, call.value()),
                Question.Kind.APPROVAL,
                call,
                "refund",
                SECRET,
                SECRET,
                Instant.EPOCH);
        store.append(
                lease,
                end(store, ID),
                new Batch(List.of(note(SECRET)), List.of(), List.of(question), List.of(), null, null));
    }

    private static void assertSaidWithoutContent(ThrowingCallable call, String reason) {
        Throwable thrown = catchThrowable(call);
        assertThat(thrown).isInstanceOf(StoreException.class).hasMessageContaining(reason);
        StringWriter all = new StringWriter();
        thrown.printStackTrace(new PrintWriter(all));
        assertThat(all.toString())
                .doesNotContain(SECRET, HexFormat.of().formatHex(SECRET.getBytes(StandardCharsets.UTF_8)));
    }
}

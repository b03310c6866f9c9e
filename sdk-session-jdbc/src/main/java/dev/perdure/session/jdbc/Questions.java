package dev.perdure.session.jdbc;

import dev.perdure.session.CallId;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/** The open questions; an index beside the log, written with it. Thread-safe. */
final class Questions {
    private static final String QUESTION = """
            SELECT s.tenant, s.name, q.question_key, q.kind, q.call_id, q.tool, q.arguments, q.text, q.asked_at
            FROM perdure_question q JOIN perdure_session s ON s.id = q.session
            """;

    private final Database database;
    private final Statements sql;
    private final BodyCodec codec;

    Questions(Database database, Statements sql, BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.codec = codec;
    }

    List<Question> list(TenantId tenant, @Nullable Question after, int limit) {
        Limits.require(limit);
        List<Question> rows = database.read(null, handle -> {
            Query query = handle.createQuery(QUESTION + "WHERE q.tenant = :tenant"
                            + (after == null
                                    ? ""
                                    : " AND (q.asked_at, q.session, q.question_key) > (:at, " + SESSION + ", :key)")
                            + " ORDER BY q.asked_at, q.session, q.question_key LIMIT :limit")
                    .bind("tenant", tenant.value())
                    .bind("limit", limit);
            if (after != null) {
                query.bind("at", after.askedAt().toEpochMilli())
                        .bind("name", after.id().session().name())
                        .bind("key", after.id().key());
            }
            return query.map((row, context) -> question(row)).list();
        });
        return rows.stream().map(this::decoded).toList();
    }

    private static final String SESSION = "(SELECT id FROM perdure_session WHERE tenant = :tenant AND name = :name)";

    Optional<Question> find(QuestionId id) {
        SessionId session = id.session();
        Optional<Question> row = database.read(
                session,
                handle -> handle.createQuery(
                                QUESTION + "WHERE s.tenant = :tenant AND s.name = :name AND q.question_key = :key")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .bind("key", id.key())
                        .map((found, context) -> question(found))
                        .findOne());
        return row.map(this::decoded);
    }

    /** All of one session, {@link #encoded}. */
    static List<Question> of(Handle handle, long session) {
        return handle.createQuery(QUESTION + "WHERE q.session = :session ORDER BY q.asked_at, q.question_key")
                .bind("session", session)
                .map((row, context) -> question(row))
                .list();
    }

    /** As {@link #open}; they keep their time. */
    static void restore(Handle handle, long session, List<Question> questions) {
        for (Question question : questions) {
            bind(handle.createUpdate("""
                            INSERT INTO perdure_question (session, question_key, tenant, asked_at, kind, call_id, tool, arguments, text)
                            VALUES (:session, :key, :tenant, :at, :kind, :call, :tool, :arguments, :text)"""), question, "")
                    .bind("session", session)
                    .bind("at", question.askedAt().toEpochMilli())
                    .execute();
        }
    }

    /** As they are stored. Before a connection is taken, for the source of keys may be far away. */
    List<Question> encoded(List<Question> questions) {
        return questions.stream()
                .map(question -> with(
                        question,
                        codec.encode(BodyPlace.arguments(question), question.arguments()),
                        codec.encode(BodyPlace.text(question), question.text())))
                .toList();
    }

    /** The other way round. */
    Question decoded(Question row) {
        return with(
                row,
                codec.decode(BodyPlace.arguments(row), row.arguments()),
                codec.decode(BodyPlace.text(row), row.text()));
    }

    private static Question with(Question question, String arguments, String text) {
        return new Question(
                question.id(), question.kind(), question.call(), question.tool(), arguments, text, question.askedAt());
    }

    /** @param questions {@link #encoded} */
    void open(Handle handle, long session, List<Question> questions) {
        for (Question question : questions) {
            bind(handle.createUpdate(sql.ask()), question, "")
                    .bind("session", session)
                    .bind("now", database.now())
                    .execute();
        }
    }

    /**
     * For a statement that asks several questions: the names end in the number of the question.
     *
     * @param questions {@link #encoded}
     */
    void bind(Query query, List<Question> questions) {
        for (int i = 0; i < questions.size(); i++) {
            bind(query, questions.get(i), Integer.toString(i));
        }
    }

    private static <S extends SqlStatement<S>> S bind(S statement, Question question, String suffix) {
        return statement
                .bind("key" + suffix, question.id().key())
                .bind("tenant", question.id().session().tenant().value())
                .bind("kind" + suffix, question.kind().name())
                .bind("call" + suffix, question.call().value())
                .bind("tool" + suffix, question.tool())
                .bind("arguments" + suffix, question.arguments())
                .bind("text" + suffix, question.text());
    }

    /** One of these that is open already. */
    Optional<Question> findOpen(Handle handle, long session, List<Question> questions) {
        if (questions.isEmpty()) {
            return Optional.empty();
        }
        List<String> keys =
                questions.stream().map(question -> question.id().key()).toList();
        List<String> open = handle.createQuery(
                        "SELECT question_key FROM perdure_question WHERE session = :session AND question_key IN (<keys>)")
                .bind("session", session)
                .bindList("keys", keys)
                .mapTo(String.class)
                .list();
        return questions.stream()
                .filter(question -> open.contains(question.id().key()))
                .findFirst();
    }

    static IllegalArgumentException isOpen(Question question) {
        return new IllegalArgumentException("the question " + question.id() + " is open already");
    }

    void close(Handle handle, long session, List<String> keys) {
        if (!keys.isEmpty()) {
            handle.createUpdate("DELETE FROM perdure_question WHERE session = :session AND question_key IN (<keys>)")
                    .bind("session", session)
                    .bindList("keys", keys)
                    .execute();
        }
    }

    /** As it is stored. */
    private static Question question(ResultSet row) throws SQLException {
        return new Question(
                new QuestionId(SessionId.of(row.getString(1), row.getString(2)), row.getString(3)),
                Stored.constant(Question.Kind.class, row.getString(4)),
                new CallId(row.getString(5)),
                row.getString(6),
                row.getString(7),
                row.getString(8),
                Instant.ofEpochMilli(row.getLong(9)));
    }
}

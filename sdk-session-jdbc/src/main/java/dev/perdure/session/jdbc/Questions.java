package dev.perdure.session.jdbc;

import dev.perdure.session.CallId;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
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
            SELECT s.tenant, s.name, q.key, q.kind, q.call_id, q.tool, q.arguments, q.text, q.asked_at
            FROM perdure_question q JOIN perdure_session s ON s.id = q.session
            """;

    private final Database database;
    private final Statements sql;

    Questions(Database database, Statements sql) {
        this.database = database;
        this.sql = sql;
    }

    List<Question> list(TenantId tenant, @Nullable Question after, int limit) {
        Limits.require(limit);
        return database.read(null, handle -> {
            Query query = handle.createQuery(QUESTION + "WHERE q.tenant = :tenant"
                            + (after == null
                                    ? ""
                                    : " AND (q.asked_at, q.session, q.key) > (:at, " + SESSION + ", :key)")
                            + " ORDER BY q.asked_at, q.session, q.key LIMIT :limit")
                    .bind("tenant", tenant.value())
                    .bind("limit", limit);
            if (after != null) {
                query.bind("at", after.askedAt().toEpochMilli())
                        .bind("name", after.id().session().name())
                        .bind("key", after.id().key());
            }
            return query.map((row, context) -> question(row)).list();
        });
    }

    private static final String SESSION = "(SELECT id FROM perdure_session WHERE tenant = :tenant AND name = :name)";

    Optional<Question> find(QuestionId id) {
        SessionId session = id.session();
        return database.read(
                session,
                handle -> handle.createQuery(QUESTION + "WHERE s.tenant = :tenant AND s.name = :name AND q.key = :key")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .bind("key", id.key())
                        .map((row, context) -> question(row))
                        .findOne());
    }

    /** All of one session. */
    List<Question> of(Handle handle, long session) {
        return handle.createQuery(QUESTION + "WHERE q.session = :session ORDER BY q.asked_at, q.key")
                .bind("session", session)
                .map((row, context) -> question(row))
                .list();
    }

    /** As {@link #open}, for questions of which none is open and that keep their time. */
    void restore(Handle handle, long session, List<Question> questions) {
        for (Question question : questions) {
            bind(handle.createUpdate("""
                                    INSERT INTO perdure_question (session, key, tenant, asked_at, kind, call_id, tool, arguments, text)
                                    VALUES (:session, :key, :tenant, :at, :kind, :call, :tool, :arguments, :text)"""), question, "")
                    .bind("session", session)
                    .bind("at", question.askedAt().toEpochMilli())
                    .execute();
        }
    }

    void open(Handle handle, long session, List<Question> questions) {
        for (Question question : questions) {
            int opened = bind(handle.createUpdate(sql.ask()), question, "")
                    .bind("session", session)
                    .bind("now", database.now())
                    .execute();
            if (opened != 1) {
                throw isOpen(question);
            }
        }
    }

    /** For a statement that asks several questions: the names end in the number of the question. */
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
                        "SELECT key FROM perdure_question WHERE session = :session AND key IN (<keys>)")
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
            handle.createUpdate("DELETE FROM perdure_question WHERE session = :session AND key IN (<keys>)")
                    .bind("session", session)
                    .bindList("keys", keys)
                    .execute();
        }
    }

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

package dev.perdure.session.jdbc;

import dev.perdure.session.Draft;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Release;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** The events of sessions. Thread-safe. */
final class Log {
    /** Bodies are plain JSON in UTF-8. */
    private static final int PLAIN = 0;

    private final Database database;
    private final Statements sql;
    private final Questions questions;
    /** By number of events. */
    private final Map<Integer, Prepared> appends = new ConcurrentHashMap<>();

    Log(Database database, Statements sql, Questions questions) {
        this.database = database;
        this.sql = sql;
        this.questions = questions;
    }

    Appended append(Lease lease, Position after, Batch batch) {
        require(lease, batch);
        Optional<Instant> written;
        try {
            written = write(lease, after, batch);
        } catch (Faults.Clash e) {
            written = Optional.empty();
        }
        return written.<Appended>map(at -> new Appended.Ok(last(after, batch), at))
                .orElseGet(() -> database.read(lease.session(), handle -> whyNot(handle, lease, after, batch)));
    }

    private Optional<Instant> write(Lease lease, Position after, Batch batch) {
        if (batch.onlyEvents()) {
            return database.writeBare(lease.session(), connection -> insert(connection, lease, after, batch));
        }
        return database.writesTogether()
                ? database.write(lease.session(), handle -> writeTogether(handle, lease, after, batch))
                : database.transact(lease.session(), handle -> writeOneByOne(handle, lease, after, batch));
    }

    Position head(SessionId id) {
        return database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT e.seq, e.id FROM perdure_event e WHERE e.session = (
                          SELECT s.id FROM perdure_session s WHERE s.tenant = :tenant AND s.name = :name)
                        ORDER BY e.seq DESC LIMIT 1""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .map((row, context) ->
                                new Position(row.getLong("seq"), new EventId(Uuids.of(row.getBytes("id")))))
                        .findOne()
                        .orElse(Position.START));
    }

    /** The session is not joined but looked up first: then the index gives the order, and no page makes the rest of the log be sorted. */
    List<Recorded> read(SessionId id, long after, int limit) {
        Limits.require(limit);
        return database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT e.seq, e.id, e.turn, e.fence, e.at, e.codec, e.body FROM perdure_event e WHERE e.session = (
                          SELECT s.id FROM perdure_session s WHERE s.tenant = :tenant AND s.name = :name)
                          AND e.seq > :after ORDER BY e.seq LIMIT :limit""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("after", after)
                        .bind("limit", limit)
                        .map((row, context) -> recorded(id, row))
                        .list());
    }

    /** The first event of a new session; everybody else goes through {@link #append}. */
    void start(Handle handle, long session, Draft first) {
        handle.createUpdate(sql.start())
                .bind("session", session)
                .bind("id", Uuids.bytes(first.id().value()))
                .bind("turn", first.turn())
                .bind("now", database.now())
                .bind("type", first.event().type())
                .bind("progress", first.event().movesForward() ? 1 : 0)
                .bind("body", first.json().getBytes(StandardCharsets.UTF_8))
                .execute();
    }

    private static void require(Lease lease, Batch batch) {
        for (Question question : batch.opened()) {
            if (!question.id().session().equals(lease.session())) {
                throw new IllegalArgumentException(
                        "the question " + question.id() + " is not of the session " + lease.session());
            }
        }
    }

    private Optional<Instant> insert(Connection connection, Lease lease, Position after, Batch batch)
            throws SQLException {
        Prepared append = appends.computeIfAbsent(batch.events().size(), size -> Prepared.of(sql.append(size)));
        try (PreparedStatement statement = append.on(connection, values(lease, after, batch));
                ResultSet row = statement.executeQuery()) {
            int written = 0;
            long at = 0;
            while (row.next()) {
                written++;
                at = row.getLong(1);
            }
            return written == batch.events().size() ? Optional.of(Instant.ofEpochMilli(at)) : Optional.empty();
        }
    }

    private Map<String, Object> values(Lease lease, Position after, Batch batch) {
        Map<String, Object> values = new HashMap<>();
        values.put("session", lease.key());
        values.put("fence", lease.fence());
        values.put("owner", lease.owner().value());
        values.put("after", after.seq());
        values.put("afterId", Uuids.bytes(after.event().value()));
        values.put("now", database.now());
        for (int i = 0; i < batch.events().size(); i++) {
            Draft draft = batch.events().get(i);
            values.put("n" + i, i + 1);
            values.put("id" + i, Uuids.bytes(draft.id().value()));
            values.put("turn" + i, draft.turn());
            values.put("type" + i, draft.event().type());
            values.put("progress" + i, draft.event().movesForward() ? 1 : 0);
            values.put("body" + i, draft.json().getBytes(StandardCharsets.UTF_8));
        }
        return values;
    }

    /** When the events were written; empty when they were not. */
    private static Optional<Instant> time(Query query, Batch batch) {
        List<Long> times = query.mapTo(Long.class).list();
        return times.size() == batch.events().size()
                ? Optional.of(Instant.ofEpochMilli(times.get(times.size() - 1)))
                : Optional.empty();
    }

    private Optional<Instant> writeTogether(Handle handle, Lease lease, Position after, Batch batch) {
        Query query = handle.createQuery(sql.appendTogether(batch)).bindMap(values(lease, after, batch));
        bindRelease(query, batch);
        if (!batch.consumed().isEmpty()) {
            bindConsumed(query, after, batch).bind("consuming", batch.consumed().size());
        }
        if (!batch.closed().isEmpty()) {
            query.bindList("closed", batch.closed());
        }
        questions.bind(query, batch.opened());
        return time(query, batch);
    }

    private Optional<Instant> writeOneByOne(Handle handle, Lease lease, Position after, Batch batch) {
        Optional<Instant> at;
        try {
            at = insert(handle.getConnection(), lease, after, batch);
        } catch (SQLException e) {
            throw new UnableToExecuteStatementException(e, null);
        }
        if (at.isPresent()) {
            consume(handle, lease, after, batch);
            questions.open(handle, lease.key(), batch.opened());
            questions.close(handle, lease.key(), batch.closed());
            if (batch.agent() != null || batch.release() != null) {
                bindRelease(handle.createUpdate(sql.change(batch)), batch)
                        .bind("session", lease.key())
                        .bind("now", database.now())
                        .execute();
            }
        }
        return at;
    }

    private static <S extends SqlStatement<S>> S bindRelease(S statement, Batch batch) {
        String agent = batch.agent();
        if (agent != null) {
            statement.bind("agent", agent);
        }
        Release release = batch.release();
        if (release != null) {
            statement.bind("target", release.target().name()).bind("seen", release.seenInbox());
        }
        return statement;
    }

    private void consume(Handle handle, Lease lease, Position after, Batch batch) {
        List<Long> positions = batch.consumed();
        if (!positions.isEmpty()) {
            int consumed = bindConsumed(handle.createUpdate(sql.consume()), after, batch)
                    .bind("session", lease.key())
                    .execute();
            if (consumed != positions.size()) {
                throw nothingToConsume(lease, positions);
            }
        }
    }

    private static <S extends SqlStatement<S>> S bindConsumed(S statement, Position after, Batch batch) {
        return statement
                .bind("seq", after.seq() + batch.events().size())
                .bind("empty", new byte[0])
                .bindList("positions", batch.consumed());
    }

    private static IllegalArgumentException nothingToConsume(Lease lease, List<Long> positions) {
        return new IllegalArgumentException(lease.session() + ": not all of the inbox items " + positions
                + " are there to be consumed; each is consumed once");
    }

    /** Whatever the fence, a batch that is in the log was written; its writer only did not hear of it. */
    private Appended whyNot(Handle handle, Lease lease, Position after, Batch batch) {
        List<EventId> wanted = batch.events().stream().map(Draft::id).toList();
        List<EventId> there = handle.createQuery("""
                        SELECT id FROM perdure_event WHERE session = :session AND seq > :after
                        ORDER BY seq LIMIT :limit""")
                .bind("session", lease.key())
                .bind("after", after.seq())
                .bind("limit", wanted.size())
                .map((row, context) -> new EventId(Uuids.of(row.getBytes(1))))
                .list();
        if (there.equals(wanted)) {
            return new Appended.Duplicate(last(after, batch));
        }
        if (!holds(handle, lease)) {
            return new Appended.LeaseLost();
        }
        if (!batch.onlyEvents() && there.isEmpty() && endsAt(handle, lease, after)) {
            throw unfit(handle, lease, batch);
        }
        return new Appended.Conflict();
    }

    private static boolean endsAt(Handle handle, Lease lease, Position after) {
        return handle.createQuery("SELECT id FROM perdure_event WHERE session = :session AND seq = :after")
                .bind("session", lease.key())
                .bind("after", after.seq())
                .map((row, context) -> new EventId(Uuids.of(row.getBytes(1))))
                .findOne()
                .filter(after.event()::equals)
                .isPresent();
    }

    /** The log would have taken the events, so what should go with them does not fit. */
    private IllegalArgumentException unfit(Handle handle, Lease lease, Batch batch) {
        return questions
                .findOpen(handle, lease.key(), batch.opened())
                .map(Questions::isOpen)
                .orElseGet(() -> nothingToConsume(lease, batch.consumed()));
    }

    private boolean holds(Handle handle, Lease lease) {
        Optional<Integer> row = handle.createQuery(
                        "SELECT 1 FROM perdure_session s WHERE s.id = :session AND " + sql.held())
                .bind("session", lease.key())
                .bind("fence", lease.fence())
                .bind("owner", lease.owner().value())
                .mapTo(Integer.class)
                .findOne();
        return row.isPresent();
    }

    private static Position last(Position after, Batch batch) {
        int count = batch.events().size();
        return new Position(after.seq() + count, batch.events().get(count - 1).id());
    }

    private static Recorded recorded(SessionId session, ResultSet row) throws SQLException {
        int codec = row.getInt(6);
        if (codec != PLAIN) {
            throw new UnsupportedFormatException(
                    "event " + row.getLong(1) + " of " + session + " is stored in encoding " + codec
                            + ", this version reads " + PLAIN + ": upgrade before this session goes on");
        }
        return Recorded.of(
                row.getLong(1),
                new EventId(Uuids.of(row.getBytes(2))),
                row.getInt(3),
                row.getLong(4),
                Instant.ofEpochMilli(row.getLong(5)),
                new String(row.getBytes(7), StandardCharsets.UTF_8));
    }
}

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
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/** The events of sessions. Thread-safe. */
final class Log {
    /** Bodies are plain JSON in UTF-8. */
    private static final int PLAIN = 0;

    private final Database database;
    private final Statements sql;
    private final Questions questions;

    Log(Database database, Statements sql, Questions questions) {
        this.database = database;
        this.sql = sql;
        this.questions = questions;
    }

    Appended append(Lease lease, Position after, Batch batch) {
        require(lease, batch);
        long now = database.now();
        boolean written;
        try {
            written = batch.onlyEvents()
                    ? database.write(lease.session(), handle -> insert(handle, lease, after, batch, now))
                    : database.transact(lease.session(), handle -> insertAll(handle, lease, after, batch, now));
        } catch (Faults.Clash e) {
            written = false;
        }
        return written
                ? new Appended.Ok(last(after, batch), Instant.ofEpochMilli(now))
                : database.read(lease.session(), handle -> whyNot(handle, lease, after, batch));
    }

    Position head(SessionId id) {
        return database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT e.seq, e.id
                        FROM perdure_session s JOIN perdure_event e ON e.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name ORDER BY e.seq DESC LIMIT 1""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .map((row, context) ->
                                new Position(row.getLong("seq"), new EventId(Uuids.of(row.getBytes("id")))))
                        .findOne()
                        .orElse(Position.START));
    }

    List<Recorded> read(SessionId id, long after, int limit) {
        Limits.require(limit);
        return database.read(
                id,
                handle -> handle.createQuery("""
                        SELECT e.seq, e.id, e.turn, e.fence, e.at, e.codec, e.body
                        FROM perdure_session s JOIN perdure_event e ON e.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND e.seq > :after ORDER BY e.seq LIMIT :limit""")
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .bind("after", after)
                        .bind("limit", limit)
                        .map((row, context) -> recorded(id, row))
                        .list());
    }

    /** The first event of a new session; everybody else goes through {@link #append}. */
    void start(Handle handle, long session, Draft first) {
        handle.createUpdate("""
                        INSERT INTO perdure_event (session, seq, id, turn, fence, at, type, progress, codec, body)
                        VALUES (:session, 1, :id, :turn, 0, :at, :type, :progress, 0, :body)""")
                .bind("session", session)
                .bind("id", Uuids.bytes(first.id().value()))
                .bind("turn", first.turn())
                .bind("at", database.now())
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

    private boolean insert(Handle handle, Lease lease, Position after, Batch batch, long now) {
        Update insert = handle.createUpdate(sql.append(batch.events().size()))
                .bind("session", lease.key())
                .bind("fence", lease.fence())
                .bind("owner", lease.owner().value())
                .bind("after", after.seq())
                .bind("afterId", Uuids.bytes(after.event().value()))
                .bind("now", now);
        for (int i = 0; i < batch.events().size(); i++) {
            Draft draft = batch.events().get(i);
            insert.bind("n" + i, i + 1)
                    .bind("id" + i, Uuids.bytes(draft.id().value()))
                    .bind("turn" + i, draft.turn())
                    .bind("type" + i, draft.event().type())
                    .bind("progress" + i, draft.event().movesForward() ? 1 : 0)
                    .bind("body" + i, draft.json().getBytes(StandardCharsets.UTF_8));
        }
        return insert.execute() == batch.events().size();
    }

    private boolean insertAll(Handle handle, Lease lease, Position after, Batch batch, long now) {
        if (!insert(handle, lease, after, batch, now)) {
            return false;
        }
        consume(handle, lease, batch.consumed(), after.seq() + batch.events().size());
        questions.open(handle, lease.key(), batch.opened(), now);
        questions.close(handle, lease.key(), batch.closed());
        String agent = batch.agent();
        if (agent != null) {
            session(handle, sql.handOver(), lease, now).bind("agent", agent).execute();
        }
        Release release = batch.release();
        if (release != null) {
            session(handle, sql.release(), lease, now)
                    .bind("now", now)
                    .bind("target", release.target().name())
                    .bind("seen", release.seenInbox())
                    .execute();
        }
        return true;
    }

    private static Update session(Handle handle, String statement, Lease lease, long now) {
        return handle.createUpdate(statement).bind("session", lease.key()).bind("at", now);
    }

    private void consume(Handle handle, Lease lease, List<Long> positions, long seq) {
        if (positions.isEmpty()) {
            return;
        }
        int consumed = handle.createUpdate(sql.consume())
                .bind("session", lease.key())
                .bind("seq", seq)
                .bind("empty", new byte[0])
                .bindList("positions", positions)
                .execute();
        if (consumed != positions.size()) {
            throw new IllegalArgumentException(lease.session() + ": of the inbox items " + positions + " only "
                    + consumed + " are there to be consumed; each is consumed once");
        }
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
        return holds(handle, lease) ? new Appended.Conflict() : new Appended.LeaseLost();
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

package dev.perdure.session.jdbc;

import dev.perdure.session.Draft;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.StoreException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
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
    /** Not a join: PostgreSQL would read the whole rest of the log and sort it, for each page, since it takes no order from a table behind the first. */
    private static final String OF_ONE_SESSION =
            " FROM perdure_event e WHERE e.session = (SELECT s.id FROM perdure_session s WHERE s.tenant = :tenant AND s.name = :name)";

    static final String READ = "SELECT e.seq, e.id, e.turn, e.fence, e.at, e.type, e.codec, e.body" + OF_ONE_SESSION
            + " AND e.seq > :after ORDER BY e.seq LIMIT :limit";

    static final String HEAD = "SELECT e.seq, e.id" + OF_ONE_SESSION + " ORDER BY e.seq DESC LIMIT 1";

    /** The body is plain JSON in UTF-8. */
    static final int PLAIN = 0;

    /** The body is what {@link BodyCodec} made of it. */
    static final int ENCODED = 1;

    private final Database database;
    private final Statements sql;
    private final Questions questions;
    private final BodyCodec codec;
    /** By number of events. */
    private final Map<Integer, Prepared> appends = new ConcurrentHashMap<>();

    private final Prepared writtenAt;
    /** Bare, because JDBI takes as long for each row as the database. */
    private final Prepared reads;

    Log(Database database, Statements sql, Questions questions, BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.questions = questions;
        this.codec = codec;
        this.writtenAt = Prepared.of(database.tables().in(sql.writtenAt()));
        this.reads = Prepared.of(database.tables().in(READ));
    }

    Appended append(Lease lease, Position after, Batch batch) {
        require(lease, batch);
        Optional<Instant> written;
        try {
            written = write(encoded(lease, after, batch));
        } catch (Faults.Clash e) {
            written = Optional.empty();
        }
        return written.<Appended>map(at -> new Appended.Ok(last(after, batch), at))
                .orElseGet(() -> database.read(lease.session(), handle -> whyNot(handle, lease, after, batch)));
    }

    /** The body of an event as it is stored. */
    static final class Body {
        private final int codec;
        private final byte[] bytes;

        Body(int codec, byte[] bytes) {
            this.codec = codec;
            this.bytes = bytes;
        }

        int codec() {
            return codec;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /**
     * An append whose bodies are as they are stored: made before a connection or a turn to write is taken, for the source of keys may be far away.
     *
     * @param batch its questions too are as they are stored
     */
    private record Encoded(Lease lease, Position after, Batch batch, List<Body> bodies) {
        int size() {
            return bodies.size();
        }
    }

    private Encoded encoded(Lease lease, Position after, Batch batch) {
        List<Body> bodies = new ArrayList<>();
        for (Draft draft : batch.events()) {
            bodies.add(encoded(lease.session(), after.seq() + bodies.size() + 1, draft));
        }
        List<Question> opened = questions.encoded(batch.opened());
        Batch stored = opened.isEmpty()
                ? batch
                : new Batch(batch.events(), batch.consumed(), opened, batch.closed(), batch.agent(), batch.release());
        return new Encoded(lease, after, stored, bodies);
    }

    private Body encoded(SessionId session, long seq, Draft draft) {
        BodyPlace place = BodyPlace.event(
                session, seq, draft.id(), draft.turn(), draft.event().type());
        byte[] bytes = codec.encode(place, draft.json().getBytes(StandardCharsets.UTF_8));
        return new Body(BodyCodec.isEncoded(bytes) ? ENCODED : PLAIN, bytes);
    }

    private Optional<Instant> write(Encoded append) {
        SessionId session = append.lease().session();
        database.requireFits(session, append.bodies(), Body::bytes);
        if (append.batch().onlyEvents()) {
            return database.writeBare(session, connection -> insert(connection, append));
        }
        return database.dialect().writesTogether()
                ? database.write(session, handle -> writeTogether(handle, append))
                : database.transact(session, handle -> writeOneByOne(handle, append));
    }

    Position head(SessionId id) {
        return database.read(
                id,
                handle -> handle.createQuery(HEAD)
                        .bind("tenant", id.tenant().value())
                        .bind("name", id.name())
                        .map((row, context) ->
                                new Position(row.getLong("seq"), new EventId(Uuids.of(row.getBytes("id")))))
                        .findOne()
                        .orElse(Position.START));
    }

    List<Recorded> read(SessionId id, long after, int limit) {
        Limits.require(limit);
        Map<String, Object> values =
                Map.of("tenant", id.tenant().value(), "name", id.name(), "after", after, "limit", limit);
        List<Row> rows = database.readBare(id, connection -> {
            try (PreparedStatement statement = reads.on(connection, values);
                    ResultSet row = statement.executeQuery()) {
                List<Row> page = new ArrayList<>();
                while (row.next()) {
                    page.add(Row.of(row));
                }
                return page;
            }
        });
        return rows.stream().map(row -> recorded(id, row)).toList();
    }

    /** The body of the first event of a new session. */
    Body first(SessionId session, Draft first) {
        return encoded(session, 1, first);
    }

    /** The first event of a new session; everybody else goes through {@link #append}. */
    void start(Handle handle, long session, Draft first, Body body) {
        handle.createUpdate(sql.start())
                .bind("session", session)
                .bind("id", Uuids.bytes(first.id().value()))
                .bind("turn", first.turn())
                .bind("now", database.now())
                .bind("type", first.event().type())
                .bind("progress", first.event().movesForward() ? 1 : 0)
                .bind("codec", body.codec())
                .bind("body", body.bytes())
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

    private Optional<Instant> insert(Connection connection, Encoded append) throws SQLException {
        Prepared prepared = appends.computeIfAbsent(
                append.size(), size -> Prepared.of(database.tables().in(sql.append(size))));
        try (PreparedStatement statement = prepared.on(connection, values(append))) {
            return database.dialect().answersInserts()
                    ? answered(statement, append)
                    : counted(connection, statement, append);
        }
    }

    private static Optional<Instant> answered(PreparedStatement statement, Encoded append) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            int written = 0;
            long at = 0;
            while (row.next()) {
                written++;
                at = row.getLong(1);
            }
            return written == append.size() ? Optional.of(Instant.ofEpochMilli(at)) : Optional.empty();
        }
    }

    private Optional<Instant> counted(Connection connection, PreparedStatement statement, Encoded append)
            throws SQLException {
        if (statement.executeUpdate() != append.size()) {
            return Optional.empty();
        }
        try (PreparedStatement time = writtenAt.on(
                        connection,
                        Map.of(
                                "session",
                                append.lease().key(),
                                "seq",
                                last(append.after(), append.batch()).seq()));
                ResultSet row = time.executeQuery()) {
            // Gone when the session was deleted in this moment.
            return row.next() ? Optional.of(Instant.ofEpochMilli(row.getLong(1))) : Optional.empty();
        }
    }

    private Map<String, Object> values(Encoded append) {
        Lease lease = append.lease();
        Position after = append.after();
        Map<String, Object> values = new HashMap<>();
        values.put("session", lease.key());
        values.put("fence", lease.fence());
        values.put("owner", lease.owner().value());
        values.put("after", after.seq());
        values.put("afterId", Uuids.bytes(after.event().value()));
        values.put("now", database.now());
        for (int i = 0; i < append.size(); i++) {
            Draft draft = append.batch().events().get(i);
            Body body = append.bodies().get(i);
            values.put("n" + i, i + 1);
            values.put("event" + i, Uuids.bytes(draft.id().value()));
            values.put("turn" + i, draft.turn());
            values.put("type" + i, draft.event().type());
            values.put("progress" + i, draft.event().movesForward() ? 1 : 0);
            values.put("codec" + i, body.codec());
            values.put("body" + i, body.bytes());
        }
        return values;
    }

    /** When the events were written; empty when they were not. */
    private static Optional<Instant> time(Query query, int events) {
        List<Long> times = query.mapTo(Long.class).list();
        return times.size() == events
                ? Optional.of(Instant.ofEpochMilli(times.get(times.size() - 1)))
                : Optional.empty();
    }

    private Optional<Instant> writeTogether(Handle handle, Encoded append) {
        Batch batch = append.batch();
        Query query = handle.createQuery(sql.appendTogether(batch)).bindMap(values(append));
        bindRelease(query, batch);
        if (!batch.consumed().isEmpty()) {
            bindConsumed(query, append.after(), batch)
                    .bind("consuming", batch.consumed().size());
        }
        if (!batch.closed().isEmpty()) {
            query.bindList("closed", batch.closed());
        }
        questions.bind(query, batch.opened());
        return time(query, append.size());
    }

    private Optional<Instant> writeOneByOne(Handle handle, Encoded append) {
        Lease lease = append.lease();
        Batch batch = append.batch();
        if (!sql.lock().isEmpty()) {
            handle.createQuery(sql.lock())
                    .bind("session", lease.key())
                    .mapTo(Long.class)
                    .findOne();
        }
        Optional<Instant> at;
        try {
            at = insert(handle.getConnection(), append);
        } catch (SQLException e) {
            throw new UnableToExecuteStatementException(e, null);
        }
        if (at.isPresent()) {
            consume(handle, lease, append.after(), batch);
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

    /** An event as it was read. */
    private record Row(long seq, EventId id, int turn, long fence, long at, String type, Body body) {
        static Row of(ResultSet row) throws SQLException {
            return new Row(
                    row.getLong(1),
                    new EventId(Uuids.of(row.getBytes(2))),
                    row.getInt(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getString(6),
                    new Body(row.getInt(7), row.getBytes(8)));
        }
    }

    private Recorded recorded(SessionId session, Row row) {
        return Recorded.of(
                row.seq(),
                row.id(),
                row.turn(),
                row.fence(),
                Instant.ofEpochMilli(row.at()),
                new String(decoded(session, row), StandardCharsets.UTF_8));
    }

    private byte[] decoded(SessionId session, Row row) {
        BodyPlace place = BodyPlace.event(session, row.seq(), row.id(), row.turn(), row.type());
        int encoding = row.body().codec();
        byte[] stored = row.body().bytes();
        if (encoding != PLAIN && encoding != ENCODED) {
            throw new UnsupportedFormatException(place + " is stored in encoding " + encoding
                    + ", this version reads up to " + ENCODED + ": upgrade before this session goes on");
        }
        if (BodyCodec.isEncoded(stored) != (encoding == ENCODED)) {
            throw StoreException.unusable(
                    place + " is not stored as its encoding " + encoding + " says; restore it from a backup",
                    session,
                    null);
        }
        return codec.decode(place, stored);
    }
}

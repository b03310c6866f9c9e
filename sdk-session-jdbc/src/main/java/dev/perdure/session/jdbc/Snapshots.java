package dev.perdure.session.jdbc;

import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Snapshot;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/** The newest snapshot of each session, in a table beside the log. Thread-safe. */
final class Snapshots {
    private final Database database;
    private final Statements sql;
    private final BodyCodec codec;
    private final Prepared reads;

    Snapshots(Database database, Statements sql, BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.codec = codec;
        this.reads = Prepared.of(database.tables().in("""
                SELECT p.seq, p.event, p.codec, p.body
                FROM perdure_session s JOIN perdure_snapshot p ON p.session = s.id
                WHERE s.tenant = :tenant AND s.name = :name"""));
    }

    private record Row(Position at, Log.Body body) {
        static Row of(ResultSet row) throws SQLException {
            return new Row(
                    new Position(row.getLong(1), new EventId(Uuids.of(row.getBytes(2)))),
                    new Log.Body(row.getInt(3), row.getBytes(4)));
        }
    }

    /** One that is stored in an encoding of a later version is not there. Bare, because a resume waits for it. */
    Optional<Snapshot> find(SessionId session) {
        Map<String, Object> values = Map.of("tenant", session.tenant().value(), "name", session.name());
        Optional<Row> found = database.readBare(session, connection -> {
            try (PreparedStatement statement = reads.on(connection, values);
                    ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(Row.of(row)) : Optional.empty();
            }
        });
        return found.filter(row -> row.body().codec() == Log.PLAIN || row.body().codec() == Log.ENCODED)
                .map(row -> new Snapshot(
                        row.at(),
                        new String(
                                codec.decode(
                                        BodyPlace.snapshot(session, row.at()),
                                        row.body().bytes()),
                                StandardCharsets.UTF_8)));
    }

    boolean keep(Lease lease, Snapshot snapshot) {
        byte[] body = codec.encode(
                BodyPlace.snapshot(lease.session(), snapshot.at()),
                snapshot.body().getBytes(StandardCharsets.UTF_8));
        database.requireFits(lease.session(), List.of(body), Function.identity());
        return database.together(
                lease.session(),
                handle -> database.dialect().writesTogether()
                        ? keepTogether(handle, lease, snapshot, body)
                        : keepOneByOne(handle, lease, snapshot, body));
    }

    private boolean keepTogether(Handle handle, Lease lease, Snapshot snapshot, byte[] body) {
        return bindBody(bindHolder(handle.createUpdate(sql.keepSnapshotTogether()), lease, snapshot), body)
                        .execute()
                == 1;
    }

    private boolean keepOneByOne(Handle handle, Lease lease, Snapshot snapshot, byte[] body) {
        if (!sql.lock().isEmpty()) {
            handle.createQuery(sql.lock())
                    .bind("session", lease.key())
                    .mapTo(Long.class)
                    .findOne();
        }
        boolean may = bindHolder(handle.createQuery(sql.mayKeepSnapshot()), lease, snapshot)
                .mapTo(Long.class)
                .findOne()
                .isPresent();
        if (may) {
            handle.createUpdate("DELETE FROM perdure_snapshot WHERE session = :session")
                    .bind("session", lease.key())
                    .execute();
            bindBody(bindAt(handle.createUpdate(sql.keepSnapshot()), lease, snapshot), body)
                    .execute();
        }
        return may;
    }

    private static <S extends SqlStatement<S>> S bindHolder(S statement, Lease lease, Snapshot snapshot) {
        return bindAt(statement, lease, snapshot)
                .bind("fence", lease.fence())
                .bind("owner", lease.owner().value());
    }

    private static <S extends SqlStatement<S>> S bindAt(S statement, Lease lease, Snapshot snapshot) {
        return statement
                .bind("session", lease.key())
                .bind("seq", snapshot.at().seq())
                .bind("event", Uuids.bytes(snapshot.at().event().value()));
    }

    private <S extends SqlStatement<S>> S bindBody(S statement, byte[] body) {
        return statement
                .bind("now", database.now())
                .bind("codec", BodyCodec.isEncoded(body) ? Log.ENCODED : Log.PLAIN)
                .bind("body", body);
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore.Snapshot;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The newest snapshot of each session, in a table beside the log. Thread-safe. */
final class Snapshots {
    private final Database database;
    private final Statements sql;

    Snapshots(Database database, Statements sql) {
        this.database = database;
        this.sql = sql;
    }

    /** One that is stored in another encoding is not there. */
    Optional<Snapshot> find(SessionId session) {
        return database.read(
                session,
                handle -> handle.createQuery("""
                        SELECT p.seq, p.event, p.body
                        FROM perdure_session s JOIN perdure_snapshot p ON p.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND p.codec = :codec""")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .bind("codec", Log.PLAIN)
                        .map((row, context) -> new Snapshot(
                                new Position(row.getLong(1), new EventId(Uuids.of(row.getBytes(2)))),
                                new String(row.getBytes(3), StandardCharsets.UTF_8)))
                        .findOne());
    }

    boolean keep(Lease lease, Snapshot snapshot) {
        return database.write(
                lease.session(),
                handle -> handle.createUpdate(sql.keepSnapshot())
                                .bind("session", lease.key())
                                .bind("fence", lease.fence())
                                .bind("owner", lease.owner().value())
                                .bind("seq", snapshot.at().seq())
                                .bind("event", Uuids.bytes(snapshot.at().event().value()))
                                .bind("now", database.now())
                                .bind("body", snapshot.body().getBytes(StandardCharsets.UTF_8))
                                .execute()
                        == 1);
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.BlobRef;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BlobStore;
import java.util.Optional;

/** Large bytes, in a table beside the log. */
final class Blobs implements BlobStore {
    private final Database database;
    private final Statements sql;

    Blobs(Database database, Statements sql) {
        this.database = database;
        this.sql = sql;
    }

    @Override
    public BlobRef put(SessionId session, byte[] bytes) {
        BlobRef ref = new BlobRef(Hashes.hex(bytes), bytes.length);
        if (!has(session, ref) && !insert(session, ref, bytes) && !has(session, ref)) {
            throw new IllegalArgumentException("there is no session " + session);
        }
        return ref;
    }

    @Override
    public Optional<byte[]> find(SessionId session, BlobRef ref) {
        return database.read(
                session,
                handle -> handle.createQuery("""
                        SELECT b.body FROM perdure_session s JOIN perdure_blob b ON b.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND b.sha256 = :sha256""")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .bind("sha256", ref.sha256())
                        .map((row, context) -> row.getBytes(1))
                        .findOne());
    }

    private boolean has(SessionId session, BlobRef ref) {
        return database.read(
                session,
                handle -> handle.createQuery("""
                        SELECT 1 FROM perdure_session s JOIN perdure_blob b ON b.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name AND b.sha256 = :sha256""")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .bind("sha256", ref.sha256())
                        .mapTo(Integer.class)
                        .findOne()
                        .isPresent());
    }

    /** False when there is no such session, or somebody else has put the same bytes in this moment. */
    private boolean insert(SessionId session, BlobRef ref, byte[] bytes) {
        try {
            return database.write(
                    session,
                    handle -> handle.createUpdate(sql.keepBlob())
                                    .bind("tenant", session.tenant().value())
                                    .bind("name", session.name())
                                    .bind("sha256", ref.sha256())
                                    .bind("size", ref.size())
                                    .bind("body", bytes)
                                    .execute()
                            == 1);
        } catch (Faults.Clash e) {
            return false;
        }
    }
}

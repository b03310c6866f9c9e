package dev.perdure.session.jdbc;

import dev.perdure.session.BlobRef;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BlobStore;
import java.util.List;
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

    @Override
    public List<BlobRef> list(SessionId session) {
        return database.read(
                session,
                handle -> handle.createQuery("""
                        SELECT b.sha256, b.size FROM perdure_session s JOIN perdure_blob b ON b.session = s.id
                        WHERE s.tenant = :tenant AND s.name = :name ORDER BY b.sha256""")
                        .bind("tenant", session.tenant().value())
                        .bind("name", session.name())
                        .map((row, context) -> new BlobRef(row.getString(1), row.getLong(2)))
                        .list());
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

    private boolean insert(SessionId session, BlobRef ref, byte[] bytes) {
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
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.BlobRef;
import dev.perdure.session.SessionId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.BodyPlace;
import dev.perdure.spi.StoreException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jdbi.v3.core.statement.Query;

/** Large bytes, in a table beside the log. */
final class Blobs implements BlobStore {
    private final Database database;
    private final Statements sql;
    private final BodyCodec codec;

    Blobs(Database database, Statements sql, BodyCodec codec) {
        this.database = database;
        this.sql = sql;
        this.codec = codec;
    }

    /** What was stored under an earlier key or form is stored once more: a key may be changed to get rid of the old one. */
    @Override
    public BlobRef put(SessionId session, byte[] bytes) {
        BlobRef ref = BlobRef.of(bytes);
        String address = codec.address(session, ref);
        if (!has(session, address)
                && !insert(session, ref, address, codec.encode(BodyPlace.blob(session, ref), bytes))
                && !has(session, address)) {
            throw new IllegalArgumentException("there is no session " + session);
        }
        return ref;
    }

    @Override
    public Optional<byte[]> find(SessionId session, BlobRef ref) {
        return body(session, List.of(codec.address(session, ref), ref.sha256()))
                .or(() -> body(session, List.copyOf(codec.addresses(session, ref, heads(session)))))
                .map(stored -> decoded(session, ref, stored));
    }

    private byte[] decoded(SessionId session, BlobRef ref, byte[] stored) {
        BodyPlace place = BodyPlace.blob(session, ref);
        byte[] bytes = codec.decode(place, stored);
        if (!Hashes.hex(bytes).equals(ref.sha256())) {
            throw StoreException.unusable(place + " has other bytes; restore it from a backup", session, null);
        }
        return bytes;
    }

    private Optional<byte[]> body(SessionId session, List<String> addresses) {
        return database.read(
                session,
                handle -> bind(handle.createQuery(select("b.body", " AND b.sha256 IN (<addresses>)")), session)
                        .bindList("addresses", addresses)
                        .map((row, context) -> row.getBytes(1))
                        .findFirst());
    }

    /** What says under which keys the session's blobs are. Only after a key was changed, or for a blob that is not there. */
    private List<byte[]> heads(SessionId session) {
        return database.read(
                session,
                handle -> bind(handle.createQuery(select("substr(b.body, 1, " + BodyCodec.HEAD + ")", "")), session)
                        .map((row, context) -> row.getBytes(1))
                        .list());
    }

    private boolean has(SessionId session, String address) {
        return database.read(
                session,
                handle -> bind(handle.createQuery(select("1", " AND b.sha256 = :address")), session)
                        .bind("address", address)
                        .mapTo(Integer.class)
                        .findOne()
                        .isPresent());
    }

    private static String select(String what, String condition) {
        return """
                SELECT %s FROM perdure_session s JOIN perdure_blob b ON b.session = s.id
                WHERE s.tenant = :tenant AND s.name = :name%s""".formatted(what, condition);
    }

    private static Query bind(Query query, SessionId session) {
        return query.bind("tenant", session.tenant().value()).bind("name", session.name());
    }

    /** False when there is no such session, or somebody else has put the same bytes in this moment. */
    private boolean insert(SessionId session, BlobRef ref, String address, byte[] body) {
        database.requireFits(session, List.of(body), Function.identity());
        try {
            return database.write(
                    session,
                    handle -> handle.createUpdate(sql.keepBlob())
                                    .bind("tenant", session.tenant().value())
                                    .bind("name", session.name())
                                    .bind("sha256", address)
                                    .bind("size", ref.size())
                                    .bind("body", body)
                                    .execute()
                            == 1);
        } catch (Faults.Clash e) {
            return false;
        }
    }
}

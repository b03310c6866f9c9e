package dev.perdure.session.jdbc;

import dev.perdure.session.TenantId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.StoreException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that bodies of this database were encrypted with: so that nobody writes under the id of a key with other bytes, which the others could not read, or in
 * clear where others encrypt. Thread-safe.
 */
final class KnownKeys implements BodyCodec.FirstUse {
    private static final Logger LOG = LoggerFactory.getLogger(KnownKeys.class);

    private final Database database;
    private final Statements sql;

    KnownKeys(Database database, Statements sql) {
        this.database = database;
        this.sql = sql;
    }

    /** @throws StoreException when bodies are encrypted and this codec has no source of keys */
    void require(BodyCodec codec) {
        if (codec.hasKeys()) {
            return;
        }
        database.read(
                        null,
                        handle -> handle.createQuery(
                                        "SELECT key_id, tenant FROM perdure_key ORDER BY tenant, key_id LIMIT 1")
                                .map((row, context) -> row.getString(1) + " of tenant " + row.getString(2))
                                .findOne())
                .ifPresent(key -> {
                    throw StoreException.unusable(
                            "this database has encrypted bodies, with key " + key
                                    + " among others, and would get others in clear: give the options a BodyCodec that encrypts, or one"
                                    + " with decrypt(keys) where nothing is to be encrypted any more",
                            null,
                            null);
                });
    }

    @Override
    public void check(TenantId tenant, String keyId, String proof) {
        if (find(tenant, keyId)
                .or(() -> keep(tenant, keyId, proof))
                .filter(there -> !there.equals(proof))
                .isPresent()) {
            throw StoreException.unusable(
                    "the source of keys has other bytes for key " + keyId + " of tenant " + tenant
                            + " than those that bodies here were encrypted with; nothing was written. Correct the source of this process: a key"
                            + " never gets other bytes, a new one gets another id",
                    null,
                    null);
        }
    }

    private Optional<String> find(TenantId tenant, String keyId) {
        return database.read(
                null,
                handle -> handle.createQuery("SELECT proof FROM perdure_key WHERE tenant = :tenant AND key_id = :key")
                        .bind("tenant", tenant.value())
                        .bind("key", keyId)
                        .mapTo(String.class)
                        .findOne());
    }

    /** What somebody else kept at the same moment; else empty. */
    private Optional<String> keep(TenantId tenant, String keyId, String proof) {
        try {
            database.write(
                    null,
                    handle -> handle.createUpdate(
                                    "INSERT INTO perdure_key (tenant, key_id, proof, at) VALUES (:tenant, :key, :proof, "
                                            + sql.now() + ")")
                            .bind("tenant", tenant.value())
                            .bind("key", keyId)
                            .bind("proof", proof)
                            .bind("now", database.now())
                            .execute());
            return Optional.empty();
        } catch (Faults.Clash e) {
            return find(tenant, keyId);
        } catch (StoreException e) {
            if (!e.retryable()) {
                throw e;
            }
            // A caller's transaction may have the only place to write, as with SQLite. The next use tries again, here
            // or elsewhere.
            LOG.debug("the first use of key {} of tenant {} could not be kept", keyId, tenant, e);
            return Optional.empty();
        }
    }
}

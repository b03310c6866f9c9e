package dev.perdure.session.jdbc;

import dev.perdure.session.TenantId;
import dev.perdure.spi.BodyCodec;
import dev.perdure.spi.KeySource;
import java.util.Optional;
import java.util.Random;

/** Keys of the tests of this package, the same each time. */
final class Keys {
    static final KeySource.Key FIRST = key("2026-01", 1);
    static final KeySource.Key SECOND = key("2026-02", 2);

    private Keys() {}

    static KeySource.Key key(String id, long seed) {
        return KeySource.Key.of(id, secret(seed));
    }

    static byte[] secret(long seed) {
        byte[] secret = new byte[32];
        new Random(seed).nextBytes(secret);
        return secret;
    }

    /** Compresses and encrypts with the first key. */
    static BodyCodec codec() {
        return BodyCodec.plain().compress().encrypt(KeySource.of(FIRST));
    }

    /** A source that fails, as one does that cannot reach its service. */
    static KeySource failing() {
        return new KeySource() {
            @Override
            public Key current(TenantId tenant) {
                throw new IllegalStateException("no answer");
            }

            @Override
            public Optional<Key> find(TenantId tenant, String keyId) {
                throw new IllegalStateException("no answer");
            }
        };
    }
}

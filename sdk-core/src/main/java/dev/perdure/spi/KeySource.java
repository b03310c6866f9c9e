package dev.perdure.spi;

import dev.perdure.session.TenantId;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the keys come from that stored bodies are encrypted with. Thread-safe. It is asked for every record that is written or read, on the thread that
 * does so and while no connection and no lock is held: an implementation that fetches keys from elsewhere keeps them.
 *
 * <p>What it throws is passed on as a retryable {@link StoreException}, unless it is a {@link dev.perdure.session.PerdureException} already.
 *
 * <p>To change a key in a fleet, first make the new one known to every process, then make it the current one. Nothing is encrypted anew: the old one is
 * needed until every session that has a record of it is deleted ({@code docs/operations.md} has the query). A tenant whose keys are not found any more
 * cannot be read by anybody; its sessions can still be listed and deleted.
 *
 * @see #of
 */
public interface KeySource {
    /** The key that new records of the tenant are encrypted with. */
    Key current(TenantId tenant);

    /** A key that records of the tenant were encrypted with; empty when it is not known, or not any more. */
    Optional<Key> find(TenantId tenant, String keyId);

    /**
     * The same keys for every tenant.
     *
     * @param others that only read: those of before, and those to come
     * @throws IllegalArgumentException when two have the same id
     */
    static KeySource of(Key current, Key... others) {
        Map<String, Key> keys = new LinkedHashMap<>();
        keys.put(current.id(), current);
        for (Key other : others) {
            if (keys.putIfAbsent(other.id(), other) != null) {
                throw new IllegalArgumentException("two keys have the id " + other.id());
            }
        }
        Map<String, Key> all = Map.copyOf(keys);
        return new KeySource() {
            @Override
            public Key current(TenantId tenant) {
                return current;
            }

            @Override
            public Optional<Key> find(TenantId tenant, String keyId) {
                return Optional.ofNullable(all.get(keyId));
            }

            @Override
            public String toString() {
                return "keys " + all.keySet();
            }
        };
    }

    /** 32 secret bytes and the name they go by in records and messages. Immutable. */
    final class Key {
        private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:/-]{1,128}");
        private static final int LENGTH = 32;

        private final String id;
        private final byte[] secret;

        private Key(String id, byte[] secret) {
            this.id = id;
            this.secret = secret;
        }

        /**
         * A key of these bytes, which are copied. They are used as they are: take them from a random source or a key management service, not from
         * a password.
         *
         * @param id stands in clear in every record: 1 to 128 letters, digits and {@code . _ : / -}. It never gets other bytes.
         * @param secret 32 bytes
         * @throws IllegalArgumentException when the id or the number of bytes is another
         */
        public static Key of(String id, byte[] secret) {
            if (!ID.matcher(Objects.requireNonNull(id, "id")).matches()) {
                throw new IllegalArgumentException(
                        "the id of a key is 1 to 128 letters, digits and . _ : / -, but this is \"" + id + "\"");
            }
            if (secret.length != LENGTH) {
                throw new IllegalArgumentException(
                        "the key " + id + " has " + secret.length + " bytes; it must have " + LENGTH);
            }
            return new Key(id, secret.clone());
        }

        public String id() {
            return id;
        }

        byte[] secret() {
            return secret;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key key && key.id.equals(id) && MessageDigest.isEqual(key.secret, secret);
        }

        @Override
        public int hashCode() {
            return id.hashCode();
        }

        /** The id; never the bytes. */
        @Override
        public String toString() {
            return "key " + id;
        }
    }
}

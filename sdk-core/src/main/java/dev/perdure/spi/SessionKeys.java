package dev.perdure.spi;

import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The keys of one session, derived from a key of its tenant by HKDF with SHA-256 (RFC 5869): one to encrypt, one for keyed hashes. So no two sessions
 * share a nonce's space, and what is encrypted for one cannot be read as another's. Immutable.
 */
final class SessionKeys {
    private static final String MAC = "HmacSHA256";
    private static final byte[] PURPOSE = "perdure session keys 1".getBytes(StandardCharsets.UTF_8);

    private final SecretKey encryption;
    private final SecretKey hashing;

    private SessionKeys(SecretKey encryption, SecretKey hashing) {
        this.encryption = encryption;
        this.hashing = hashing;
    }

    static SessionKeys derive(KeySource.Key key, SessionId session) {
        byte[] tenant = session.tenant().value().getBytes(StandardCharsets.UTF_8);
        byte[] name = session.name().getBytes(StandardCharsets.UTF_8);
        byte[] info = ByteBuffer.allocate(PURPOSE.length + 8 + tenant.length + name.length)
                .put(PURPOSE)
                .putInt(tenant.length)
                .put(tenant)
                .putInt(name.length)
                .put(name)
                .array();
        byte[] both = hkdf(key.secret(), new byte[32], info, 64);
        return new SessionKeys(new SecretKeySpec(both, 0, 32, "AES"), new SecretKeySpec(both, 32, 32, MAC));
    }

    /** Of a key's bytes, which do not follow from it. */
    static String proof(KeySource.Key key, TenantId tenant) {
        byte[] info = ("perdure key proof 1\n" + tenant).getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(hkdf(key.secret(), new byte[32], info, 16));
    }

    SecretKey encryption() {
        return encryption;
    }

    byte[] hash(byte[] bytes) {
        return mac(hashing, bytes);
    }

    /** Extract, then expand. */
    static byte[] hkdf(byte[] secret, byte[] salt, byte[] info, int length) {
        SecretKey extracted = new SecretKeySpec(mac(new SecretKeySpec(salt, MAC), secret), MAC);
        ByteBuffer out = ByteBuffer.allocate(length);
        byte[] block = {};
        for (byte i = 1; out.hasRemaining(); i++) {
            block = mac(
                    extracted,
                    ByteBuffer.allocate(block.length + info.length + 1)
                            .put(block)
                            .put(info)
                            .put(i)
                            .array());
            out.put(block, 0, Math.min(block.length, out.remaining()));
        }
        return out.array();
    }

    private static byte[] mac(SecretKey key, byte[] bytes) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(key);
            return mac.doFinal(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has " + MAC, e);
        }
    }

    /** Those in use, so that a page of a log derives them once. Thread-safe. */
    static final class Cache {
        private static final int MOST = 1_000;

        private final Map<Use, SessionKeys> known = new ConcurrentHashMap<>();

        private record Use(KeySource.Key key, SessionId session) {}

        SessionKeys of(KeySource.Key key, SessionId session) {
            Use use = new Use(key, session);
            SessionKeys keys = known.get(use);
            if (keys == null) {
                if (known.size() >= MOST) {
                    known.clear();
                }
                keys = derive(key, session);
                known.put(use, keys);
            }
            return keys;
        }
    }
}

package dev.perdure.spi;

import dev.perdure.session.BlobRef;
import dev.perdure.session.PerdureException;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.zip.DataFormatException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import org.jspecify.annotations.Nullable;

/**
 * How a store writes what it is given: as it is, compressed, encrypted, or both. A user chooses one; a store calls the rest. Immutable and thread-safe;
 * each method that changes something returns a copy.
 *
 * <p>What is read says itself how it was written, so that a store reads all forms, whatever it writes, as long as it has the keys. A body that cannot be
 * read is a {@link StoreException} that names its place and its key, never content, and is never left out.
 *
 * <p>Encryption is AES-256-GCM with a key derived from the tenant's key for each session, a random nonce of 96 bits for each record, and the record's {@link BodyPlace} bound
 * to it: a record that was changed, or moved to another place, cannot be read. NIST's bound for random nonces, 2<sup>32</sup> records for one key, is thus one for each
 * session and key. What is not encrypted is read too, for a store may have been begun without keys: whoever can write to the database can replace
 * a record by one in clear, but cannot make one that is encrypted.
 *
 * <p>Compression makes lengths tell something of the content, which matters when somebody can choose a part of a body and see the length of the whole.
 *
 * @see #plain()
 */
public final class BodyCodec {
    /** So many first bytes of a stored blob are enough for {@link #addresses}. */
    public static final int HEAD = 3 + Envelope.MOST_ID;

    private static final String TEXT_MARK = "perdure:";
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE = 12;
    private static final int TAG = 16;
    private static final int HASH = 32;
    private static final int MOST_USES = 10_000;
    private static final BodyCodec PLAIN = new BodyCodec(false, false, null, null);

    private final boolean compressing;
    private final boolean encrypting;
    private final @Nullable KeySource keys;
    private final @Nullable FirstUse firstUse;
    private final SessionKeys.Cache derived = new SessionKeys.Cache();
    /** Keys that the store has seen. */
    private final Set<Use> used = ConcurrentHashMap.newKeySet();

    private final SecureRandom random = new SecureRandom();

    private record Use(TenantId tenant, KeySource.Key key) {}

    /** Told of a key before the first body is encrypted with it. A store's part: it remembers them, whoever uses them. */
    public interface FirstUse {
        /**
         * On the thread that is about to encrypt, and again after a failure.
         *
         * @param proof the same for the same key of the same tenant, and tells nothing of its bytes
         * @throws StoreException when the key must not be used
         */
        void check(TenantId tenant, String keyId, String proof);
    }

    private BodyCodec(boolean compressing, boolean encrypting, @Nullable KeySource keys, @Nullable FirstUse firstUse) {
        this.firstUse = firstUse;
        this.compressing = compressing;
        this.encrypting = encrypting;
        this.keys = keys;
    }

    /** Writes bodies as they are: JSON that any tool reads. */
    public static BodyCodec plain() {
        return PLAIN;
    }

    /** Compresses bodies of 512 bytes and more, when they get smaller by it. */
    public BodyCodec compress() {
        return new BodyCodec(true, encrypting, keys, firstUse);
    }

    /**
     * Encrypts every body with the tenant's current key, and reads with the keys of {@code source} alone: another call of this, or of {@link #decrypt},
     * replaces it. Keys of before belong into the same source.
     */
    public BodyCodec encrypt(KeySource source) {
        return new BodyCodec(compressing, true, Objects.requireNonNull(source, "source"), firstUse);
    }

    /**
     * Reads what is encrypted and encrypts nothing: what every process of a fleet does before the first one {@linkplain #encrypt encrypts}, and again
     * after the last one has stopped. Replaces an {@link #encrypt} before it.
     */
    public BodyCodec decrypt(KeySource source) {
        return new BodyCodec(compressing, false, Objects.requireNonNull(source, "source"), firstUse);
    }

    /** For a store: keys are shown to {@code check} before their first use. */
    public BodyCodec firstUse(FirstUse check) {
        return new BodyCodec(compressing, encrypting, keys, Objects.requireNonNull(check, "check"));
    }

    /** Whether this has a source of keys, to encrypt or only to decrypt. */
    public boolean hasKeys() {
        return keys != null;
    }

    /**
     * A body as it is to be stored.
     *
     * @throws StoreException when the key source fails; retryable
     */
    public byte[] encode(BodyPlace place, byte[] clear) {
        byte[] deflated = compressing ? Deflated.of(clear) : null;
        if (encrypting) {
            return encrypt(place, deflated != null, deflated == null ? clear : deflated);
        }
        if (deflated == null && Envelope.begins(clear)) {
            deflated = Deflated.always(clear);
        }
        return deflated == null ? clear : new Envelope(true, null, deflated).bytes();
    }

    /** As {@link #encode(BodyPlace, byte[])}, for what is stored as text. */
    public String encode(BodyPlace place, String clear) {
        byte[] bytes = clear.getBytes(StandardCharsets.UTF_8);
        byte[] stored = encode(place, bytes);
        boolean looksEncoded = clear.startsWith(TEXT_MARK);
        if (!isEncoded(stored)) {
            if (!looksEncoded) {
                return clear;
            }
            stored = new Envelope(true, null, Deflated.always(bytes)).bytes();
        }
        String text = TEXT_MARK + Base64.getEncoder().encodeToString(stored);
        return encrypting || looksEncoded || text.length() < clear.length() ? text : clear;
    }

    /**
     * The body that was stored.
     *
     * @throws StoreException when it was changed or moved, or its key is missing; retryable when the key source failed
     * @throws dev.perdure.session.UnsupportedFormatException when a newer version has written it
     */
    public byte[] decode(BodyPlace place, byte[] stored) {
        if (!isEncoded(stored)) {
            return stored;
        }
        Envelope envelope = Envelope.read(stored, place).orElseThrow(() -> damaged(place, null));
        String keyId = envelope.keyId();
        byte[] body = keyId == null ? envelope.body() : decrypt(place, envelope, keyId);
        if (!envelope.compressed()) {
            return body;
        }
        try {
            return Deflated.inflate(body);
        } catch (DataFormatException e) {
            throw damaged(place, keyId);
        }
    }

    /** As {@link #decode(BodyPlace, byte[])}, for what is stored as text. */
    public String decode(BodyPlace place, String stored) {
        if (!stored.startsWith(TEXT_MARK)) {
            return stored;
        }
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(stored.substring(TEXT_MARK.length()));
        } catch (IllegalArgumentException e) {
            throw damaged(place, null);
        }
        if (!isEncoded(bytes)) {
            throw damaged(place, null);
        }
        return new String(decode(place, bytes), StandardCharsets.UTF_8);
    }

    /** Whether a stored body is something else than the body itself. */
    public static boolean isEncoded(byte[] stored) {
        return Envelope.begins(stored);
    }

    /**
     * By what a repeat of the same bytes is recognised later: their SHA-256, or a hash keyed for the session and the current key's id, from which nobody without
     * the key can guess them. At most {@link #HEAD} + 32 bytes.
     */
    public byte[] fingerprint(SessionId session, byte[] clear) {
        return encrypting ? fingerprint(session, clear, currentKey(session)) : sha256(clear);
    }

    /**
     * Whether these are the bytes that {@code fingerprint} was made of, under whatever key.
     *
     * @throws StoreException when its key is missing: then nobody can say
     */
    public boolean matches(SessionId session, byte[] fingerprint, byte[] clear) {
        if (fingerprint.length <= HASH) {
            return MessageDigest.isEqual(fingerprint, sha256(clear));
        }
        String keyId = Envelope.findKeyId(fingerprint)
                .orElseThrow(() -> StoreException.unusable(
                        "a hash of something sent to " + session + " is damaged; restore it from a backup",
                        session,
                        null));
        KeySource.Key key = key("a hash of something sent to " + session, session, keyId);
        return MessageDigest.isEqual(fingerprint, fingerprint(session, clear, key));
    }

    /** The name under which a blob is stored from now on, 64 hexadecimal digits: its SHA-256, keyed when it is encrypted. */
    public String address(SessionId session, BlobRef blob) {
        return encrypting ? address(session, blob, currentKey(session)) : blob.sha256();
    }

    /**
     * All names under which a blob may have been stored, under whatever key.
     *
     * @param stored the first {@link #HEAD} bytes, or all, of each blob of the session
     * @throws StoreException when a key of one of these is missing: then nobody can say
     */
    public Set<String> addresses(SessionId session, BlobRef blob, List<byte[]> stored) {
        Set<String> addresses = new LinkedHashSet<>();
        addresses.add(blob.sha256());
        stored.stream()
                .map(Envelope::findKeyId)
                .flatMap(Optional::stream)
                .distinct()
                .forEach(id -> addresses.add(address(session, blob, key("a blob of " + session, session, id))));
        return addresses;
    }

    /** What is done; never a key. */
    @Override
    public String toString() {
        return "BodyCodec[" + (compressing ? "compress " : "")
                + (encrypting ? "encrypt" : keys != null ? "decrypt" : "plain") + "]";
    }

    private byte[] encrypt(BodyPlace place, boolean compressed, byte[] body) {
        KeySource.Key key = currentKey(place.session());
        byte[] nonce = new byte[NONCE];
        random.nextBytes(nonce);
        byte[] head = Envelope.head(compressed, key.id());
        byte[] stored = Arrays.copyOf(head, head.length + NONCE + body.length + TAG);
        System.arraycopy(nonce, 0, stored, head.length, NONCE);
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, place, head, key, nonce);
            cipher.doFinal(body, 0, body.length, stored, head.length + NONCE);
            return stored;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has " + CIPHER, e);
        }
    }

    private byte[] decrypt(BodyPlace place, Envelope envelope, String keyId) {
        KeySource.Key key = key(place.toString(), place.session(), keyId);
        byte[] body = envelope.body();
        if (body.length < NONCE + TAG) {
            throw damaged(place, keyId);
        }
        try {
            return cipher(Cipher.DECRYPT_MODE, place, envelope.head(), key, body)
                    .doFinal(body, NONCE, body.length - NONCE);
        } catch (GeneralSecurityException e) {
            throw damaged(place, keyId);
        }
    }

    private Cipher cipher(int mode, BodyPlace place, byte[] head, KeySource.Key key, byte[] nonceFirst)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(CIPHER);
        cipher.init(
                mode,
                derived.of(key, place.session()).encryption(),
                new GCMParameterSpec(TAG * 8, nonceFirst, 0, NONCE));
        cipher.updateAAD(head);
        cipher.updateAAD(place.bytes());
        return cipher;
    }

    private byte[] fingerprint(SessionId session, byte[] clear, KeySource.Key key) {
        byte[] hash = derived.of(key, session).hash(tagged("fingerprint", clear));
        return new Envelope(false, key.id(), hash).bytes();
    }

    private String address(SessionId session, BlobRef blob, KeySource.Key key) {
        byte[] sha256 = HexFormat.of().parseHex(blob.sha256());
        return HexFormat.of().formatHex(derived.of(key, session).hash(tagged("blob", sha256)));
    }

    private static byte[] tagged(String purpose, byte[] bytes) {
        byte[] tag = (purpose + "\n").getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(tag.length + bytes.length)
                .put(tag)
                .put(bytes)
                .array();
    }

    private KeySource.Key currentKey(SessionId session) {
        KeySource source = Objects.requireNonNull(keys);
        TenantId tenant = session.tenant();
        KeySource.Key key = ask(
                () -> source.current(tenant),
                "the key source does not give the current key of tenant " + tenant,
                session);
        show(tenant, key);
        return key;
    }

    private void show(TenantId tenant, KeySource.Key key) {
        FirstUse check = firstUse;
        if (check == null) {
            return;
        }
        Use use = new Use(tenant, key);
        if (!used.contains(use)) {
            check.check(tenant, key.id(), SessionKeys.proof(key, tenant));
            if (used.size() >= MOST_USES) {
                used.clear();
            }
            used.add(use);
        }
    }

    /** The key of something that is stored. */
    private KeySource.Key key(String what, SessionId session, String keyId) {
        KeySource source = keys;
        if (source == null) {
            throw StoreException.unusable(
                    what + " is encrypted with key " + keyId
                            + ", and this store was opened without keys: open it with a BodyCodec that has that key",
                    session,
                    null);
        }
        return ask(
                        () -> source.find(session.tenant(), keyId),
                        "the key source does not answer for key " + keyId + " of " + what,
                        session)
                .orElseThrow(() -> StoreException.unusable(
                        what + " is encrypted with key " + keyId
                                + ", which the key source does not have: add it there, or delete the session if the key is gone"
                                + " for good",
                        session,
                        null));
    }

    private static <T> T ask(Supplier<T> question, String failure, SessionId session) {
        try {
            return question.get();
        } catch (PerdureException e) {
            throw e;
        } catch (RuntimeException e) {
            throw StoreException.unavailable(failure, session, e);
        }
    }

    private static StoreException damaged(BodyPlace place, @Nullable String keyId) {
        return StoreException.unusable(
                keyId == null
                        ? place + " cannot be read: it was cut off or changed; restore it from a backup"
                        : place + " cannot be decrypted with key " + keyId
                                + ": it was changed, cut off or moved here from"
                                + " another place, or the key source has other bytes for that key; restore the one that is wrong",
                place.session(),
                null);
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}

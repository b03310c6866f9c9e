package dev.perdure.spi;

import dev.perdure.session.UnsupportedFormatException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The form of a body that is not stored as it is:
 *
 * <pre>
 * 1 byte   {@value #MARK_HEX}: no text in UTF-8 begins with it, so no JSON does; a body that does is compressed, whatever it saves
 * 1 byte   what was done, in this order: 1 compressed, 2 encrypted, 3 both; more is of a newer version
 * encrypted:
 *   1 byte   length of the key's id
 *   n bytes  the key's id, in ASCII
 *   12 bytes nonce
 * the body
 * </pre>
 */
final class Envelope {
    static final int MOST_ID = 128;
    static final String MARK_HEX = "0xF5";
    private static final byte MARK = (byte) 0xF5;
    private static final int COMPRESSED = 1;
    private static final int ENCRYPTED = 2;
    private static final int START = 2;

    private final boolean compressed;
    private final @Nullable String keyId;
    private final byte[] body;

    /** @param keyId null when it is not encrypted */
    Envelope(boolean compressed, @Nullable String keyId, byte[] body) {
        this.compressed = compressed;
        this.keyId = keyId;
        this.body = body;
    }

    boolean compressed() {
        return compressed;
    }

    @Nullable
    String keyId() {
        return keyId;
    }

    byte[] body() {
        return body;
    }

    static boolean begins(byte[] stored) {
        return stored.length > 0 && stored[0] == MARK;
    }

    /** All before the nonce; what is encrypted is bound to it. */
    static byte[] head(boolean compressed, @Nullable String keyId) {
        byte flags = (byte) ((compressed ? COMPRESSED : 0) | (keyId == null ? 0 : ENCRYPTED));
        if (keyId == null) {
            return new byte[] {MARK, flags};
        }
        byte[] id = keyId.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(START + 1 + id.length)
                .put(MARK)
                .put(flags)
                .put((byte) id.length)
                .put(id)
                .array();
    }

    byte[] head() {
        return head(compressed, keyId);
    }

    byte[] bytes() {
        byte[] head = head();
        return ByteBuffer.allocate(head.length + body.length)
                .put(head)
                .put(body)
                .array();
    }

    /** Empty when it is cut off or is no such form. */
    static Optional<Envelope> read(byte[] stored, BodyPlace place) {
        if (stored.length < START) {
            return Optional.empty();
        }
        int flags = stored[1];
        if ((flags & ~(COMPRESSED | ENCRYPTED)) != 0) {
            throw new UnsupportedFormatException(place + " is stored in form " + flags
                    + ", which this version does not know: upgrade before it is read");
        }
        boolean compressed = (flags & COMPRESSED) != 0;
        if (flags == 0) {
            return Optional.empty();
        }
        if ((flags & ENCRYPTED) == 0) {
            return Optional.of(new Envelope(compressed, null, Arrays.copyOfRange(stored, START, stored.length)));
        }
        return findKeyId(stored).map(id -> {
            int end = START + 1 + id.length();
            return new Envelope(compressed, id, Arrays.copyOfRange(stored, end, stored.length));
        });
    }

    /** The key's id, when these bytes, or the first of them, are an encrypted body. */
    static Optional<String> findKeyId(byte[] stored) {
        if (!begins(stored) || stored.length <= START || (stored[1] & ENCRYPTED) == 0) {
            return Optional.empty();
        }
        int length = stored[START] & 0xFF;
        int end = START + 1 + length;
        return length < 1 || stored.length < end
                ? Optional.empty()
                : Optional.of(new String(stored, START + 1, length, StandardCharsets.US_ASCII));
    }
}

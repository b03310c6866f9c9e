package dev.perdure.session;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Points to bytes kept beside the log of one session.
 *
 * @param sha256 of the bytes, 64 lower-case hexadecimal digits
 * @param size in bytes
 */
public record BlobRef(String sha256, long size) {
    public BlobRef {
        Objects.requireNonNull(sha256, "sha256");
        if (!sha256.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("not a SHA-256 in hexadecimal: \"" + sha256 + "\"");
        }
        if (size < 0) {
            throw new IllegalArgumentException("a size is not negative: " + size);
        }
    }

    private static final Pattern ADDRESS = Pattern.compile("blob:([0-9a-f]{64}):([0-9]{1,18})");

    /** As the address of a {@link Part.Media}: {@code blob:}, the hash, a colon, the size. */
    public String uri() {
        return "blob:" + sha256 + ":" + size;
    }

    /** What {@link #uri} has made; empty for any other text. */
    public static Optional<BlobRef> ofUri(String uri) {
        Matcher address = ADDRESS.matcher(uri);
        return address.matches()
                ? Optional.of(new BlobRef(address.group(1), Long.parseLong(address.group(2))))
                : Optional.empty();
    }

    /** To these bytes. */
    public static BlobRef of(byte[] bytes) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
            return new BlobRef(HexFormat.of().formatHex(hash), bytes.length);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}

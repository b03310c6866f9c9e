package dev.perdure.session;

import java.util.Objects;

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
}

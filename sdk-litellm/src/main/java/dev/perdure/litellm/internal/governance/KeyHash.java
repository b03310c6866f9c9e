package dev.perdure.litellm.internal.governance;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;

/** The id of a key: SHA-256 of its value, in hexadecimal, as LiteLLM computes it. */
public final class KeyHash {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");

    private KeyHash() {}

    public static String of(String value) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(value.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    /** @throws IllegalArgumentException when it is neither an id nor a value; it is not quoted */
    public static String id(String idOrValue) {
        if (Objects.requireNonNull(idOrValue, "idOrValue").startsWith("sk-")) {
            return of(idOrValue);
        }
        if (!ID.matcher(idOrValue).matches()) {
            throw new IllegalArgumentException("neither a key's id, 64 hexadecimal digits, nor its value, sk-…; it has "
                    + idOrValue.length() + " characters");
        }
        return idOrValue;
    }
}

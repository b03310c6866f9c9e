package dev.perdure.litellm.internal.governance;

import dev.perdure.litellm.internal.http.Hashes;
import java.util.Objects;
import java.util.regex.Pattern;

/** The id of a key: SHA-256 of its value, in hexadecimal, as LiteLLM computes it. */
public final class KeyHash {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");

    private KeyHash() {}

    public static String of(String value) {
        return Hashes.sha256(value);
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

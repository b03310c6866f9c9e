package dev.perdure.litellm.internal.governance;

import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.session.SessionId;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Derives the values of sessions' keys, the same in every process that has the secret. Immutable; never shows the secret. */
public final class SessionSecret {
    private static final String ALGORITHM = "HmacSHA256";

    private final SecretKeySpec key;

    /** @throws IllegalArgumentException when it has less than 32 characters; it is not quoted */
    public SessionSecret(String secret) {
        if (Settings.requireGiven("secret", secret).length() < 32) {
            throw new IllegalArgumentException(
                    "a secret has at least 32 characters, best random ones; this one has " + secret.length());
        }
        this.key = new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), ALGORITHM);
    }

    /** @param generation 0 for the first key of the session; each part is preceded by its length, so that no two sessions derive from the same bytes */
    public String keyOf(String application, SessionId session, int generation) {
        String text = part(application) + part(session.tenant().value()) + part(session.name()) + generation;
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return "sk-" + HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has " + ALGORITHM, e);
        }
    }

    private static String part(String text) {
        return text.length() + ":" + text;
    }
}

package dev.perdure.internal.sandbox;

import dev.perdure.session.SessionId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** Names of files for texts that cannot be names of files. */
final class Digests {
    private Digests() {}

    /** 32 hexadecimal digits. */
    static String of(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A name that people recognise and that no other session has: neither part can have the line break between them. */
    static String name(SessionId session) {
        String readable = session.toString().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
        String start = readable.substring(0, Math.min(40, readable.length())).replaceAll("^-", "");
        return start + "-" + of(session.tenant().value() + "\n" + session.name());
    }
}

package dev.perdure.session;

import java.util.Objects;

/** Checks of the short texts that name things. */
final class Names {
    private Names() {}

    /** The text itself when it is a {@linkplain #requireKey key} without control characters. */
    static String require(String what, String value, int max) {
        requireKey(what, value, max);
        for (int i = 0; i < value.length(); i++) {
            if (Character.isISOControl(value.charAt(i))) {
                throw new IllegalArgumentException(what + " has a control character at index " + i);
            }
        }
        return value;
    }

    /**
     * The text itself when it has 1 to {@code max} characters and any store tells it apart from all others: UTF-8 has no half of a
     * surrogate pair, which some databases replace by a question mark, and PostgreSQL has no NUL.
     */
    static String requireKey(String what, String value, int max) {
        Objects.requireNonNull(value, what);
        if (value.isEmpty() || value.length() > max) {
            throw new IllegalArgumentException(what + " must have 1 to " + max + " characters, but has "
                    + value.length() + ": \"" + shortened(value) + "\"");
        }
        if (value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(what + " has a NUL character at index " + value.indexOf('\0'));
        }
        int half = halfPair(value, 0);
        if (half >= 0) {
            throw new IllegalArgumentException(what + " has half a surrogate pair at index " + half);
        }
        return value;
    }

    /** Index of the first surrogate without its other half, at or after {@code from}, which is no half itself; -1 for none. */
    static int halfPair(String text, int from) {
        for (int i = from; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (!Character.isSupplementaryCodePoint(text.codePointAt(i))) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }

    private static String shortened(String value) {
        return value.length() <= 40 ? value : value.substring(0, 40) + "…";
    }
}

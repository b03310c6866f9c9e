package dev.perdure.session;

import java.util.Objects;

/** Checks of the short texts that name things. */
final class Names {
    private Names() {}

    /** The text itself when it has 1 to {@code max} characters, none of them a control character. */
    static String require(String what, String value, int max) {
        Objects.requireNonNull(value, what);
        if (value.isEmpty() || value.length() > max) {
            throw new IllegalArgumentException(what + " must have 1 to " + max + " characters, but has "
                    + value.length() + ": \"" + shortened(value) + "\"");
        }
        for (int i = 0; i < value.length(); i++) {
            if (Character.isISOControl(value.charAt(i))) {
                throw new IllegalArgumentException(what + " has a control character at index " + i);
            }
        }
        return value;
    }

    private static String shortened(String value) {
        return value.length() <= 40 ? value : value.substring(0, 40) + "…";
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.session.UnsupportedFormatException;

/** Reads what a newer version may have written. */
final class Stored {
    private Stored() {}

    /** The constant; one that this version does not know is refused, not guessed. */
    static <E extends Enum<E>> E constant(Class<E> type, String name) {
        try {
            return Enum.valueOf(type, name);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedFormatException("the " + type.getSimpleName() + " " + name
                    + " in the database is unknown to this version: upgrade before its session goes on");
        }
    }
}

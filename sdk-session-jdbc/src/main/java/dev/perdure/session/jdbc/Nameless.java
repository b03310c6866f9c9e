package dev.perdure.session.jdbc;

import java.util.Map;

/**
 * A session's row that belongs to no tenant: of a session that is being removed, or not there yet. No statement finds it that looks for a tenant and a
 * name, and none that looks for a status; it holds the rows of the other tables together.
 *
 * @param name tells it from an earlier row whose number it may have got; nobody but this package sees it
 */
record Nameless(long key, String name) {
    /** No tenant: one has at least one character. */
    static final String NOBODY = "";

    /** Condition for this very row. */
    static final String ROW = "id = :nameless AND tenant = :nobody AND name = :meanwhile";

    /** To be bound to {@link #ROW}. */
    Map<String, Object> row() {
        return Map.of("nameless", key, "nobody", NOBODY, "meanwhile", name);
    }
}

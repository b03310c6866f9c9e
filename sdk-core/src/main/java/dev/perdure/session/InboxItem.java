package dev.perdure.session;

import java.time.Instant;
import java.util.Objects;

/**
 * Something sent to a session that its owner has not consumed yet.
 *
 * @param position in the inbox, dense from 1; the order in which items are applied
 * @param key idempotency key, unique in the session for ever
 */
public record InboxItem(long position, String key, Event.InputKind kind, Actor from, Json body, Instant at) {
    public InboxItem {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(body, "body");
        Objects.requireNonNull(at, "at");
    }

    /**
     * The text itself when it can be the key of an item: 1 to 200 characters, no NUL and no half of a surrogate pair, because not every
     * store can tell those apart.
     *
     * @throws IllegalArgumentException when it cannot; says where
     */
    public static String requireKey(String key) {
        return Names.requireKey("idempotency key", key, 200);
    }
}

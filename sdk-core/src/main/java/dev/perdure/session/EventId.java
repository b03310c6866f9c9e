package dev.perdure.session;

import java.util.Objects;
import java.util.UUID;

/** Identity of one event, chosen by its writer before the write, so that a repeated write is recognised. */
public record EventId(UUID value) {
    /** Stands for "no event"; the id of {@link Position#START}. */
    public static final EventId NONE = new EventId(new UUID(0, 0));

    public EventId {
        Objects.requireNonNull(value, "value");
    }

    public static EventId random() {
        return new EventId(UUID.randomUUID());
    }

    /** @throws IllegalArgumentException when {@code text} is not a UUID */
    public static EventId parse(String text) {
        return new EventId(UUID.fromString(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}

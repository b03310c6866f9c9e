package dev.perdure.session;

import java.util.Objects;

/**
 * A place in a session's log: directly after the event {@code seq}, which has the id {@code event}.
 *
 * @param seq number of that event, dense from 1; 0 at {@link #START}
 */
public record Position(long seq, EventId event) {
    /** Before the first event. */
    public static final Position START = new Position(0, EventId.NONE);

    public Position {
        Objects.requireNonNull(event, "event");
        if (seq < 0 || (seq == 0) != event.equals(EventId.NONE)) {
            throw new IllegalArgumentException("no such position: " + seq + ", " + event);
        }
    }
}

package dev.perdure.session;

import java.util.Objects;

/**
 * An event about to be written.
 *
 * @param turn number of the turn; 0 outside of any turn
 * @param json the stored form
 */
public record Draft(EventId id, int turn, Event event, String json) {
    public Draft {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(event, "event");
        Objects.requireNonNull(json, "json");
    }

    public static Draft of(EventId id, int turn, Event event) {
        return new Draft(id, turn, event, EventJson.text(event));
    }
}

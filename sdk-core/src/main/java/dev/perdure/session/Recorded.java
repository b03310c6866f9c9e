package dev.perdure.session;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An event as it stands in a log. Immutable. {@link #json()} is the stored form, byte for byte, so that what this version does
 * not know survives a read and a rewrite.
 */
public final class Recorded {
    private final long seq;
    private final EventId id;
    private final int turn;
    private final long fence;
    private final Instant at;
    private final String json;
    private final Event event;

    private Recorded(long seq, EventId id, int turn, long fence, Instant at, String json, Event event) {
        this.seq = seq;
        this.id = id;
        this.turn = turn;
        this.fence = fence;
        this.at = at;
        this.json = json;
        this.event = event;
    }

    /**
     * An event read from a store.
     *
     * @throws UnsupportedFormatException when it was written by a newer version that must be understood
     */
    public static Recorded of(long seq, EventId id, int turn, long fence, Instant at, String json) {
        return new Recorded(seq, id, turn, fence, at, json, EventJson.read(json));
    }

    /** An event just written, whose stored form is at hand. */
    public static Recorded of(long seq, long fence, Instant at, Draft draft) {
        return new Recorded(seq, draft.id(), draft.turn(), fence, at, draft.json(), draft.event());
    }

    /** Number in the log, dense from 1. */
    public long seq() {
        return seq;
    }

    public EventId id() {
        return id;
    }

    public Position position() {
        return new Position(seq, id);
    }

    /** Number of the turn, from 1; 0 outside of any turn. */
    public int turn() {
        return turn;
    }

    /** The fencing token it was written under; 0 for the first event. Never falls along the log. */
    public long fence() {
        return fence;
    }

    /** When it was stored, by the store's clock. Order is by {@link #seq()}, not by this. */
    public Instant at() {
        return at;
    }

    /** The stored form. */
    public String json() {
        return json;
    }

    public Event event() {
        return event;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Recorded r
                && r.seq == seq
                && r.fence == fence
                && r.turn == turn
                && r.id.equals(id)
                && r.json.equals(json);
    }

    @Override
    public int hashCode() {
        return Objects.hash(seq, id);
    }

    /** Number, turn and type; never content. */
    @Override
    public String toString() {
        return "#" + seq + " turn " + turn + " " + event.type();
    }
}

package dev.perdure.session;

import java.util.AbstractList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.RandomAccess;

/**
 * What the log of a session says up to some event. A pure function of those events: the same events give the same view, in any
 * process, and so does a {@link #snapshot} with what came after it. Immutable; {@link #with} gives the next one without copying the log.
 */
public final class SessionView {
    private final SessionId id;
    private final Log log;
    private final int length;
    private final SessionState state;

    private SessionView(SessionId id, Log log, int length, SessionState state) {
        this.id = id;
        this.log = log;
        this.length = length;
        this.state = state;
    }

    /** The view of an empty log. */
    public static SessionView empty(SessionId id) {
        return new SessionView(id, new Log(Past.none(id), Position.START), 0, SessionState.EMPTY);
    }

    /**
     * The view that had this {@link #snapshot} after the event {@code at}, the same in all respects; what came before is read when somebody looks at it.
     *
     * @return empty when the snapshot was made by a version that may see the same events otherwise, or is damaged: the log tells all that it tells
     */
    public static Optional<SessionView> of(SessionId id, Position at, String snapshot, PastReader past) {
        int length = Math.toIntExact(at.seq());
        return SnapshotJson.read(snapshot)
                .map(state ->
                        new SessionView(id, new Log(new Past(id, length, state.covered(), past), at), length, state));
    }

    /** Reads events of a log. */
    public interface PastReader {
        /**
         * Events after number {@code after}, oldest first.
         *
         * @param limit 1 to 1,000
         * @throws PerdureException when they cannot be read now; whoever looked at the events of the view gets it
         */
        List<Recorded> read(long after, int limit);
    }

    /**
     * What the events of this view came to, to go on from {@link #position()} without reading them all. A text for
     * {@link #of(SessionId, Position, String, PastReader)} of the same version and nobody else.
     */
    public String snapshot() {
        return SnapshotJson.write(state);
    }

    /** The view of a log, whole or from its start. */
    public static SessionView of(SessionId id, Iterable<Recorded> events) {
        SessionView view = empty(id);
        for (Recorded event : events) {
            view = view.with(event);
        }
        return view;
    }

    /** @throws IllegalArgumentException when {@code next} is not the event after this view's last */
    public SessionView with(Recorded next) {
        if (next.seq() != length + 1L) {
            throw new IllegalArgumentException(
                    "the log of " + id + " ends at event " + length + ", so event " + next.seq() + " does not follow");
        }
        return new SessionView(id, log.append(length, next), length + 1, state.with(id, next));
    }

    public SessionId id() {
        return id;
    }

    /**
     * All events, oldest first; the event with number {@code seq} is at index {@code seq - 1}. Unmodifiable. Those before the snapshot that a run began at
     * are read from the store when somebody looks at them: who needs only the newest goes from the end.
     */
    public List<Recorded> events() {
        return new Prefix(log, length);
    }

    /** After the last event. */
    public Position position() {
        return log.position(length);
    }

    /** Keys of the inputs that were applied since the newest turn began, in order. Unmodifiable. */
    public List<String> inputs() {
        return state.inputs();
    }

    /** The agent that answers now; empty before the first event. */
    public String agent() {
        return state.agent();
    }

    /** The newest turn, open or ended. */
    public Optional<TurnView> findTurn() {
        return Optional.ofNullable(state.turn());
    }

    public boolean ended() {
        return state.ended();
    }

    /** The calls of the newest step in the order of their ordinals; empty before the first and when a turn has begun anew. */
    public List<CallView> calls() {
        return state.calls();
    }

    public Optional<CallView> findCall(CallId call) {
        return state.calls().stream().filter(c -> c.id().equals(call)).findFirst();
    }

    /** Whether some call of the newest step has no result. */
    public boolean hasUnfinishedCalls() {
        return state.calls().stream().anyMatch(call -> !call.finished());
    }

    /** Questions that nobody has answered, oldest first. */
    public List<Question> questions() {
        return List.copyOf(state.questions().values());
    }

    public Optional<Question> findQuestion(String key) {
        return Optional.ofNullable(state.questions().get(key));
    }

    /** What the agent keeps, by name. Unmodifiable. */
    public Map<String, Json> notes() {
        return state.notes();
    }

    /** The newest version of each artifact, by name. Unmodifiable. */
    public Map<String, Event.ArtifactSaved> artifacts() {
        return state.artifacts();
    }

    /** The session's sandbox, as long as it is not lost. */
    public Optional<Event.SandboxBound> findSandbox() {
        return Optional.ofNullable(state.sandbox());
    }

    /** Model calls answered in all turns. */
    public int steps() {
        return state.steps();
    }

    /** Tokens of all turns. */
    public Usage usage() {
        return state.usage();
    }

    /** Money of all turns. */
    public Cost cost() {
        return state.cost();
    }

    @Override
    public String toString() {
        return "SessionView[" + id + ", " + length + " events]";
    }

    /** The past, and an append-only array of what came after it, which views of one log share; each reads only below its own length. */
    private static final class Log {
        private final Past past;
        private final Position start;
        private Recorded[] items = new Recorded[16];
        private int size;

        /** @param start after the last event of {@code past} */
        Log(Past past, Position start) {
            this.past = past;
            this.start = start;
        }

        /** This log with {@code next} at {@code length}; a copy when another view has gone on from there already. */
        synchronized Log append(int length, Recorded next) {
            int own = length - past.size();
            if (own < size && items[own].equals(next)) {
                // Shared already, perhaps as a draft that did not have the store's time yet.
                items[own] = next;
                return this;
            }
            if (size != own) {
                Log copy = new Log(past, start);
                copy.items = java.util.Arrays.copyOf(items, Math.max(16, own * 2));
                copy.size = own;
                return copy.append(length, next);
            }
            if (size == items.length) {
                items = java.util.Arrays.copyOf(items, size * 2);
            }
            items[size++] = next;
            return this;
        }

        Position position(int length) {
            return length == past.size() ? start : get(length - 1).position();
        }

        Recorded get(int index) {
            return index < past.size() ? past.get(index) : own(index - past.size());
        }

        private synchronized Recorded own(int index) {
            return items[index];
        }
    }

    private static final class Prefix extends AbstractList<Recorded> implements RandomAccess {
        private final Log log;
        private final int length;

        Prefix(Log log, int length) {
            this.log = log;
            this.length = length;
        }

        @Override
        public Recorded get(int index) {
            java.util.Objects.checkIndex(index, length);
            return log.get(index);
        }

        @Override
        public int size() {
            return length;
        }
    }
}

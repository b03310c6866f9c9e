package dev.perdure.session;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A durable fact of a session. Closed set; immutable. The stored form is {@code {"v":1,"type":"…",…}}: fields are only ever
 * added, a reader ignores fields it does not know, and a type it does not know is an {@link Unknown} unless it is marked {@code
 * "critical":true}, which is refused.
 */
public sealed interface Event {
    /** Number of the stored format that this version writes. */
    int FORMAT = 1;

    /** Name of the type in the stored form. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** The stored form. */
    default Json json() {
        return EventJson.write(this);
    }

    /**
     * The event of a stored form.
     *
     * @throws UnsupportedFormatException when the format number is newer than {@link #FORMAT}, or the type is unknown and critical
     * @throws IllegalArgumentException when this is no event
     */
    static Event of(Json stored) {
        return EventJson.read(stored);
    }

    /**
     * Whether this moves a session forward, so that it is not counted as another fruitless claim: an input was consumed, a
     * model replied, a call got its result or was resolved, a turn ended; or its worker gave it back in good order, to wait or for
     * another to go on, which is no failure.
     */
    default boolean movesForward() {
        return this instanceof InputReceived
                || this instanceof ModelReplied
                || this instanceof ToolFinished
                || this instanceof ToolResolved
                || this instanceof QuestionAnswered
                || this instanceof WaitStarted
                || this instanceof HandedBack
                || this instanceof StoreRegressed
                || this instanceof TurnEnded
                || this instanceof SessionEnded;
    }

    /** First event of every session. */
    record SessionOpened(String agent, Map<String, String> labels) implements Event {
        public SessionOpened {
            labels = labels == null ? Map.of() : Map.copyOf(labels);
        }
    }

    /**
     * A turn began.
     *
     * @param trace W3C {@code traceparent} of the turn's first run, to link later runs to
     */
    record TurnStarted(
            String agent, String agentVersion, @Nullable String trace) implements Event {}

    /**
     * An item of the inbox was consumed.
     *
     * @param key the sender's idempotency key
     * @param parts of the message; empty for other kinds
     */
    record InputReceived(String key, InputKind kind, Disposition disposition, Actor from, List<Part> parts)
            implements Event {
        public InputReceived {
            parts = parts == null ? List.of() : List.copyOf(parts);
        }
    }

    /** What was sent. */
    enum InputKind {
        MESSAGE,
        ANSWER,
        INTERRUPT,
        LATE_RESULT,
        END,
        RESUME,
        /** The store has lost the end of the log: nobody may go on before an operator has looked. */
        SET_ASIDE
    }

    /** What became of an input. */
    enum Disposition {
        /** It is part of the conversation, or did what it asks. */
        APPLIED,
        /** Its sender wanted it refused when the agent is busy, and it was. */
        REJECTED,
        /** It came too late to matter: its question was answered, its turn over, its call resolved, its session closed. */
        STALE
    }

    /** Why a model was called. */
    enum Purpose {
        ANSWER,
        COMPACT,
        CHECK
    }

    /**
     * A model's whole reply.
     *
     * @param attempt of this call, from 1
     * @param covers for {@link Purpose#COMPACT}: the model sees this reply instead of the events up to this number
     * @param details what else the gateway or provider said of the call; null when there is nothing
     */
    record ModelReplied(
            Purpose purpose,
            int attempt,
            List<Part> parts,
            String finishReason,
            Usage usage,
            Cost cost,
            String model,
            @Nullable String deployment,
            @Nullable String gatewayCallId,
            long latencyMillis,
            @Nullable Long covers,
            @Nullable Json details)
            implements Event {
        public ModelReplied {
            parts = parts == null ? List.of() : List.copyOf(parts);
            usage = usage == null ? Usage.NONE : usage;
            cost = cost == null ? Cost.UNKNOWN : cost;
            details = details == null || details.isNull() ? null : details;
        }

        /** The texts of the parts, one after the other. */
        public String text() {
            StringBuilder text = new StringBuilder();
            for (Part part : parts) {
                if (part instanceof Part.Text t) {
                    text.append(t.text());
                }
            }
            return text.toString();
        }

        /** The calls in the order of their ordinals. */
        public List<Part.ToolUse> toolUses() {
            return parts.stream()
                    .filter(Part.ToolUse.class::isInstance)
                    .map(Part.ToolUse.class::cast)
                    .toList();
        }
    }

    /**
     * A model call failed.
     *
     * @param usage tokens that it may have used all the same, estimated; null when it cannot have used any
     * @param cost of {@code usage}; null without it
     */
    record ModelFailed(
            Purpose purpose,
            int attempt,
            Problem problem,
            boolean willRetry,
            @Nullable Usage usage,
            @Nullable Cost cost)
            implements Event {
        public ModelFailed(Purpose purpose, int attempt, Problem problem, boolean willRetry) {
            this(purpose, attempt, problem, willRetry, null, null);
        }
    }

    /** The agent itself, not a model, wants tools to be called. */
    record CallsRequested(List<Requested> calls, boolean hidden) implements Event {
        public CallsRequested {
            calls = List.copyOf(calls);
        }

        /** One wanted call. */
        public record Requested(String tool, Json arguments) {}
    }

    /**
     * The intent to run a call, stored before it runs.
     *
     * @param attempt from 1
     * @param inputHash SHA-256 of the arguments it runs with, in hexadecimal
     */
    record ToolStarted(CallId call, String tool, int attempt, Effect effect, String idempotencyKey, String inputHash)
            implements Event {}

    /** How a call ended. */
    enum CallOutcome {
        OK,
        ERROR,
        DENIED,
        TIMED_OUT,
        INTERRUPTED,
        UNKNOWN
    }

    /**
     * A call has its result.
     *
     * @param attempt 0 when it never ran
     * @param output what the model sees; a preview when {@code full} is there
     * @param full the whole output, when it has more than 64 KB
     */
    record ToolFinished(
            CallId call,
            String tool,
            int attempt,
            CallOutcome outcome,
            String output,
            @Nullable BlobRef full,
            long millis)
            implements Event {}

    /** Nobody knows whether this attempt took effect. */
    record ToolInDoubt(CallId call, String tool, int attempt, String reason) implements Event {}

    /** What a doubt turned out to be. */
    enum Resolution {
        HAPPENED,
        DID_NOT_HAPPEN,
        UNKNOWN
    }

    /** A doubt is settled; a result or another attempt follows. */
    record ToolResolved(CallId call, String tool, int attempt, Resolution resolution, Actor by, String reason)
            implements Event {}

    /** A human is asked. */
    record QuestionAsked(String key, Question.Kind kind, CallId call, String tool, String arguments, String text)
            implements Event {}

    /** A human answered, or the question fell away (then by {@link Actor#PERDURE}). */
    record QuestionAnswered(String key, Question.Kind kind, CallId call, Answer answer, Actor by) implements Event {}

    /** The agent keeps a fact under a name; a later one replaces it. */
    record NoteKept(String name, Json value) implements Event {}

    /** Bytes were kept under a name. */
    record ArtifactSaved(String name, int version, BlobRef content, String mediaType) implements Event {}

    /** The session has a sandbox now. */
    record SandboxBound(String provider, Json handle, String cause) implements Event {}

    /** The session's sandbox is gone. */
    record SandboxLost(String provider, Json handle, String cause) implements Event {}

    /** Another agent answers from here on. */
    record HandedOff(String from, String to) implements Event {}

    /** Another worker goes on with what one left behind. */
    record TakenOver(WorkerId from, long fromFence, WorkerId to, long fence) implements Event {}

    /** A worker gave the session back unfinished, for another to go on. */
    record HandedBack(WorkerId by, String reason) implements Event {}

    /**
     * The store had lost the end of this log, as after a failover to a standby that lacked the newest commits.
     *
     * @param found number of the last event that was still there; an upper bound when whoever found out no longer knew the events before
     * @param acknowledged number of the last event that the store had acknowledged to the worker that found out
     * @param restored whether that worker still had all that was lost and wrote it again, directly before this event; else the events from {@code found}
     *     + 1 to {@code acknowledged} are gone with all they say, what tools did meanwhile included, and the session was set aside
     */
    record StoreRegressed(long found, long acknowledged, boolean restored) implements Event {}

    /** Somebody wants the turn to stop. */
    record Interrupted(Actor by, String reason) implements Event {}

    /** The turn goes on when something comes in. */
    record WaitStarted(WaitFor waitFor, List<String> questions) implements Event {
        public WaitStarted {
            questions = questions == null ? List.of() : List.copyOf(questions);
        }
    }

    /** What a session waits for. */
    enum WaitFor {
        ANSWER,
        INPUT
    }

    /** How a turn ended. */
    enum TurnOutcome {
        DONE,
        FAILED,
        INTERRUPTED
    }

    /**
     * A turn is over.
     *
     * @param output the agent's answer; empty when it has none
     * @param problem why it failed
     */
    record TurnEnded(
            TurnOutcome outcome,
            String output,
            @Nullable Problem problem,
            int steps,
            int toolCalls,
            Usage usage,
            Cost cost)
            implements Event {
        public TurnEnded {
            usage = usage == null ? Usage.NONE : usage;
            cost = cost == null ? Cost.NONE : cost;
        }
    }

    /** The session is closed for good. */
    record SessionEnded(Actor by, String reason) implements Event {}

    /** A type of a later version; {@link #json()} is its stored form as it was read. */
    record Unknown(String type, Json json) implements Event {}
}

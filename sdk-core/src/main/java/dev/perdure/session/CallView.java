package dev.perdure.session;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tool call of the last step, as far as the log tells.
 *
 * @param providerId the provider's id of the call; empty when a model did not ask for it
 * @param arguments it runs with: as the model wrote them, or as a human edited them
 * @param hidden whether the model is not shown this call
 * @param attempt of the newest start; 0 before the first
 * @param revocations how often the outside made this call's idempotency key unusable; each further attempt has a new one
 * @param effect of the newest start
 */
public record CallView(
        CallId id,
        String providerId,
        String tool,
        String arguments,
        boolean hidden,
        boolean edited,
        State state,
        int attempt,
        int revocations,
        @Nullable Effect effect,
        Event.@Nullable ToolFinished result) {
    /** How far a call has come. */
    public enum State {
        REQUESTED,
        /** Waits for approval. */
        ASKED,
        APPROVED,
        STARTED,
        IN_DOUBT,
        /** Waits for somebody to say what became of it. */
        DOUBT_ASKED,
        /** Known not to have taken effect: may start again. */
        REVOKED,
        FINISHED
    }

    public CallView {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(state, "state");
    }

    static CallView requested(CallId id, String providerId, String tool, String arguments, boolean hidden) {
        return new CallView(id, providerId, tool, arguments, hidden, false, State.REQUESTED, 0, 0, null, null);
    }

    public boolean finished() {
        return state == State.FINISHED;
    }

    public boolean waitsForAnswer() {
        return state == State.ASKED || state == State.DOUBT_ASKED;
    }

    public Optional<Event.ToolFinished> findResult() {
        return Optional.ofNullable(result);
    }

    CallView in(State next) {
        return new CallView(
                id, providerId, tool, arguments, hidden, edited, next, attempt, revocations, effect, result);
    }

    CallView revoked() {
        return new CallView(
                id,
                providerId,
                tool,
                arguments,
                hidden,
                edited,
                State.REVOKED,
                attempt,
                revocations + 1,
                effect,
                result);
    }

    CallView started(Event.ToolStarted start) {
        return new CallView(
                id,
                providerId,
                tool,
                arguments,
                hidden,
                edited,
                State.STARTED,
                start.attempt(),
                revocations,
                start.effect(),
                null);
    }

    CallView finished(Event.ToolFinished finish) {
        return new CallView(
                id, providerId, tool, arguments, hidden, edited, State.FINISHED, attempt, revocations, effect, finish);
    }

    CallView edited(Json newArguments) {
        return new CallView(
                id,
                providerId,
                tool,
                newArguments.text(),
                hidden,
                true,
                State.APPROVED,
                attempt,
                revocations,
                effect,
                result);
    }
}

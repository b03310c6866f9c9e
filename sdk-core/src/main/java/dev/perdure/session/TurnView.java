package dev.perdure.session;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The newest turn, as far as the log tells.
 *
 * @param number from 1
 * @param actor who sent the input that started it
 * @param steps model calls that were answered
 * @param failures model calls in a row that failed for good since the last reply
 * @param interrupted set once somebody wants it to stop
 * @param waitingFor set while it waits
 * @param ended set once it is over
 */
public record TurnView(
        int number,
        long startedAt,
        String agent,
        String agentVersion,
        Actor actor,
        int steps,
        int toolCalls,
        int failures,
        int attempts,
        Usage usage,
        Cost cost,
        Event.@Nullable Interrupted interrupted,
        Event.@Nullable WaitStarted waitingFor,
        Event.@Nullable TurnEnded ended) {
    public TurnView {
        Objects.requireNonNull(actor, "actor");
    }

    static TurnView started(int number, long seq, Event.TurnStarted start) {
        return new TurnView(
                number,
                seq,
                start.agent(),
                start.agentVersion(),
                Actor.UNNAMED,
                0,
                0,
                0,
                0,
                Usage.NONE,
                Cost.NONE,
                null,
                null,
                null);
    }

    public boolean open() {
        return ended == null;
    }

    public Optional<Event.Interrupted> findInterrupted() {
        return Optional.ofNullable(interrupted);
    }

    public Optional<Event.WaitStarted> findWaitingFor() {
        return Optional.ofNullable(waitingFor);
    }

    TurnView input(Event.InputReceived input, boolean first) {
        return copy(
                first ? input.from() : actor,
                steps,
                toolCalls,
                failures,
                attempts,
                usage,
                cost,
                interrupted,
                null,
                ended);
    }

    TurnView replied(Event.ModelReplied reply) {
        return copy(
                actor,
                steps + 1,
                toolCalls,
                0,
                0,
                usage.plus(reply.usage()),
                cost.plus(reply.cost()),
                interrupted,
                null,
                ended);
    }

    TurnView failed(Event.ModelFailed failure) {
        return copy(
                actor,
                steps,
                toolCalls,
                failure.willRetry() ? failures : failures + 1,
                attemptsAfter(failure),
                failure.usage() == null ? usage : usage.plus(failure.usage()),
                failure.cost() == null ? cost : cost.plus(failure.cost()),
                interrupted,
                null,
                ended);
    }

    /** What its worker did not survive, or somebody interrupted, says nothing of the peer: it is paid for, and takes no attempt. */
    private int attemptsAfter(Event.ModelFailed failure) {
        String kind = failure.problem().kind();
        if (kind.equals(Problem.LOST) || kind.equals("interrupted")) {
            return attempts;
        }
        return failure.willRetry() ? failure.attempt() : 0;
    }

    TurnView toolStarted(Event.ToolStarted start) {
        int calls = start.attempt() == 1 ? toolCalls + 1 : toolCalls;
        return copy(actor, steps, calls, failures, attempts, usage, cost, interrupted, null, ended);
    }

    TurnView answered() {
        return copy(actor, steps, toolCalls, failures, attempts, usage, cost, interrupted, null, ended);
    }

    TurnView waiting(Event.WaitStarted wait) {
        return copy(actor, steps, toolCalls, failures, attempts, usage, cost, interrupted, wait, ended);
    }

    TurnView interrupted(Event.Interrupted interrupt) {
        return copy(actor, steps, toolCalls, failures, attempts, usage, cost, interrupt, null, ended);
    }

    TurnView over(Event.TurnEnded end) {
        return copy(actor, steps, toolCalls, failures, attempts, usage, cost, interrupted, null, end);
    }

    private TurnView copy(
            Actor newActor,
            int newSteps,
            int newToolCalls,
            int newFailures,
            int newAttempts,
            Usage newUsage,
            Cost newCost,
            Event.@Nullable Interrupted newInterrupted,
            Event.@Nullable WaitStarted newWaitingFor,
            Event.@Nullable TurnEnded newEnded) {
        return new TurnView(
                number,
                startedAt,
                agent,
                agentVersion,
                newActor,
                newSteps,
                newToolCalls,
                newFailures,
                newAttempts,
                newUsage,
                newCost,
                newInterrupted,
                newWaitingFor,
                newEnded);
    }
}

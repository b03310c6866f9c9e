package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Problem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.session.Usage;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The model call that a worker which died leaves behind: it is made again, and the money of the first time is gone all the same. */
final class LostCall {
    private static final Logger LOG = LoggerFactory.getLogger(LostCall.class);
    /** Tokens taken for a reply that nobody has seen. */
    private static final int USUAL_REPLY = 1_000;

    private LostCall() {}

    /**
     * What to write down of it; empty when the other worker was at something else. Nobody noted the call: by the log as that worker left it, the agent wanted it next.
     *
     * @param left the session as the other worker left it
     */
    static Optional<Event.ModelFailed> find(SessionView left, Agent agent) {
        Optional<TurnView> open = left.findTurn().filter(TurnView::open).filter(turn -> callsMay(left, turn, agent));
        if (open.isEmpty()) {
            return Optional.empty();
        }
        try {
            return agent.next(left) instanceof Decision.CallModel call
                    ? Optional.of(event(agent, call, open.get().attempts() + 1))
                    : Optional.empty();
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            // It is asked again by the run, and what it does then is dealt with there.
            LOG.debug("{}: agent {} failed to decide", left.id(), agent.name(), e);
            return Optional.empty();
        }
    }

    private static boolean callsMay(SessionView left, TurnView turn, Agent agent) {
        return !left.hasUnfinishedCalls()
                && turn.findInterrupted().isEmpty()
                && turn.findWaitingFor().isEmpty()
                && !pausesBeforeRetry(left)
                && LimitCheck.exceeded(agent.limits(), left, turn).isEmpty();
    }

    /** After a failure that may pass the worker waits before it asks again: it most likely died in that. */
    private static boolean pausesBeforeRetry(SessionView left) {
        List<Recorded> events = left.events();
        Event last = events.isEmpty() ? null : events.get(events.size() - 1).event();
        return last instanceof Event.ModelFailed failure
                && failure.willRetry()
                && !failure.problem().kind().equals(Problem.LOST);
    }

    private static Event.ModelFailed event(Agent agent, Decision.CallModel decision, int attempt) {
        ModelRequest request = decision.request();
        int most = request.parameters().findMaxTokens().orElse(USUAL_REPLY);
        Usage usage = Usage.estimated(ModelCaller.guess(request, 0).input(), Math.min(most, USUAL_REPLY));
        return new Event.ModelFailed(
                decision.purpose(),
                attempt,
                new Problem(
                        Problem.LOST, "the worker died while the model was asked; it is asked again", true, null, null),
                true,
                usage,
                agent.model().reportsCost() ? ModelCaller.estimate(usage) : Cost.UNKNOWN);
    }
}

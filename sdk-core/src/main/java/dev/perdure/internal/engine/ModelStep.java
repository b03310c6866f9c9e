package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Interruption;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.spi.CallScope;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** The model calls of one run, one attempt at a time: made on the run's thread, interrupted from any. */
final class ModelStep {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

    private final Engine engine;
    private final SessionId session;
    private volatile Interruption interruption = Interruption.never();
    private volatile int turn;

    ModelStep(Engine engine, SessionId session) {
        this.engine = engine;
        this.session = session;
    }

    /**
     * What an attempt came to.
     *
     * @param received how many characters of the reply had come
     */
    record Attempt(ModelCaller.Result result, int received) {}

    /** Number of the turn whose call is on; 0 when none is. */
    int turn() {
        return turn;
    }

    /** Stops the call that is on. Aside: what the model client registered may block, and this may be the thread that renews all leases. */
    void interrupt(String why) {
        Interruption current = interruption;
        engine.aside(() -> current.request(why));
    }

    /** Whether somebody stopped the last call. */
    boolean interrupted() {
        return interruption.requested();
    }

    /**
     * @param after number of the last event that the reply comes after
     * @param begun run when the call can be interrupted, before it is made
     */
    Attempt call(
            Agent agent,
            Decision.CallModel call,
            SessionView view,
            TurnView open,
            EventId id,
            long after,
            Runnable begun) {
        Relay relay = new Relay(open.number(), after);
        interruption = new Interruption();
        turn = open.number();
        try {
            begun.run();
            boolean followed = call.purpose() == Event.Purpose.ANSWER
                    && !engine.followers(session).isEmpty();
            ModelCaller.Result result = engine.modelCaller(session)
                    .call(
                            agent,
                            call,
                            open.number(),
                            open.attempts() + 1,
                            id,
                            LimitCheck.budgetLeft(agent.limits(), view, open),
                            interruption,
                            followed ? relay : CallScope.Deltas.UNWANTED);
            return new Attempt(result, relay.after(result));
        } finally {
            turn = 0;
            // An interrupt meant for the call must not hit what follows.
            Thread.interrupted();
        }
    }

    /** How long to wait after attempt number {@code attempt}: what the peer wants, but at most a minute, and never nothing. */
    static Duration pause(int attempt, Duration wanted) {
        long millis = Math.min(30_000, 500L << Math.min(attempt - 1, 10));
        Duration own = Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis / 2, millis + 1));
        Duration capped = wanted.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wanted;
        return capped.compareTo(own) > 0 ? capped : own;
    }

    /** Passes a reply on to who follows it in this process. */
    private final class Relay implements CallScope.Deltas {
        private final int turn;
        private final long after;
        private int offset;

        Relay(int turn, long after) {
            this.turn = turn;
            this.after = after;
        }

        @Override
        public void text(String more) {
            engine.followers(session).forEach(follower -> follower.text(turn, after, offset, more));
            offset += more.length();
        }

        @Override
        public void discard() {
            offset = 0;
            engine.followers(session).forEach(follower -> follower.discard(after));
        }

        /** How much had come; what came of a call that failed is taken back. */
        int after(ModelCaller.Result result) {
            int received = offset;
            if (received > 0 && result instanceof ModelCaller.Result.Failed) {
                discard();
            }
            return received;
        }
    }
}

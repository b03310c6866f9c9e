package dev.perdure.testkit.crash;

import dev.perdure.session.Answer;
import dev.perdure.session.CallId;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Probe;
import dev.perdure.tool.ToolCall;
import java.util.List;
import java.util.Optional;

/** The tools' way to the ledger, and what those say who are asked about a call in doubt: the truth, made final first. Thread-safe. */
final class Outside {
    /** How far back in the log an intent is looked for: further than a step with all its parallel calls goes. */
    private static final int LOOK_BACK = 200;

    static final String DONE = "done";

    private final SessionStore store;
    private final EffectLedger ledger;

    Outside(SessionStore store, EffectLedger ledger) {
        this.store = store;
        this.ledger = ledger;
    }

    /** Number of the event that holds the intent of this attempt; 0 when it is not in the log. */
    long intent(ToolCall call) {
        return started(call.session(), call.id())
                .filter(found -> ((Event.ToolStarted) found.event()).attempt() >= call.attempt())
                .map(Recorded::seq)
                .orElse(0L);
    }

    boolean perform(Effect effect, ToolCall call, long intent) {
        return ledger.perform(effect, call, intent);
    }

    /** No further attempt has this key, so all that have it are revoked at once. */
    Probe probe(String key) {
        return ledger.revoke(key, Integer.MAX_VALUE).isEmpty() ? Probe.revoked() : Probe.done(DONE);
    }

    Answer answer(Question question) {
        if (question.kind() == Question.Kind.APPROVAL) {
            return Answer.accept("by the crash harness");
        }
        return revoke(question.id().session(), question.call())
                ? Answer.didNotHappen("not in the ledger, nor will it be")
                : Answer.happened(DONE, "it is in the ledger");
    }

    /** After a human's word the next attempt has the same key: so what is revoked is the attempts that the log knows of. */
    private boolean revoke(SessionId session, CallId call) {
        Event.ToolStarted start = (Event.ToolStarted) started(session, call)
                .orElseThrow(() -> new IllegalStateException("call " + call + " is in doubt and never started"))
                .event();
        return ledger.revoke(start.idempotencyKey(), start.attempt()).isEmpty();
    }

    /** The newest start of a call. */
    private Optional<Recorded> started(SessionId session, CallId call) {
        long end = store.head(session).seq();
        List<Recorded> tail = store.read(session, Math.max(0, end - LOOK_BACK), LOOK_BACK * 2);
        return tail.stream()
                .filter(found -> found.event() instanceof Event.ToolStarted start
                        && start.call().equals(call))
                .reduce((one, other) -> other);
    }
}

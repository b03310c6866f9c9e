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
import java.util.Optional;

/** The tools' way to the ledger, and what those say who are asked about a call in doubt: the truth, made final first. Thread-safe. */
final class Outside {
    /** How far back in the log an intent is looked for at a time, and at most: further than a step with all its parallel calls goes. */
    private static final int LOOK_BACK = 40;

    private static final int FURTHEST_BACK = 800;

    static final String DONE = "done";
    /** Every so many approvals one is denied. */
    private static final int DENIALS = 4;

    private final SessionStore store;
    private final Ledgers ledgers;

    Outside(SessionStore store, Ledgers ledgers) {
        this.store = store;
        this.ledgers = ledgers;
    }

    /** Number of the event that holds the intent of this attempt; 0 when it is not in the log. */
    long intent(ToolCall call) {
        return started(call.session(), call.id())
                .filter(found -> ((Event.ToolStarted) found.event()).attempt() >= call.attempt())
                .map(Recorded::seq)
                .orElse(0L);
    }

    boolean perform(Effect effect, ToolCall call, long intent) {
        return ledgers.of(call.session()).perform(effect, call, intent);
    }

    /** No further attempt has this key, so all that have it are revoked at once. */
    Probe probe(String key) {
        String[] parts = key.split("/", 3);
        EffectLedger ledger = ledgers.of(SessionId.of(parts[0], parts[1]));
        return ledger.revoke(key, Integer.MAX_VALUE).isEmpty() ? Probe.revoked() : Probe.done(DONE);
    }

    Answer answer(Question question) {
        if (question.kind() == Question.Kind.APPROVAL) {
            return denies(question) ? Answer.deny("by the crash harness") : Answer.accept("by the crash harness");
        }
        return revoke(question.id().session(), question.call())
                ? Answer.didNotHappen("not in the ledger, nor will it be")
                : Answer.happened(DONE, "it is in the ledger");
    }

    /** Always the same of a question. */
    private static boolean denies(Question question) {
        return question.id().key().hashCode() % DENIALS == 0;
    }

    /** What another human says of the same question: whoever comes first counts. */
    Answer contradict(Question question) {
        return denies(question) ? Answer.accept("by somebody else") : Answer.deny("by somebody else");
    }

    /** After a human's word the next attempt has the same key: so what is revoked is the attempts that the log knows of. */
    private boolean revoke(SessionId session, CallId call) {
        Event.ToolStarted start = (Event.ToolStarted) started(session, call)
                .orElseThrow(() -> new IllegalStateException("call " + call + " is in doubt and never started"))
                .event();
        return ledgers.of(session)
                .revoke(start.idempotencyKey(), start.attempt())
                .isEmpty();
    }

    /** The newest start of a call. */
    private Optional<Recorded> started(SessionId session, CallId call) {
        long end = store.head(session).seq();
        long until = Math.max(0, end - FURTHEST_BACK);
        for (long from = end - LOOK_BACK; from + LOOK_BACK > until; from -= LOOK_BACK) {
            // The newest page goes on beyond the end that was seen.
            int limit = from + LOOK_BACK == end ? LOOK_BACK * 2 : LOOK_BACK + (int) Math.min(0, from);
            Optional<Recorded> found = store.read(session, Math.max(0, from), limit).stream()
                    .filter(event -> event.event() instanceof Event.ToolStarted start
                            && start.call().equals(call))
                    .reduce((one, other) -> other);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }
}

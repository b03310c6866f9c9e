package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.CallId;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Recorded;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What holds for every log, whatever happened to its writers: P2, P3, P4 and P5 of the design, as far as a log shows them. */
final class LogRules {
    private final Set<EventId> ids = new HashSet<>();
    private final Set<String> applied = new HashSet<>();
    private final Set<CallId> open = new LinkedHashSet<>();
    private final Set<CallId> finished = new HashSet<>();
    private final Map<CallId, Integer> revoked = new HashMap<>();
    private long fence;
    private long seq;
    private boolean inTurn;

    private LogRules() {}

    static void check(List<Recorded> log) {
        LogRules rules = new LogRules();
        for (Recorded event : log) {
            try {
                rules.check(event);
            } catch (AssertionError e) {
                throw new AssertionError(e.getMessage() + "\nat " + event + " of:\n" + text(log), e);
            }
        }
    }

    static String text(List<Recorded> log) {
        StringBuilder text = new StringBuilder();
        log.forEach(event ->
                text.append(event.seq()).append(' ').append(event.json()).append('\n'));
        return text.toString();
    }

    private void check(Recorded recorded) {
        assertThat(recorded.seq()).as("seq is dense").isEqualTo(++seq);
        assertThat(ids.add(recorded.id())).as("event ids are unique").isTrue();
        assertThat(recorded.fence()).as("the fence never falls").isGreaterThanOrEqualTo(fence);
        fence = recorded.fence();
        Event event = recorded.event();
        if (event instanceof Event.TurnStarted) {
            assertThat(inTurn).as("one turn at a time").isFalse();
            inTurn = true;
        } else if (event instanceof Event.TurnEnded) {
            assertThat(inTurn).as("a turn ends once").isTrue();
            assertThat(open).as("every call has its result when a turn ends").isEmpty();
            inTurn = false;
        } else if (event instanceof Event.InputReceived input && input.disposition() == Event.Disposition.APPLIED) {
            assertThat(applied.add(input.key())).as("an input is applied once").isTrue();
        } else if (event instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
            assertThat(open)
                    .as("every call has its result before the next model call")
                    .isEmpty();
            for (int i = 0; i < reply.toolUses().size(); i++) {
                open.add(CallId.of(recorded.id(), i));
            }
        } else if (event instanceof Event.CallsRequested request) {
            assertThat(open)
                    .as("every call has its result before the next step")
                    .isEmpty();
            for (int i = 0; i < request.calls().size(); i++) {
                open.add(CallId.of(recorded.id(), i));
            }
        } else {
            checkCall(event);
        }
    }

    private void checkCall(Event event) {
        if (event instanceof Event.ToolStarted start) {
            assertThat(open).as("a call that starts was asked for").contains(start.call());
            if (start.effect() == Effect.ONCE && start.attempt() > 1) {
                assertThat(revoked.get(start.call()))
                        .as("a ONCE call starts again only when it is known not to have happened")
                        .isEqualTo(start.attempt() - 1);
            }
        } else if (event instanceof Event.ToolResolved resolved) {
            if (resolved.resolution() == Event.Resolution.DID_NOT_HAPPEN) {
                revoked.put(resolved.call(), resolved.attempt());
            }
        } else if (event instanceof Event.ToolFinished finish) {
            assertThat(finished.add(finish.call())).as("a call has one result").isTrue();
            assertThat(open.remove(finish.call()))
                    .as("a result belongs to an open call")
                    .isTrue();
        }
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the logs of a store for what must not be in them, whoever wrote them: gaps, fences that fall, inputs applied twice, calls with
 * two results or none, and with a ledger effects that happened twice or without an intent. Immutable.
 */
public final class LogChecker {
    private static final int PAGE = 1_000;

    private final SessionStore store;
    private final @Nullable EffectLedger ledger;

    private LogChecker(SessionStore store, @Nullable EffectLedger ledger) {
        this.store = store;
        this.ledger = ledger;
    }

    public static LogChecker of(SessionStore store) {
        return new LogChecker(store, null);
    }

    /** A copy that also compares the logs with what happened outside. */
    public LogChecker effects(EffectLedger value) {
        return new LogChecker(store, value);
    }

    /** All that is wrong with a session; empty when nothing is. */
    public List<Violation> check(SessionId session) {
        List<Recorded> log = read(session);
        List<Violation> found = new ArrayList<>();
        order(log, report(found, "P2", session));
        inputs(log, report(found, "P3", session));
        results(log, report(found, "P5", session));
        fences(log, report(found, "P7", session));
        if (ledger != null) {
            List<EffectLedger.Entry> effects = ledger.entries().stream()
                    .filter(entry -> entry.session().equals(session))
                    .toList();
            EffectCheck.check(log, effects, report(found, "P4", session));
        }
        return List.copyOf(found);
    }

    static Consumer<String> report(List<Violation> found, String property, SessionId session) {
        return seen -> found.add(new Violation(property, session, seen));
    }

    List<Recorded> read(SessionId session) {
        List<Recorded> log = new ArrayList<>();
        List<Recorded> page = store.read(session, 0, PAGE);
        while (!page.isEmpty()) {
            log.addAll(page);
            page = store.read(session, page.get(page.size() - 1).seq(), PAGE);
        }
        return log;
    }

    private static void order(List<Recorded> log, Consumer<String> wrong) {
        Set<Object> ids = new HashSet<>();
        long fence = 0;
        for (int i = 0; i < log.size(); i++) {
            Recorded event = log.get(i);
            if (event.seq() != i + 1L) {
                wrong.accept(event + " is at place " + (i + 1));
            }
            if (!ids.add(event.id())) {
                wrong.accept(event + " has the id of another event");
            }
            if (event.fence() < fence) {
                wrong.accept(event + " has fence " + event.fence() + " after " + fence);
            }
            fence = Math.max(fence, event.fence());
        }
    }

    private static void inputs(List<Recorded> log, Consumer<String> wrong) {
        Map<String, Recorded> applied = new HashMap<>();
        for (Recorded event : log) {
            if (event.event() instanceof Event.InputReceived input) {
                Recorded before = applied.put(input.key(), event);
                if (before != null) {
                    wrong.accept("the input " + input.key() + " is in " + before + " and in " + event);
                }
            }
        }
    }

    /** Each call of a reply has one result before the next reply, and no other. */
    private static void results(List<Recorded> log, Consumer<String> wrong) {
        Map<CallId, Integer> open = new HashMap<>();
        for (Recorded event : log) {
            if (event.event() instanceof Event.ToolFinished finished) {
                Integer results = open.computeIfPresent(finished.call(), (call, count) -> count + 1);
                if (results == null) {
                    wrong.accept(event + " is the result of " + finished.call() + ", which is not a call of this step");
                }
            } else if (event.event() instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
                requireOneEach(open, event, wrong);
                open.clear();
                for (int i = 0; i < reply.toolUses().size(); i++) {
                    open.put(CallId.of(event.id(), i), 0);
                }
            } else if (event.event() instanceof Event.TurnEnded) {
                requireOneEach(open, event, wrong);
            }
        }
    }

    private static void requireOneEach(Map<CallId, Integer> open, Recorded before, Consumer<String> wrong) {
        open.forEach((call, results) -> {
            if (results != 1) {
                wrong.accept("the call " + call + " has " + results + " results before " + before);
            }
        });
    }

    private static void fences(List<Recorded> log, Consumer<String> wrong) {
        for (Recorded event : log) {
            if (event.event() instanceof Event.TakenOver taken
                    && (taken.fence() != event.fence() || taken.fromFence() >= taken.fence())) {
                wrong.accept(event + " takes over from fence " + taken.fromFence() + " with " + taken.fence()
                        + " and stands under " + event.fence());
            }
        }
    }
}

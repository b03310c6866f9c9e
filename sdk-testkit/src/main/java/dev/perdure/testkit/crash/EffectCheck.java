package dev.perdure.testkit.crash;

import dev.perdure.session.CallId;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Compares the log of a session with what its tools did outside. */
final class EffectCheck {
    private EffectCheck() {}

    static void check(List<Recorded> log, List<EffectLedger.Entry> effects, Consumer<String> wrong) {
        Map<CallId, EffectLedger.Entry> first = new HashMap<>();
        Map<String, CallId> calls = new HashMap<>();
        for (EffectLedger.Entry effect : effects) {
            intent(log, effect, wrong);
            EffectLedger.Entry before = first.putIfAbsent(effect.call(), effect);
            if (before != null && effect.effect() == Effect.ONCE) {
                wrong.accept("the call " + effect.call() + " took effect twice, in attempt " + before.attempt()
                        + " of process " + before.pid() + " and attempt " + effect.attempt() + " of process "
                        + effect.pid());
            }
            if (before != null && !before.key().equals(effect.key())) {
                wrong.accept("the call " + effect.call() + " has two keys, " + before.key() + " and " + effect.key());
            }
            CallId other = calls.putIfAbsent(effect.key(), effect.call());
            if (other != null && !other.equals(effect.call())) {
                wrong.accept("the calls " + other + " and " + effect.call() + " have one key: " + effect.key());
            }
        }
        results(log, first, wrong);
    }

    /** By what the tool itself saw in the log before it acted: no two clocks are compared. */
    private static void intent(List<Recorded> log, EffectLedger.Entry effect, Consumer<String> wrong) {
        boolean there = effect.intent() > 0
                && effect.intent() <= log.size()
                && log.get((int) effect.intent() - 1).event() instanceof Event.ToolStarted start
                && start.call().equals(effect.call());
        if (!there) {
            wrong.accept("attempt " + effect.attempt() + " of the call " + effect.call()
                    + " took effect before its intent was in the log");
        }
    }

    private static void results(List<Recorded> log, Map<CallId, EffectLedger.Entry> effects, Consumer<String> wrong) {
        for (Recorded event : log) {
            if (event.event() instanceof Event.ToolFinished finished
                    && finished.output().equals(Outside.DONE)
                    && !effects.containsKey(finished.call())) {
                wrong.accept(event + " says that the call " + finished.call() + " took effect, and it did not");
            }
        }
    }
}

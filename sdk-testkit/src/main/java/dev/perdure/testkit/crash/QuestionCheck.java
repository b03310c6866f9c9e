package dev.perdure.testkit.crash;

import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
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
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Questions are asked once, answered once, by the answer that was accepted, and none is lost: neither in the log nor in the list of those that are open. */
final class QuestionCheck {
    private final SessionStore store;
    private final EffectLedger ledger;

    QuestionCheck(SessionStore store, EffectLedger ledger) {
        this.store = store;
        this.ledger = ledger;
    }

    /**
     * An answer that the store said it has.
     *
     * @param question its key
     */
    record Accepted(String question, Answer answer, Actor by) {}

    List<Violation> check(SessionId session, List<Recorded> log, List<Accepted> accepted) {
        List<Violation> found = new ArrayList<>();
        Consumer<String> wrong = LogChecker.report(found, "P8", session);
        Map<String, Event.QuestionAnswered> answered = new HashMap<>();
        Set<String> open = open(log, answered, wrong);
        openOnes(session, open, wrong);
        Set<String> late = late(log);
        for (Accepted one : accepted) {
            accepted(one, answered.get(one.question()), late, open, wrong);
        }
        denied(session, answered, wrong);
        return found;
    }

    /** Keys of the questions that the log asks and does not answer. */
    private static Set<String> open(
            List<Recorded> log, Map<String, Event.QuestionAnswered> answered, Consumer<String> wrong) {
        Set<String> open = new HashSet<>();
        Set<String> asked = new HashSet<>();
        for (Recorded event : log) {
            if (event.event() instanceof Event.QuestionAsked question) {
                open.add(question.key());
                if (!asked.add(question.key())) {
                    wrong.accept(event + " asks a question of a key that was asked before");
                }
            } else if (event.event() instanceof Event.QuestionAnswered answer) {
                if (!open.remove(answer.key())) {
                    wrong.accept(
                            event + " answers a question that is not open: it was answered before, or never asked");
                }
                answered.put(answer.key(), answer);
            } else if (event.event() instanceof Event.TurnEnded && !open.isEmpty()) {
                wrong.accept(event + " ends a turn whose questions " + open + " nobody answered");
            }
        }
        return open;
    }

    private void openOnes(SessionId session, Set<String> open, Consumer<String> wrong) {
        Set<String> listed = store.questions(session.tenant(), null, 10_000).stream()
                .map(Question::id)
                .filter(id -> id.session().equals(session))
                .map(QuestionId::key)
                .collect(Collectors.toSet());
        if (!listed.equals(open)) {
            wrong.accept("the open questions are " + open + " by the log, but the store lists " + listed);
        }
    }

    /** Keys of inputs that came too late to matter. */
    private static Set<String> late(List<Recorded> log) {
        return log.stream()
                .map(Recorded::event)
                .filter(event -> event instanceof Event.InputReceived input
                        && input.kind() == Event.InputKind.ANSWER
                        && input.disposition() == Event.Disposition.STALE)
                .map(event -> ((Event.InputReceived) event).key())
                .collect(Collectors.toSet());
    }

    private static void accepted(
            Accepted one,
            Event.@Nullable QuestionAnswered there,
            Set<String> late,
            Set<String> open,
            Consumer<String> wrong) {
        boolean applied = there != null
                && there.answer().equals(one.answer())
                && there.by().equals(one.by());
        boolean fellAway = there != null
                && there.by().equals(Actor.PERDURE)
                && late.stream().anyMatch(key -> key.endsWith(":" + one.question()));
        if (!applied && !fellAway) {
            wrong.accept("the question " + one.question() + " was answered by " + one.by() + " with "
                    + one.answer().type() + ", which was accepted, but the log has "
                    + (there != null ? there : open.contains(one.question()) ? "no answer" : "no such question"));
        }
    }

    private void denied(SessionId session, Map<String, Event.QuestionAnswered> answered, Consumer<String> wrong) {
        Set<CallId> denied = answered.values().stream()
                .filter(answer -> answer.answer() instanceof Answer.Deny)
                .map(Event.QuestionAnswered::call)
                .collect(Collectors.toSet());
        ledger.entries().stream()
                .filter(effect -> effect.session().equals(session) && denied.contains(effect.call()))
                .forEach(effect -> wrong.accept("the call " + effect.call() + " took effect although it was denied"));
    }
}

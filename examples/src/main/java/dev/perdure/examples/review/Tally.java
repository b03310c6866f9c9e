package dev.perdure.examples.review;

import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a run comes to, counted from what is on disk when it is over.
 *
 * @param kills workers that died by SIGKILL
 * @param resumed times that a worker took over from a dead one
 * @param toolCalls calls with a result
 * @param duplicateEffects findings beyond one for each call
 * @param lostSteps events that a worker was told are durable and that are not in the log, and calls without a result
 */
public record Tally(int kills, long resumed, long toolCalls, long duplicateEffects, long lostSteps) {
    public static Tally of(
            int kills, List<Recorded> log, List<Findings.Entry> findings, List<Announced.Line> announced) {
        Set<CallId> started = calls(log, Event.ToolStarted.class);
        Set<CallId> finished = calls(log, Event.ToolFinished.class);
        Set<CallId> unfinished = new HashSet<>(started);
        unfinished.removeAll(finished);
        return new Tally(
                kills,
                events(log, Event.TakenOver.class).count(),
                finished.size(),
                duplicates(log, findings),
                lost(log, announced) + unfinished.size());
    }

    /** Whether nothing was done twice and nothing was lost. */
    public boolean clean() {
        return duplicateEffects == 0 && lostSteps == 0;
    }

    public String line() {
        return "RESULT quickstart kills=" + kills + " resumed=" + resumed + " tool_calls=" + toolCalls
                + " duplicate_effects=" + duplicateEffects + " lost_steps=" + lostSteps;
    }

    private static long duplicates(List<Recorded> log, List<Findings.Entry> findings) {
        Set<String> known = events(log, Event.ToolStarted.class)
                .map(Event.ToolStarted::idempotencyKey)
                .collect(Collectors.toSet());
        Set<String> kept = findings.stream()
                .map(Findings.Entry::key)
                .filter(known::contains)
                .collect(Collectors.toSet());
        // A finding under a key that no call of the log has is one too many as well.
        return (long) findings.size() - kept.size();
    }

    private static long lost(List<Recorded> log, List<Announced.Line> announced) {
        Set<String> kept =
                log.stream().map(event -> event.seq() + " " + event.id()).collect(Collectors.toSet());
        return announced.stream()
                .filter(line -> !kept.contains(line.seq() + " " + line.id()))
                .count();
    }

    private static Set<CallId> calls(List<Recorded> log, Class<? extends Event> type) {
        return events(log, type)
                .map(event ->
                        event instanceof Event.ToolStarted start ? start.call() : ((Event.ToolFinished) event).call())
                .collect(Collectors.toSet());
    }

    private static <E extends Event> Stream<E> events(List<Recorded> log, Class<E> type) {
        return log.stream().map(Recorded::event).filter(type::isInstance).map(type::cast);
    }
}

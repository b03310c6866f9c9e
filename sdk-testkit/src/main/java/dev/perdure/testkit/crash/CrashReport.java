package dev.perdure.testkit.crash;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a run did and found.
 *
 * @param seed that repeats the plans of the run; threads and processes race as they like
 * @param kills processes killed, by where they were
 * @param pauses processes stopped for longer than a lease and continued, by where they were
 * @param faults what befell connections and the server, by kind
 * @param inputs applied
 * @param effects outside, repeats counted
 * @param takeovers of a session from a worker that was killed or paused
 * @param took from the first process to the last look
 */
public record CrashReport(
        long seed,
        Map<CrashPoint, Integer> kills,
        Map<CrashPoint, Integer> pauses,
        Map<String, Integer> faults,
        int sessions,
        int inputs,
        int effects,
        int takeovers,
        Duration took,
        List<Violation> violations) {
    public CrashReport {
        kills = Map.copyOf(kills);
        pauses = Map.copyOf(pauses);
        faults = Map.copyOf(faults);
        violations = List.copyOf(violations);
    }

    public int killed() {
        return kills.values().stream().mapToInt(Integer::intValue).sum();
    }

    public int paused() {
        return pauses.values().stream().mapToInt(Integer::intValue).sum();
    }
}

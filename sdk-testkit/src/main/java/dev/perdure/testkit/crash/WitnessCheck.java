package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Compares logs with what the children wrote down of them. */
final class WitnessCheck {
    private final Map<SessionId, List<List<String>>> events = new HashMap<>();
    private final Map<SessionId, List<List<String>>> requests = new HashMap<>();
    private final Map<SessionId, List<List<String>>> claims = new HashMap<>();
    /** For each sender, because order is only promised to one. */
    private final List<Map<SessionId, List<List<String>>>> acks = new ArrayList<>();

    private final Agent agent;

    /** Reads what the children of this round have written so far. */
    WitnessCheck(Round round, int slots, Agent agent) {
        this.agent = agent;
        for (int slot = 0; slot < slots; slot++) {
            read(round.paper(Round.Paper.EVENTS, slot), events);
            read(round.paper(Round.Paper.REQUESTS, slot), requests);
            read(round.paper(Round.Paper.CLAIMS, slot), claims);
            Map<SessionId, List<List<String>>> sender = new HashMap<>();
            read(round.paper(Round.Paper.ACKS, slot), sender);
            acks.add(sender);
        }
    }

    /** Without the names of the session at the beginning of each line. */
    private static void read(Path file, Map<SessionId, List<List<String>>> into) {
        for (List<String> line : Lines.read(file)) {
            into.computeIfAbsent(SessionId.of(line.get(0), line.get(1)), any -> new ArrayList<>())
                    .add(line.subList(2, line.size()));
        }
    }

    /** @param waiting keys of what is in the inbox */
    List<Violation> check(SessionId session, List<Recorded> log, Set<String> waiting) {
        List<Violation> found = new ArrayList<>();
        events(
                events.getOrDefault(session, List.of()),
                log,
                LogChecker.report(found, "P1", session),
                LogChecker.report(found, "P7", session));
        for (Map<SessionId, List<List<String>>> sender : acks) {
            inputs(
                    sender.getOrDefault(session, List.of()).stream()
                            .filter(line -> !waiting.contains(line.get(0)))
                            .toList(),
                    log,
                    LogChecker.report(found, "P1", session),
                    LogChecker.report(found, "P3", session));
        }
        requests(session, log, LogChecker.report(found, "P6", session));
        claims(session, log, LogChecker.report(found, "P7", session));
        return found;
    }

    private static void events(
            List<List<String>> seen, List<Recorded> log, Consumer<String> lost, Consumer<String> stale) {
        for (List<String> line : seen) {
            Recorded event = at(log, line.get(0), line.get(1));
            if (event == null) {
                lost.accept(
                        "event " + line.get(0) + " with id " + line.get(1) + " was committed and is not in the log");
            } else if (event.fence() != Long.parseLong(line.get(2))) {
                stale.accept(event + " was written by the holder of fence " + line.get(2) + " and stands under "
                        + event.fence() + ": its writer had lost the session");
            }
        }
    }

    private static @Nullable Recorded at(List<Recorded> log, String seq, String id) {
        long place = Long.parseLong(seq);
        return place <= log.size() && log.get((int) place - 1).id().equals(EventId.parse(id))
                ? log.get((int) place - 1)
                : null;
    }

    private static void inputs(
            List<List<String>> acked, List<Recorded> log, Consumer<String> lost, Consumer<String> disordered) {
        List<String> keys = List.copyOf(
                acked.stream().map(line -> line.get(0)).collect(Collectors.toCollection(LinkedHashSet::new)));
        List<String> applied = log.stream()
                .map(Recorded::event)
                .filter(event -> event instanceof Event.InputReceived input
                        && input.disposition() == Event.Disposition.APPLIED
                        && keys.contains(input.key()))
                .map(event -> ((Event.InputReceived) event).key())
                .distinct()
                .toList();
        for (String key : keys) {
            if (!applied.contains(key)) {
                lost.accept("the input " + key + " was accepted and is not in the log");
            }
        }
        if (applied.size() == keys.size() && !applied.equals(keys)) {
            disordered.accept("a sender's inputs were applied in the order " + applied);
        }
    }

    /** A claim ends what earlier holders may write: not only once the new one has written something. */
    private void claims(SessionId session, List<Recorded> log, Consumer<String> stale) {
        for (List<String> line : claims.getOrDefault(session, List.of())) {
            long fence = Long.parseLong(line.get(0));
            long end = Math.min(Long.parseLong(line.get(1)), log.size());
            log.subList((int) end, log.size()).stream()
                    .filter(event -> event.fence() < fence)
                    .forEach(event -> stale.accept(event + " was written under fence " + event.fence()
                            + " after the session had been claimed with " + fence));
        }
    }

    /** Asks the agent again at the places in the log where a child's agent was asked. */
    private void requests(SessionId session, List<Recorded> log, Consumer<String> wrong) {
        Map<Long, List<List<String>>> bySeq = requests.getOrDefault(session, List.of()).stream()
                .collect(Collectors.groupingBy(line -> Long.valueOf(line.get(0))));
        SessionView view = SessionView.empty(session);
        for (Recorded event : log) {
            if (event.seq() != view.position().seq() + 1) {
                // A log with a hole is another property's; nobody can read on in it.
                return;
            }
            view = view.with(event);
            for (List<String> line : bySeq.getOrDefault(event.seq(), List.of())) {
                compare(view, event, line, wrong);
            }
        }
        bySeq.keySet().stream()
                .filter(seq -> seq > log.size())
                .forEach(seq -> wrong.accept("a model was called after event " + seq + ", which is not in the log"));
    }

    private void compare(SessionView view, Recorded event, List<String> line, Consumer<String> wrong) {
        if (!event.id().equals(EventId.parse(line.get(1)))) {
            wrong.accept("a model was called after event " + line.get(1) + ", but in its place is " + event);
        } else if (!(agent.next(view) instanceof Decision.CallModel call)) {
            wrong.accept("a model was called after " + event + ", and now would not be");
        } else if (!Witness.hash(call.request()).equals(line.get(2))) {
            wrong.accept("the request after " + event + " was another one than now");
        }
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Checks the sessions of a round when nobody works on them any more, and counts what happened in them. Confined to one thread. */
final class RoundCheck {
    private final Settings settings;
    private final SessionStore store;
    private final Ledgers ledgers;
    private final Outside outside;
    private final Watch watch;
    private int inputs;
    private int effects;
    private int takeovers;

    RoundCheck(Settings settings, SessionStore store, Ledgers ledgers, Outside outside, Watch watch) {
        this.settings = settings;
        this.store = store;
        this.ledgers = ledgers;
        this.outside = outside;
        this.watch = watch;
    }

    int inputs() {
        return inputs;
    }

    int effects() {
        return effects;
    }

    int takeovers() {
        return takeovers;
    }

    /**
     * As far as can be said while sessions are worked on: for an end before the end. Papers are read before the logs that they are compared with, and effects
     * are left for later, because they can be compared neither with an older log nor with a newer one.
     */
    List<Violation> early(Round round) {
        List<SessionId> sessions = round.sessions(settings.sessions);
        LogChecker checker = LogChecker.of(store);
        WitnessCheck witnesses = witnesses(round);
        Map<SessionId, Set<String>> waiting = waiting(sessions);
        List<Violation> found = new ArrayList<>();
        for (SessionId session : sessions) {
            List<Recorded> log = checker.read(session);
            found.addAll(checker.check(session));
            found.addAll(witnesses.check(session, log, waiting.getOrDefault(session, Set.of())));
        }
        return found;
    }

    private WitnessCheck witnesses(Round round) {
        return new WitnessCheck(round, settings.children, CrashAgent.of(outside, point -> {}, settings.lease));
    }

    private Map<SessionId, Set<String>> waiting(List<SessionId> sessions) {
        return sessions.stream().collect(Collectors.toMap(session -> session, watch::waiting));
    }

    /** All that can be said of a round on which nobody works any more. */
    List<Violation> check(Round round) {
        List<SessionId> sessions = round.sessions(settings.sessions);
        LogChecker checker = LogChecker.of(store).effects(ledgers.of(round));
        // In this order: what is on the papers is in the inbox or, a moment later, in the log.
        WitnessCheck witnesses = witnesses(round);
        Map<SessionId, Set<String>> waiting = waiting(sessions);
        List<Violation> found = new ArrayList<>();
        for (SessionId session : sessions) {
            List<Recorded> log = checker.read(session);
            found.addAll(checker.check(session));
            found.addAll(witnesses.check(session, log, waiting.getOrDefault(session, Set.of())));
            found.addAll(new QuestionCheck(store, ledgers.of(round)).check(session, log, watch.answers(session)));
            found.addAll(new TenantCheck(store).check(session, log, sessions));
            inputs += count(log, Event.InputReceived.class);
            takeovers += count(log, Event.TakenOver.class);
        }
        effects += ledgers.of(round).entries().size();
        ledgers.close(round);
        return found;
    }

    private static int count(List<Recorded> log, Class<? extends Event> type) {
        return (int) log.stream().map(Recorded::event).filter(type::isInstance).count();
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** One run: kill, let finish, check. */
final class Torture {
    private static final long LOOK_MILLIS = 50;
    private static final Duration SAY_EVERY = Duration.ofSeconds(3);

    private final CrashHarness.Settings settings;
    private final PrintStream progress;
    private final Duration finishWithin;
    private final SessionStore store;
    private final EffectLedger ledger;
    private final List<SessionId> sessions;
    private final Outside outside;
    private final Watch watch;
    private final long started = System.nanoTime();
    private long said = started;

    Torture(
            CrashHarness.Settings settings,
            PrintStream progress,
            Duration finishWithin,
            SessionStore store,
            EffectLedger ledger) {
        this.settings = settings;
        this.progress = progress;
        this.finishWithin = finishWithin;
        this.store = store;
        this.ledger = ledger;
        this.sessions = Orders.sessions(settings.sessions());
        this.outside = new Outside(store, ledger);
        this.watch = new Watch(store, outside, sessions);
    }

    CrashReport run() {
        sessions.forEach(this::open);
        try (Children children = new Children(settings)) {
            children.warmUp();
            children.torture();
            lookUntil(children, children::tortured);
            long last = System.nanoTime();
            children.finish();
            lookUntil(
                    children, () -> watch.unfinished().isEmpty() || System.nanoTime() - last > finishWithin.toNanos());
            Optional<Violation> unfinished = watch.unfinished();
            children.end();
            return report(children, unfinished);
        }
    }

    private void open(SessionId session) {
        Draft first = Draft.of(EventId.random(), 0, new Event.SessionOpened(Orders.AGENT, Map.of()));
        store.open(new SessionStore.NewSession(session, Orders.AGENT, Map.of(), first));
    }

    private void lookUntil(Children children, BooleanSupplier done) {
        while (!done.getAsBoolean()) {
            watch.look();
            if (!watch.found().isEmpty()) {
                children.enough();
            }
            if (System.nanoTime() - said > SAY_EVERY.toNanos()) {
                said = System.nanoTime();
                progress.println(took().toSeconds() + " s: " + children.killed() + " of " + settings.kills()
                        + " kills, " + ledger.entries().size() + " effects");
            }
            Pauses.sleep(LOOK_MILLIS);
        }
    }

    private Duration took() {
        return Duration.ofNanos(System.nanoTime() - started);
    }

    private CrashReport report(Children children, Optional<Violation> unfinished) {
        List<Violation> violations = new ArrayList<>(watch.found());
        unfinished.ifPresent(violations::add);
        LogChecker checker = LogChecker.of(store).effects(ledger);
        Agent agent = CrashAgent.of(outside, point -> {});
        WitnessCheck witnesses = new WitnessCheck(settings.folder(), settings.children(), agent);
        int inputs = 0;
        int takeovers = 0;
        for (SessionId session : sessions) {
            List<Recorded> log = checker.read(session);
            violations.addAll(checker.check(session));
            violations.addAll(witnesses.check(session, log, watch.waiting(session)));
            inputs += count(log, Event.InputReceived.class);
            takeovers += count(log, Event.TakenOver.class);
        }
        return new CrashReport(
                settings.seed(),
                children.kills(),
                children.pauses(),
                sessions.size(),
                inputs,
                ledger.entries().size(),
                takeovers,
                took(),
                violations);
    }

    private static int count(List<Recorded> log, Class<? extends Event> type) {
        return (int) log.stream().map(Recorded::event).filter(type::isInstance).count();
    }
}

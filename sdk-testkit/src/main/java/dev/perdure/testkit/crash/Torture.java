package dev.perdure.testkit.crash;

import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: kill, let finish, check. Confined to one thread. */
final class Torture {
    private static final Logger LOG = LoggerFactory.getLogger(Torture.class);
    private static final long LOOK_MILLIS = 100;
    private static final Duration SAY_EVERY = Duration.ofSeconds(5);
    private static final Duration CHECK_EVERY = Duration.ofSeconds(2);
    private static final int CHECK_PART = 20;
    /** So many kills for each session, before others take their place. */
    private static final int KILLS_OF_A_SESSION = 6;

    private final Settings settings;
    private final Children children;
    private final @Nullable FaultyProxy proxy;
    private final Watch watch;
    private final RoundCheck check;
    private final List<Round> open = new ArrayList<>();
    private final List<Violation> violations = new ArrayList<>();
    private final long started = System.nanoTime();
    private long said = started;
    private long checkNext = started;
    private int rounds;
    private int restarts;

    Torture(Settings settings, SessionStore store, Ledgers ledgers, Children children, @Nullable FaultyProxy proxy) {
        this.settings = settings;
        this.children = children;
        this.proxy = proxy;
        Outside outside = new Outside(store, ledgers);
        this.watch = new Watch(store, outside, settings.sessions);
        this.check = new RoundCheck(settings, store, ledgers, outside, watch);
    }

    CrashReport run() {
        nextRound();
        children.torture();
        lookUntil(() -> children.tortured() || broken());
        if (!broken()) {
            finish();
        }
        Set<Violation> all = new LinkedHashSet<>(watch.found());
        all.addAll(violations);
        return new CrashReport(
                settings.seed,
                children.kills(),
                children.pauses(),
                faults(),
                rounds * settings.sessions,
                check.inputs(),
                check.effects(),
                check.takeovers(),
                took(),
                List.copyOf(all));
    }

    /** Nobody is killed any more: everything must come to its end. */
    private void finish() {
        if (proxy != null) {
            proxy.quiet();
        }
        watch.quiet();
        long last = System.nanoTime();
        children.finish();
        lookUntil(() -> open.isEmpty() || broken() || System.nanoTime() - last > settings.finishWithin.toNanos());
        open.stream()
                .flatMap(round -> watch.unfinished(round).stream())
                .findFirst()
                .ifPresent(violations::add);
        if (!lastSent()) {
            violations.add(new Violation("P10", newest().sessions(1).get(0), "takes no input any more"));
        }
        children.end();
        open.forEach(round -> violations.addAll(check.check(round)));
    }

    private Round newest() {
        return new Round(settings.folder, rounds);
    }

    /** Whether the sessions of the newest round have the inputs that are sent when nobody is killed any more. */
    private boolean lastSent() {
        long sent = Lines.read(newest().paper(Round.Paper.ACKS, 0)).stream()
                .filter(line -> line.get(2).startsWith(CrashAgent.LONG))
                .map(line -> line.subList(0, 2))
                .distinct()
                .count();
        return sent == CrashChild.last(settings.sessions);
    }

    private boolean broken() {
        return settings.endEarly && (!violations.isEmpty() || !watch.found().isEmpty());
    }

    private Map<String, Integer> faults() {
        Map<String, Integer> faults = new TreeMap<>();
        if (proxy != null) {
            proxy.faults().forEach((fault, count) -> faults.put(fault.name(), count));
        }
        if (restarts > 0) {
            faults.put("RESTART", restarts);
        }
        return faults;
    }

    private void lookUntil(BooleanSupplier done) {
        while (!done.getAsBoolean()) {
            try {
                watch.look();
                closeRounds();
                checkEarly();
                if (children.killed() >= rounds * settings.sessions * KILLS_OF_A_SESSION
                        && children.killed() < settings.kills) {
                    nextRound();
                }
            } catch (StoreException e) {
                LOG.info("the store did not answer, so another look later", e);
            }
            restartServer();
            say();
            Pauses.sleep(LOOK_MILLIS);
        }
    }

    private void nextRound() {
        Round round = new Round(settings.folder, rounds + 1);
        watch.add(round);
        open.add(round);
        rounds++;
        children.round(round.number());
    }

    /** One to which nobody sends any more, and in which everything is done, is checked. */
    private void closeRounds() {
        for (Round round : List.copyOf(open)) {
            boolean sentTo = round.number() >= children.earliestRound() || (round.number() == rounds && !lastSent());
            if (!sentTo && watch.unfinished(round).isEmpty()) {
                violations.addAll(check.check(round));
                watch.remove(round);
                open.remove(round);
            }
        }
    }

    /** Now and then, and never for more than a small part of the time. */
    private void checkEarly() {
        long start = System.nanoTime();
        if (settings.endEarly && start > checkNext) {
            open.forEach(round -> violations.addAll(check.early(round)));
            long took = System.nanoTime() - start;
            checkNext = start + Math.max(CHECK_EVERY.toNanos(), took * CHECK_PART);
        }
    }

    private void restartServer() {
        CrashServer server = settings.server;
        int every = settings.restartEvery;
        if (server != null && every > 0 && children.killed() / every > restarts && !children.tortured()) {
            server.kill();
            server.start();
            restarts++;
        }
    }

    private void say() {
        if (System.nanoTime() - said > SAY_EVERY.toNanos()) {
            said = System.nanoTime();
            settings.progress.println(took().toSeconds() + " s: " + children.killed() + " of " + settings.kills
                    + " kills, round " + rounds + ", " + check.inputs() + " inputs and " + check.effects()
                    + " effects checked, "
                    + violations.size() + " violations");
        }
    }

    private Duration took() {
        return Duration.ofNanos(System.nanoTime() - started);
    }
}

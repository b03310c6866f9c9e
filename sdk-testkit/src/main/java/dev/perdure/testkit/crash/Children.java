package dev.perdure.testkit.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The child JVMs of a run. When one is killed, the next takes its place. */
final class Children implements AutoCloseable {
    private static final int MOST_FAILURES = 5;
    private static final int MOST_FINISHERS = 3;
    private static final int LONGEST_END = 20;
    private static final int WAIT_MILLIS = 20;
    private static final int WARM_UP_MILLIS = 2_500;
    private static final Plan UNHARMED = new Plan(CrashPoint.BEFORE_APPEND, Integer.MAX_VALUE, 0, 0);

    private final Settings settings;
    private final String server;
    private final JavaCommand java;
    private final Signals signals = new Signals();
    private final Timers timers = new Timers();
    private final Map<CrashPoint, Integer> kills = new ConcurrentHashMap<>();
    private final Map<CrashPoint, Integer> pauses = new ConcurrentHashMap<>();
    private final AtomicInteger planned = new AtomicInteger();
    private final AtomicInteger killed = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private volatile boolean enough;
    private volatile int round = 1;
    private final Queue<Child> alive = new ConcurrentLinkedQueue<>();
    /** The round that each slot sends to; 0 while that is not known yet. */
    private final Map<Integer, Integer> sendsTo = new ConcurrentHashMap<>();

    private final List<CompletableFuture<Void>> slots = new ArrayList<>();
    /** What is done to whom, for whoever repeats a run. */
    private final Lines plans;

    /** @param server how children come to the server; empty when there is none */
    Children(Settings settings, String server) {
        this.settings = settings;
        this.server = server;
        this.java = new JavaCommand(settings.folder, settings.properties);
        this.plans = new Lines(settings.folder.resolve("plans"));
    }

    Map<CrashPoint, Integer> kills() {
        return Map.copyOf(kills);
    }

    Map<CrashPoint, Integer> pauses() {
        return Map.copyOf(pauses);
    }

    int killed() {
        return killed.get();
    }

    /** A child on a store of its own, that ends in good order and so makes the others quick. */
    void warmUp(String quietServer) {
        if (JavaCommand.archived()) {
            return;
        }
        Path folder = settings.folder.resolve("warm-up");
        prepare(folder);
        Orders orders = orders(folder, quietServer, 1, 0, 0, 1, UNHARMED);
        Process process = java.startFirst(CrashChild.class, "child-0", orders.arguments());
        Child child = new Child(process, UNHARMED, signals, timers);
        timers.after(WARM_UP_MILLIS, child::end);
        child.follow();
        java.clean("child-0");
    }

    private static void prepare(Path folder) {
        try {
            Files.createDirectories(folder.resolve("store"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Children that die, until enough of them did. */
    void torture() {
        for (int i = 0; i < settings.children; i++) {
            int slot = i;
            slots.add(inThread(() -> torture(slot)));
        }
    }

    /** Children that start from now on send to this one. */
    void round(int number) {
        round = number;
    }

    /** The earliest round that a child still sends to; {@link Integer#MAX_VALUE} when none sends. */
    int earliestRound() {
        return sendsTo.values().stream().mapToInt(Integer::intValue).min().orElse(Integer.MAX_VALUE);
    }

    boolean tortured() {
        slots.stream().filter(CompletableFuture::isCompletedExceptionally).forEach(CompletableFuture::join);
        return slots.stream().allMatch(CompletableFuture::isDone);
    }

    private void torture(int slot) {
        Random random = new Random(new SplittableRandom(settings.seed * 1_000_003 + slot).nextLong());
        for (int life = 0; !enough && planned.getAndIncrement() < settings.kills; life++) {
            Plan plan = Plan.random(random, settings.points, settings.pauses, settings.lease.toMillis());
            plans.add(slot, life, plan.text());
            // Before it looks which one it is: none is closed meanwhile.
            sendsTo.put(slot, 0);
            int toRound = round;
            sendsTo.put(slot, toRound);
            count(live(toRound, slot, life, settings.children, plan), plan);
            sendsTo.remove(slot);
        }
    }

    private void count(Child child, Plan plan) {
        if (child.paused()) {
            pauses.merge(plan.point(), 1, Integer::sum);
        }
        child.findKilledAt().ifPresent(point -> kills.merge(point, 1, Integer::sum));
        if (child.findKilledAt().isPresent()) {
            killed.incrementAndGet();
            return;
        }
        planned.decrementAndGet();
        if (failures.incrementAndGet() > MOST_FAILURES) {
            throw new IllegalStateException("children end by themselves; see the logs in " + settings.folder);
        }
    }

    /** Children that bring to an end what is there. */
    void finish() {
        for (int i = 0; i < Math.min(MOST_FINISHERS, settings.children); i++) {
            int slot = i;
            slots.add(inThread(() -> live(round, slot, Integer.MAX_VALUE, 0, UNHARMED)));
        }
    }

    private Orders orders(Path folder, String through, int toRound, int slot, int life, int senders, Plan plan) {
        return new Orders(
                settings.store,
                through,
                settings.serverFails(),
                folder,
                toRound,
                slot,
                life,
                settings.seed,
                settings.sessions,
                settings.lease,
                senders,
                plan);
    }

    private Child live(int toRound, int slot, int life, int senders, Plan plan) {
        Orders orders = orders(settings.folder, server, toRound, slot, life, senders, plan);
        String name = "child-" + slot;
        Process process = java.start(CrashChild.class, name, orders.arguments());
        Child child = new Child(process, plan, signals, timers);
        alive.add(child);
        child.follow();
        alive.remove(child);
        java.clean(name);
        return child;
    }

    private static CompletableFuture<Void> inThread(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                        done.complete(null);
                    } catch (RuntimeException | Error e) {
                        done.completeExceptionally(e);
                    }
                },
                "crash-child");
        thread.setDaemon(true);
        thread.start();
        return done;
    }

    /** Lets those that live end in good order. */
    void end() {
        alive.forEach(Child::end);
        CompletableFuture.allOf(slots.toArray(CompletableFuture[]::new))
                .completeOnTimeout(null, LONGEST_END, TimeUnit.SECONDS)
                .exceptionally(e -> null)
                .join();
    }

    @Override
    public void close() {
        enough = true;
        long start = System.nanoTime();
        // Again and again: one may just be starting.
        while (!slots.stream().allMatch(CompletableFuture::isDone)
                && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(LONGEST_END)) {
            alive.forEach(child -> child.kill(CrashPoint.ANYWHERE));
            Pauses.sleep(WAIT_MILLIS);
        }
        timers.close();
        signals.close();
        plans.close();
    }
}

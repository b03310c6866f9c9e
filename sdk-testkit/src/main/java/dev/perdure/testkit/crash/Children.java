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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The child JVMs of a run. When one is killed, the next takes its place. */
final class Children implements AutoCloseable {
    private static final int MOST_FAILURES = 5;
    private static final int LONGEST_END = 20;
    private static final int WARM_UP_MILLIS = 3_000;
    private static final Plan UNHARMED = new Plan(CrashPoint.BEFORE_APPEND, Integer.MAX_VALUE, 0, 0);

    private final CrashHarness.Settings settings;
    private final JavaCommand java;
    private final Signals signals = new Signals();
    private final Timers timers = new Timers();
    private final Map<CrashPoint, Integer> kills = new ConcurrentHashMap<>();
    private final Map<CrashPoint, Integer> pauses = new ConcurrentHashMap<>();
    private final AtomicInteger planned = new AtomicInteger();
    private final AtomicInteger killed = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private volatile boolean enough;
    private final Queue<Child> alive = new ConcurrentLinkedQueue<>();
    private final List<CompletableFuture<Void>> slots = new ArrayList<>();

    Children(CrashHarness.Settings settings) {
        this.settings = settings;
        this.java = new JavaCommand(settings.folder(), settings.properties());
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
    void warmUp() {
        Path folder = settings.folder().resolve("warm-up");
        prepare(folder);
        Orders orders = orders(folder, 0, 0, true, UNHARMED);
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
        for (int i = 0; i < settings.children(); i++) {
            int slot = i;
            slots.add(inThread(() -> torture(slot)));
        }
    }

    /** Those that live die as planned, and no others start. */
    void enough() {
        enough = true;
    }

    boolean tortured() {
        slots.stream().filter(CompletableFuture::isCompletedExceptionally).forEach(CompletableFuture::join);
        return slots.stream().allMatch(CompletableFuture::isDone);
    }

    private void torture(int slot) {
        Random random = new Random(settings.seed() * 1_000_003 + slot);
        for (int life = 0; !enough && planned.getAndIncrement() < settings.kills(); life++) {
            Plan plan = Plan.random(
                    random,
                    settings.points(),
                    settings.pauses(),
                    settings.lease().toMillis());
            count(live(slot, life, true, plan), plan);
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
            throw new IllegalStateException("children end by themselves; see the logs in " + settings.folder());
        }
    }

    /** Children that bring to an end what is there. */
    void finish() {
        for (int i = 0; i < settings.children(); i++) {
            int slot = i;
            slots.add(inThread(() -> live(slot, Integer.MAX_VALUE, false, UNHARMED)));
        }
    }

    private Orders orders(Path folder, int slot, int life, boolean sending, Plan plan) {
        return new Orders(
                settings.store(),
                folder,
                slot,
                life,
                settings.seed(),
                settings.sessions(),
                settings.lease(),
                sending,
                plan);
    }

    private Child live(int slot, int life, boolean sending, Plan plan) {
        Orders orders = orders(settings.folder(), slot, life, sending, plan);
        String name = "child-" + slot;
        Child child = new Child(java.start(CrashChild.class, name, orders.arguments()), plan, signals, timers);
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
        alive.forEach(child -> child.kill(CrashPoint.ANYWHERE));
        timers.close();
        signals.close();
    }
}

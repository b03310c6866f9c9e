package dev.perdure.internal.engine;

import dev.perdure.session.TenantId;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims sessions that have something to do, as many as there are free workers, on a thread of its own: at once when it is told of something by this process, soon
 * when another process hints at it, and by itself at the {@link Pace} of what it finds, at least every {@link Engine.Settings#poll()}.
 */
final class Workers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Workers.class);
    private static final Duration UNSERVED_EVERY = Duration.ofSeconds(30);
    /** A hint reaches all processes in the same moment. */
    private static final Duration HINT_SPREAD = Duration.ofMillis(10);

    private final Engine engine;
    private final SessionStore store;
    private final int most;
    private final int perTenant;
    private final Pace pace;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition woken = lock.newCondition();
    private final Thread thread;
    private boolean wake;
    private boolean hinted;
    private long hintedAt;
    private boolean closed;
    private boolean failing;
    private long unservedAt = System.nanoTime();

    Workers(Engine engine, Engine.Settings settings) {
        this.engine = engine;
        this.store = settings.store();
        this.most = settings.workers();
        this.perTenant = settings.workersPerTenant();
        this.pace = new Pace(settings.poll(), RandomGenerator.getDefault());
        this.thread = Threads.daemons("perdure-claim").newThread(this::loop);
    }

    void start() {
        if (most > 0) {
            thread.start();
        }
    }

    /** Something may be ready. */
    void wake() {
        lock.lock();
        try {
            wake = true;
            woken.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Another process has something; it reaches many at a time, so each looks a moment later, by chance. */
    void hint() {
        lock.lock();
        try {
            if (!hinted) {
                hinted = true;
                hintedAt = System.nanoTime() + ThreadLocalRandom.current().nextLong(HINT_SPREAD.toNanos());
                woken.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void loop() {
        while (pause()) {
            try {
                look();
                failing = false;
            } catch (RuntimeException e) {
                failed(e);
            } catch (Throwable e) {
                // Without this thread this process would take up nothing any more.
                LOG.error("sessions could not be claimed, trying again", e);
            }
        }
    }

    private void look() {
        if (claim()) {
            pace.found();
        } else {
            pace.foundNothing();
        }
        reportUnserved();
    }

    /** Said once, however long the store is away. */
    private void failed(RuntimeException e) {
        pace.foundNothing();
        if (!failing) {
            LOG.warn("sessions could not be claimed, trying again: {}", e.getMessage());
        }
        LOG.debug("sessions could not be claimed", e);
        failing = true;
    }

    /** Whether something was claimed. */
    private boolean claim() {
        boolean found = false;
        int claimed;
        do {
            claimed = claimSome();
            found |= claimed > 0;
            // With a share for each tenant another look may find more.
        } while (claimed > 0 && perTenant < most);
        return found;
    }

    /** How many were claimed. */
    private int claimSome() {
        int free = Math.min(most, engine.pressure().limit()) - engine.running();
        if (free <= 0) {
            return 0;
        }
        Map<TenantId, Long> running = engine.runningByTenant();
        long sent = System.nanoTime();
        int each = perTenant < most ? left(running) : perTenant;
        SessionStore.Ready filter = new SessionStore.Ready(engine.agents().keySet(), atTheirShare(running), each);
        SessionStore.Taken taken = store.claimReady(engine.terms(), filter, free);
        if (engine.running() == 0) {
            // Nobody appends who could say so.
            engine.pressure().answered(System.nanoTime() - sent);
        }
        taken.quarantined().forEach(engine::quarantined);
        taken.leases().forEach(lease -> engine.run(lease, sent));
        return taken.leases().size();
    }

    private Set<TenantId> atTheirShare(Map<TenantId, Long> running) {
        return running.entrySet().stream()
                .filter(entry -> entry.getValue() >= perTenant)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /** How many more sessions each tenant that is not at its share may surely have. */
    private int left(Map<TenantId, Long> running) {
        return perTenant
                - running.values().stream()
                        .mapToInt(Long::intValue)
                        .filter(count -> count < perTenant)
                        .max()
                        .orElse(0);
    }

    private void reportUnserved() {
        if (System.nanoTime() - unservedAt < UNSERVED_EVERY.toNanos()) {
            return;
        }
        unservedAt = System.nanoTime();
        Map<String, Long> unserved = store.ready().entrySet().stream()
                .filter(entry -> !engine.agents().containsKey(entry.getKey()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        if (!unserved.isEmpty()) {
            LOG.warn("sessions are ready whose agents nobody serves here: {}", unserved);
            engine.listeners().onUnserved(unserved);
        }
    }

    /** Waits for the next look; false once closed. */
    private boolean pause() {
        lock.lock();
        try {
            long end = System.nanoTime() + pace.next();
            long left = left(end);
            while (!wake && !closed && left > 0) {
                long unused = woken.awaitNanos(left);
                left = left(end);
            }
            wake = false;
            hinted = hinted && hintedAt - System.nanoTime() > 0;
            return !closed;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    private long left(long end) {
        long now = System.nanoTime();
        return hinted ? Math.min(end - now, hintedAt - now) : end - now;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            woken.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            // A claim under way must come to its end, or its sessions would wait for their leases to run out.
            thread.join(5_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

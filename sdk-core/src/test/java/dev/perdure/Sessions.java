package dev.perdure;

import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What the tests of the engine have in common. */
final class Sessions {
    static final Duration DEADLINE = Duration.ofSeconds(10);

    private Sessions() {}

    /** A worker whose sessions others take over soon after its death. */
    static AgentRuntime.Builder quick(SessionStore store, Agent... agents) {
        return AgentRuntime.builder(store)
                .agents(agents)
                .lease(Duration.ofMillis(200))
                .poll(Duration.ofMillis(10))
                .closeGrace(Duration.ofSeconds(1));
    }

    static Outcome await(Turn turn) {
        return turn.await(DEADLINE).orElseThrow(() -> new AssertionError("the turn did not settle in " + DEADLINE));
    }

    static void eventually(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + DEADLINE + ": " + what);
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    static void await(CountDownLatch latch) {
        try {
            if (!latch.await(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("not reached within " + DEADLINE);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static List<Recorded> log(SessionStore store, SessionId id) {
        return store.read(id, 0, 10_000);
    }

    static List<String> types(SessionStore store, SessionId id) {
        return log(store, id).stream().map(recorded -> recorded.event().type()).toList();
    }

    static <E extends Event> List<E> events(SessionStore store, SessionId id, Class<E> type) {
        return log(store, id).stream()
                .map(Recorded::event)
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
    }

    static long count(SessionStore store, SessionId id, Class<? extends Event> type) {
        return events(store, id, type).size();
    }

    static List<String> types(SessionStore.Batch batch) {
        return batch.events().stream().map(draft -> draft.event().type()).toList();
    }
}

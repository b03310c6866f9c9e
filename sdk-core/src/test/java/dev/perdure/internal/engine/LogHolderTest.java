package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.InMemorySessionStore;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Terms;
import dev.perdure.spi.StoreException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LogHolderTest {
    private static final List<Event> NOTE = List.of(new Event.NoteKept("stage", Json.of("late")));

    private final AtomicBoolean down = new AtomicBoolean(true);
    private final InMemorySessionStore memory = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "job-7");

    /** A store that renews nothing while it is down. */
    private final SessionStore store = (SessionStore) Proxy.newProxyInstance(
            SessionStore.class.getClassLoader(), new Class<?>[] {SessionStore.class}, (proxy, verb, arguments) -> {
                if (verb.getName().equals("renew") && down.get()) {
                    throw StoreException.unavailable("no answer", null, null);
                }
                try {
                    return verb.invoke(memory, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });

    @Test
    void renewalThatComesTooLate_doesNotBringBackALogThatWasSaidToBeLost() {
        Terms terms = new Terms(WorkerId.random(), Duration.ofMillis(60), 5, Duration.ZERO, Duration.ZERO);
        try (LogHolder log = LogHolder.claim(store, id, terms).orElseThrow()) {
            while (log.alive()) {
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(log.append(NOTE)).isFalse();

            down.set(false);
            log.renew();

            assertThat(log.alive()).isFalse();
            assertThat(log.append(NOTE)).isFalse();
        }
        assertThat(LogHolder.claim(store, id)).hasValueSatisfying(next -> {
            assertThat(next.append(NOTE)).isTrue();
            next.close();
        });
    }
}

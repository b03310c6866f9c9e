package dev.perdure.testkit;

import dev.perdure.InMemorySessionStore;
import dev.perdure.spi.SessionStore;
import java.time.InstantSource;

class InMemorySessionStoreTest extends SessionStoreContract {
    @Override
    protected SessionStore open(InstantSource clock) {
        return InMemorySessionStore.create(clock);
    }
}

package dev.perdure.testkit;

import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.time.InstantSource;
import org.junit.jupiter.api.Nested;

/**
 * What every {@link SessionStore} has to do; each test is named after a sentence of its documentation. A store's own test extends
 * this and gives an empty store:
 *
 * <pre>{@code
 * class MySessionStoreTest extends SessionStoreContract {
 *     @Override
 *     protected SessionStore open(InstantSource clock) {
 *         return MySessionStore.on(emptyDatabase()).clock(clock);
 *     }
 * }
 * }</pre>
 */
public abstract class SessionStoreContract {
    /** An empty store; the test closes it. */
    protected abstract SessionStore open(InstantSource clock);

    /**
     * Lets time pass for the store. Moves {@code clock}; a store that has a clock of its own overrides this, for example by moving
     * every stored time into the past.
     */
    protected void elapse(TestClock clock, Duration time) {
        clock.advance(time);
    }

    /** False for a store that leaves {@link SessionStore#snapshot} as it is: then what is said of snapshots is not tested. */
    protected boolean keepsSnapshots() {
        return true;
    }

    @Nested
    class Logs extends LogContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Snapshots extends SnapshotContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Leases extends LeaseContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class ReadySessions extends ReadyContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Inboxes extends InboxContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Sessions extends SessionContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Races extends RaceContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Interleavings extends InterleavingContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Removals extends RemovalContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        SessionStoreContract contract() {
            return SessionStoreContract.this;
        }
    }
}

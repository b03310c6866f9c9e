package dev.perdure.session.jdbc;

import dev.perdure.spi.SessionStore.Listening;
import java.util.function.LongConsumer;

/** Tells other processes that a session has news, outside of every commit. May lose any hint; never throws and never waits. Thread-safe. */
interface Hints extends AutoCloseable {
    /** Nobody is told; all look by themselves. */
    Hints NONE = new Hints() {
        @Override
        public void changed(long session) {}

        @Override
        public Listening listen(LongConsumer changed) {
            return () -> {};
        }

        @Override
        public void close() {}
    };

    /** Something was posted to the session of this number, or it was given back with work left. */
    void changed(long session);

    Listening listen(LongConsumer changed);

    @Override
    void close();
}

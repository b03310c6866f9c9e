package dev.perdure.internal.engine;

import dev.perdure.spi.StoreException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Repeats what a store could not do for now, with growing pauses of chance, as long as a lease is good. Every verb may be repeated. Stateless. */
final class Patience {
    private static final Logger LOG = LoggerFactory.getLogger(Patience.class);
    private static final long FIRST = 20;
    private static final long LONGEST = 1_000;

    private Patience() {}

    /** @throws RunEnded when the run must end before the store answers */
    static <T> T with(Journal.Lifeline lifeline, Supplier<T> call) {
        for (long pause = FIRST; ; pause = Math.min(pause * 2, LONGEST)) {
            try {
                return call.get();
            } catch (StoreException e) {
                if (!e.retryable() || !lifeline.alive()) {
                    throw e;
                }
                LOG.debug("the store does not answer, trying again: {}", e.getMessage());
                lifeline.pause(jitter(pause));
            }
        }
    }

    /** Between half of it and the whole. */
    static long jitter(long millis) {
        return millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2 + 1);
    }
}

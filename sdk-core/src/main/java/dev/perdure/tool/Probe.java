package dev.perdure.tool;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the outside knows of a call in doubt, by its idempotency key. */
public sealed interface Probe {
    /** It took effect, with this result. */
    record Done(@Nullable Object result) implements Probe {}

    /** It may or may not have taken effect, or may still do so. */
    record Unknown() implements Probe {}

    /** It did not take effect and never will: the key has been made unusable. The call runs again, with a new key. */
    record Revoked() implements Probe {}

    static Probe done(@Nullable Object result) {
        return new Done(result);
    }

    static Probe unknown() {
        return new Unknown();
    }

    static Probe revoked() {
        return new Revoked();
    }

    /** Asks the outside. Called after a crash, possibly more than once; an exception counts as {@link Unknown}. */
    @FunctionalInterface
    interface Prober {
        Probe ask(String idempotencyKey) throws Exception;
    }

    /** Says in so many words that nobody can be asked. */
    static Prober none() {
        return key -> {
            Objects.requireNonNull(key);
            return unknown();
        };
    }
}

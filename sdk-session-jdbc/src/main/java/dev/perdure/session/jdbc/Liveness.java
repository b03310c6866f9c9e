package dev.perdure.session.jdbc;

import dev.perdure.session.WorkerId;

/** Whether workers are alive, where that can be known before their leases run out. Thread-safe. */
interface Liveness extends AutoCloseable {
    /** From here on this worker is known to be alive, until {@link #close()} or the end of the process. */
    void enlist(WorkerId worker);

    /** Whether {@link #isDead} can ever be true. */
    default boolean tells() {
        return true;
    }

    /** True only when this worker is known to be gone. */
    boolean isDead(WorkerId worker);

    @Override
    void close();

    /** For databases that are reached from other machines: only time tells. */
    Liveness UNKNOWN = new Liveness() {
        @Override
        public void enlist(WorkerId worker) {}

        @Override
        public boolean tells() {
            return false;
        }

        @Override
        public boolean isDead(WorkerId worker) {
            return false;
        }

        @Override
        public void close() {}
    };
}

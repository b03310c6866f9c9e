package dev.perdure.testkit.crash;

import dev.perdure.spi.SessionStore;
import java.nio.file.Path;

/**
 * How a process comes to the store that is tortured. The class is public with a public constructor without arguments, because each
 * child JVM makes its own. Processes must meet in the store: {@link dev.perdure.InMemorySessionStore} lives in one process, and a run on
 * it says so by losing everything.
 */
@FunctionalInterface
public interface CrashStore {
    /**
     * Opens the store, which may be there already, and in use by other processes.
     *
     * @param folder of this run, there and writable; a store that keeps files keeps them here
     * @param server {@code host:port} by which this process comes to the {@link CrashServer} that the harness was given, perhaps through a
     *     proxy that breaks connections; empty without one
     */
    SessionStore open(Path folder, String server);
}

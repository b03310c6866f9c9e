package dev.perdure.testkit.crash;

import java.net.InetSocketAddress;

/**
 * The server behind the store that is tortured, in the hands of the harness: so that it can be killed too, and so that connections to it can be
 * broken on the way. Called by one thread at a time, in this JVM.
 *
 * <pre>{@code
 * CrashHarness.of(OurStore.class, folder).server(ourServer).restartEvery(50).connectionFaults(0.1)
 * }</pre>
 */
public interface CrashServer {
    /** Where it takes connections; the same after each start. */
    InetSocketAddress address();

    /** Ends it as it stands, by SIGKILL, with all of its processes; returns when they are gone. */
    void kill();

    /** Starts it again on what is left; returns when it takes connections. */
    void start();
}

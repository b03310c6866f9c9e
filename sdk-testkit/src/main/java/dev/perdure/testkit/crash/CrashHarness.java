package dev.perdure.testkit.crash;

import dev.perdure.spi.SessionStore;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Kills and pauses JVMs that run sessions on a store, lets others go on, and compares logs, outside effects and promises at the end.
 *
 * <pre>{@code
 * public final class OurStore implements CrashStore {
 *     public SessionStore open(Path folder, String server) { return JdbcSessionStore.sqlite(folder.resolve("sessions.db")); }
 * }
 *
 * CrashReport report = CrashHarness.of(OurStore.class, folder).kills(200).run();
 * assertThat(report.violations()).isEmpty();
 * }</pre>
 *
 * <p>Children run the Java and the class path of this JVM. Needs a Unix. Immutable; each option gives a copy.
 */
public final class CrashHarness {
    private final Settings settings;

    private CrashHarness(Settings settings) {
        this.settings = settings;
    }

    /**
     * 100 kills of 2 children that share 8 sessions under leases of 1 s, a pause in every tenth life, a random seed, nothing done to a server.
     *
     * @param folder for the store, the ledgers and the children's papers; made if it is missing, must be empty
     */
    public static CrashHarness of(Class<? extends CrashStore> store, Path folder) {
        return new CrashHarness(new Settings(store.getName(), folder.toAbsolutePath()));
    }

    /** How many children are killed. */
    public CrashHarness kills(int value) {
        atLeast(1, value);
        return with(copy -> copy.kills = value);
    }

    /** What the plans of all lives and connections are made from. */
    public CrashHarness seed(long value) {
        return with(copy -> copy.seed = value);
    }

    /** How many children live at a time. */
    public CrashHarness children(int value) {
        atLeast(1, value);
        return with(copy -> copy.children = value);
    }

    /** How many sessions are worked on at a time, half of them another tenant's; in a long run others take their place now and then. */
    public CrashHarness sessions(int value) {
        atLeast(1, value);
        return with(copy -> copy.sessions = value);
    }

    /** How long a session stays with a child that is paused. */
    public CrashHarness lease(Duration value) {
        atLeast(100, (int) value.toMillis());
        return with(copy -> copy.lease = value);
    }

    /** The part of lives, 0 to 1, that is paused for longer than a lease before the kill. */
    public CrashHarness pauses(double value) {
        part("pauses", value);
        return with(copy -> copy.pauses = value);
    }

    /** Where children are hit; default everywhere. */
    public CrashHarness points(CrashPoint... values) {
        return with(copy -> copy.points = List.of(values));
    }

    /**
     * Names of system properties of this JVM that children get too, such as one with the address of a server. They stand on the children's command lines, where
     * everybody on this machine can read them: no secrets.
     *
     * @throws IllegalArgumentException when one is not set
     */
    public CrashHarness properties(String... names) {
        for (String name : names) {
            if (System.getProperty(name) == null) {
                throw new IllegalArgumentException("the system property " + name + " is not set");
            }
        }
        return with(copy -> copy.properties = List.of(names));
    }

    /** The server behind the store, running; its address is given to {@link CrashStore#open}. Nothing is done to it without one of the next two. */
    public CrashHarness server(CrashServer value) {
        Objects.requireNonNull(value, "server");
        return with(copy -> copy.server = value);
    }

    /** After each so many kills of children the server is killed too, and started again; default 0, never. */
    public CrashHarness restartEvery(int kills) {
        atLeast(0, kills);
        return with(copy -> copy.restartEvery = kills);
    }

    /**
     * The part of the children's connections, 0 to 1, to which something happens: cut before, in or after a request, so that nobody hears
     * whether it was carried out; closed in one direction; late by up to two leases. Default 0. Give the store's driver a time limit on reading.
     */
    public CrashHarness connectionFaults(double value) {
        part("connectionFaults", value);
        return with(copy -> copy.connectionFaults = value);
    }

    /** Whether a run ends as soon as a violation is found; default true. */
    public CrashHarness endEarly(boolean value) {
        return with(copy -> copy.endEarly = value);
    }

    /** Where it says every few seconds how far it is; default nowhere. */
    public CrashHarness progress(PrintStream value) {
        Objects.requireNonNull(value, "progress");
        return with(copy -> copy.progress = value);
    }

    /** How long after the last kill everything must be done; default 60 s, because a session that got nowhere is left alone for a while. */
    public CrashHarness finishWithin(Duration value) {
        Objects.requireNonNull(value, "finishWithin");
        return with(copy -> copy.finishWithin = value);
    }

    private CrashHarness with(Consumer<Settings> change) {
        Settings copy = settings.copy();
        change.accept(copy);
        return new CrashHarness(copy);
    }

    private static void atLeast(int least, int value) {
        if (value < least) {
            throw new IllegalArgumentException("at least " + least + ", but this is " + value);
        }
    }

    private static void part(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " is 0 to 1, but this is " + value);
        }
    }

    /**
     * Runs it; one to three kills a second.
     *
     * @throws IllegalStateException when the children cannot live: their logs in the folder say why; or when something is to happen to a
     *     server and none was given
     */
    public CrashReport run() {
        CrashServer server = settings.server;
        if (server == null && settings.serverFails()) {
            throw new IllegalStateException("restartEvery and connectionFaults need a server(…) to be done to");
        }
        prepare();
        if (server == null) {
            return run("", "", null);
        }
        String direct = text(server.address());
        if (settings.connectionFaults == 0) {
            return run(direct, direct, null);
        }
        long longest = settings.lease.toMillis() * 2;
        try (FaultyProxy proxy = new FaultyProxy(server.address(), settings.seed, settings.connectionFaults, longest)) {
            return run(direct, text(proxy.address()), proxy);
        }
    }

    private CrashReport run(String direct, String through, @Nullable FaultyProxy proxy) {
        try (SessionStore store = Orders.open(settings.store, settings.folder, direct);
                Ledgers ledgers = new Ledgers(settings.folder);
                Children children = new Children(settings, through)) {
            children.warmUp(direct);
            return new Torture(settings, store, ledgers, children, proxy).run();
        }
    }

    private static String text(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }

    private void prepare() {
        try {
            Files.createDirectories(settings.folder.resolve("store"));
            if (Files.exists(settings.folder.resolve("plans"))) {
                throw new IllegalArgumentException(settings.folder + " holds an earlier run; give an empty folder");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

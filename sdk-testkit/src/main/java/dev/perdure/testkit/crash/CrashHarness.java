package dev.perdure.testkit.crash;

import dev.perdure.spi.SessionStore;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Kills and pauses JVMs that run sessions on a store, lets others go on, and compares logs, outside effects and promises at the end.
 *
 * <pre>{@code
 * public final class OurStore implements CrashStore {
 *     public SessionStore open(Path folder) { return JdbcSessionStore.sqlite(folder.resolve("sessions.db")); }
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
    private final PrintStream progress;
    private final Duration finishWithin;

    private CrashHarness(Settings settings, PrintStream progress, Duration finishWithin) {
        this.settings = settings;
        this.progress = progress;
        this.finishWithin = finishWithin;
    }

    record Settings(
            String store,
            Path folder,
            int kills,
            long seed,
            int children,
            int sessions,
            Duration lease,
            double pauses,
            List<CrashPoint> points,
            List<String> properties) {
        Settings kills(int value) {
            return new Settings(store, folder, value, seed, children, sessions, lease, pauses, points, properties);
        }

        Settings seed(long value) {
            return new Settings(store, folder, kills, value, children, sessions, lease, pauses, points, properties);
        }

        Settings children(int value) {
            return new Settings(store, folder, kills, seed, value, sessions, lease, pauses, points, properties);
        }

        Settings sessions(int value) {
            return new Settings(store, folder, kills, seed, children, value, lease, pauses, points, properties);
        }

        Settings lease(Duration value) {
            return new Settings(store, folder, kills, seed, children, sessions, value, pauses, points, properties);
        }

        Settings pauses(double value) {
            return new Settings(store, folder, kills, seed, children, sessions, lease, value, points, properties);
        }

        Settings properties(List<String> value) {
            return new Settings(store, folder, kills, seed, children, sessions, lease, pauses, points, value);
        }

        Settings points(List<CrashPoint> value) {
            return new Settings(store, folder, kills, seed, children, sessions, lease, pauses, value, properties);
        }
    }

    /**
     * 100 kills of 2 children that share 8 sessions under leases of 1 s, a pause in every tenth life, a random seed.
     *
     * @param folder for the store, the ledger and the children's papers; made if it is missing, must be empty
     */
    public static CrashHarness of(Class<? extends CrashStore> store, Path folder) {
        Settings settings = new Settings(
                store.getName(),
                folder.toAbsolutePath(),
                100,
                System.nanoTime() & 0xff_ffff,
                2,
                8,
                Duration.ofSeconds(1),
                0.1,
                List.of(CrashPoint.values()),
                List.of());
        return new CrashHarness(settings, new PrintStream(PrintStream.nullOutputStream()), Duration.ofSeconds(60));
    }

    /** How many children are killed. */
    public CrashHarness kills(int value) {
        return with(settings.kills(atLeast(1, value)));
    }

    /** What the plans of all lives are made from. */
    public CrashHarness seed(long value) {
        return with(settings.seed(value));
    }

    /** How many children live at a time. */
    public CrashHarness children(int value) {
        return with(settings.children(atLeast(1, value)));
    }

    public CrashHarness sessions(int value) {
        return with(settings.sessions(atLeast(1, value)));
    }

    /** How long a session stays with a child that is paused. */
    public CrashHarness lease(Duration value) {
        atLeast(100, (int) value.toMillis());
        return with(settings.lease(value));
    }

    /** The part of lives, 0 to 1, that is paused for longer than a lease before the kill. */
    public CrashHarness pauses(double value) {
        return with(settings.pauses(value));
    }

    /** Where children are hit; default everywhere. */
    public CrashHarness points(CrashPoint... values) {
        return with(settings.points(List.of(values)));
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
        return with(settings.properties(List.of(names)));
    }

    /** Where it says every few seconds how far it is; default nowhere. */
    public CrashHarness progress(PrintStream value) {
        return new CrashHarness(settings, Objects.requireNonNull(value, "progress"), finishWithin);
    }

    /** How long after the last kill everything must be done; default 60 s, because a session that got nowhere is left alone for a while. */
    public CrashHarness finishWithin(Duration value) {
        return new CrashHarness(settings, progress, Objects.requireNonNull(value, "finishWithin"));
    }

    private CrashHarness with(Settings value) {
        return new CrashHarness(value, progress, finishWithin);
    }

    private static int atLeast(int least, int value) {
        if (value < least) {
            throw new IllegalArgumentException("at least " + least + ", but this is " + value);
        }
        return value;
    }

    /**
     * Runs it; about two kills a second. Ends early when an input is seen that nobody will ever take up.
     *
     * @throws IllegalStateException when the children cannot live: their logs in the folder say why
     */
    public CrashReport run() {
        prepare();
        try (SessionStore store = Orders.open(settings.store(), settings.folder());
                EffectLedger ledger = EffectLedger.open(Orders.ledger(settings.folder()))) {
            return new Torture(settings, progress, finishWithin, store, ledger).run();
        }
    }

    private void prepare() {
        try {
            Files.createDirectories(settings.folder().resolve("store"));
            if (Files.exists(Orders.ledger(settings.folder()))) {
                throw new IllegalArgumentException(settings.folder() + " holds an earlier run; give an empty folder");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

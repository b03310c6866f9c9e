package dev.perdure.examples;

import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashHarness;
import dev.perdure.testkit.crash.CrashReport;
import dev.perdure.testkit.crash.CrashStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Kills JVMs that run sessions, hundreds of times, and looks for what was lost or done twice.
 *
 * <pre>{@code examples/run chaos --store postgres --kills 500 [--seed N] [--children N] [--faults proxy,restart|none] [--folder DIR] [--url JDBC-URL]}</pre>
 *
 * <p>A store with a server starts one of its own, or uses the one at {@code --url}, where it makes schemas named {@code chaos_…}. {@code --faults} says what else
 * happens: {@code proxy} breaks connections on their way, {@code restart} kills the server too; both are on for a server of its own, {@code proxy} for one that is
 * named.
 */
public final class Chaos {
    /** The system property with the server's JDBC URL. */
    static final String URL = "perdure.chaos.url";

    private static final Map<String, Kind> STORES = new TreeMap<>(Map.of(
            "mariadb", new Kind(ChaosMariaDb.class, ChaosMariaDb::server),
            "postgres", new Kind(ChaosPostgres.class, ChaosPostgres::server),
            "sqlite", new Kind(Sqlite.class, null)));
    private static final Set<String> FAULTS = new TreeSet<>(Set.of("proxy", "restart", "none"));
    private static final Set<String> NAMES =
            Set.of("--store", "--kills", "--seed", "--children", "--faults", "--folder", "--url");
    private static final String USAGE =
            "usage: examples/run chaos [--store " + String.join("|", STORES.keySet()) + "] [--kills N] [--seed N]"
                    + " [--children N] [--faults proxy,restart|none] [--folder DIR] [--url JDBC-URL]";
    /** After so many kills of children the server is killed. */
    private static final int RESTART_EVERY = 100;

    private static final double CONNECTION_FAULTS = 0.15;

    /**
     * A store that there is.
     *
     * @param servers gives the server of a run, from the value of {@code --url}; null for a store without one
     */
    private record Kind(
            Class<? extends CrashStore> store, @Nullable Function<@Nullable String, ChaosServer> servers) {}

    private Chaos() {}

    /** The store of this run, as each child opens it. */
    public static final class Sqlite implements CrashStore {
        @Override
        public SessionStore open(Path folder, String server) {
            return JdbcSessionStore.sqlite(folder.resolve("sessions.db"));
        }
    }

    public static void main(String... arguments) throws IOException {
        try {
            Options options = Options.of(List.of(arguments));
            CrashReport report = run(options);
            print(options, report);
            System.exit(report.violations().isEmpty() ? 0 : 1);
        } catch (IllegalArgumentException e) {
            System.err.println("chaos: " + e.getMessage());
            System.exit(2);
        }
    }

    /** What it was started with. */
    private record Options(
            String store,
            @Nullable String url,
            int kills,
            int children,
            Set<String> faults,
            @Nullable Long seed,
            @Nullable Path folder) {
        static Options of(List<String> arguments) {
            Map<String, String> given = new HashMap<>();
            for (int i = 0; i < arguments.size(); i += 2) {
                String option = arguments.get(i);
                if (!NAMES.contains(option)) {
                    throw new IllegalArgumentException("unknown argument " + option + "; " + USAGE);
                } else if (i + 1 == arguments.size()) {
                    throw new IllegalArgumentException(option + " needs a value; " + USAGE);
                }
                given.put(option, arguments.get(i + 1));
            }
            String store = given.getOrDefault("--store", "sqlite");
            Kind kind = STORES.get(store);
            if (kind == null) {
                throw new IllegalArgumentException(
                        "--store is " + String.join(" or ", STORES.keySet()) + ", but this is " + store);
            }
            String url = given.get("--url");
            if (url != null && kind.servers() == null) {
                throw new IllegalArgumentException("--url goes with a store that has a server, and --store " + store
                        + " has none; these have: " + withServers());
            }
            String seed = given.get("--seed");
            String folder = given.get("--folder");
            return new Options(
                    store,
                    url,
                    (int) number("--kills", given.getOrDefault("--kills", "500"), 1, Integer.MAX_VALUE),
                    (int) number("--children", given.getOrDefault("--children", "8"), 1, Integer.MAX_VALUE),
                    faults(store, kind, url, given.get("--faults")),
                    seed == null ? null : number("--seed", seed, Long.MIN_VALUE, Long.MAX_VALUE),
                    folder == null ? null : Path.of(folder));
        }

        private static Set<String> faults(String store, Kind kind, @Nullable String url, @Nullable String given) {
            if (given == null) {
                return kind.servers() == null ? Set.of() : url == null ? Set.of("proxy", "restart") : Set.of("proxy");
            }
            Set<String> faults = new TreeSet<>(List.of(given.split(",", -1)));
            for (String fault : faults) {
                if (!FAULTS.contains(fault) || (fault.equals("none") && faults.size() > 1)) {
                    throw new IllegalArgumentException(
                            "--faults is none, or proxy and restart with a comma between, but this is " + given);
                }
            }
            faults.remove("none");
            if (!faults.isEmpty() && kind.servers() == null) {
                throw new IllegalArgumentException("--faults " + given + " goes with a store that has a server, and"
                        + " --store " + store + " has none; these have: " + withServers());
            }
            if (faults.contains("restart") && url != null) {
                throw new IllegalArgumentException("--faults " + given + " would kill the server at --url, which is not"
                        + " ours to kill; there is proxy, or none");
            }
            return faults;
        }

        private static String withServers() {
            return STORES.entrySet().stream()
                    .filter(entry -> entry.getValue().servers() != null)
                    .map(Map.Entry::getKey)
                    .collect(Collectors.joining(", "));
        }

        private static long number(String option, String value, long least, long most) {
            try {
                long number = Long.parseLong(value);
                if (number >= least && number <= most) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // Said below, in the same words.
            }
            String from = least == 1 ? " of at least 1" : "";
            throw new IllegalArgumentException(option + " is a whole number" + from + ", but this is " + value);
        }
    }

    private static CrashReport run(Options options) throws IOException {
        Kind kind = Objects.requireNonNull(STORES.get(options.store()));
        Function<@Nullable String, ChaosServer> servers = kind.servers();
        if (options.folder() != null) {
            requireUsable(options.folder());
        }
        if (servers == null) {
            return harness(kind, options).run();
        }
        try (ChaosServer server = servers.apply(options.url())) {
            System.setProperty(URL, server.url());
            return harness(kind, options)
                    .properties(URL)
                    .server(server)
                    .connectionFaults(options.faults().contains("proxy") ? CONNECTION_FAULTS : 0)
                    .restartEvery(options.faults().contains("restart") ? RESTART_EVERY : 0)
                    .run();
        }
    }

    /** Before a server is started for nothing. */
    private static void requireUsable(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "--folder " + folder + " cannot be made (" + e.getClass().getSimpleName() + "); name another", e);
        }
        try (Stream<Path> inside = Files.list(folder)) {
            if (!Files.isWritable(folder) || inside.findAny().isPresent()) {
                throw new IllegalArgumentException("--folder " + folder
                        + " is not empty, or cannot be written; name one that is made for the run");
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("--folder " + folder + " cannot be read; name another", e);
        }
    }

    private static CrashHarness harness(Kind kind, Options options) throws IOException {
        Path folder = options.folder() == null ? Files.createTempDirectory("perdure-chaos") : options.folder();
        System.out.println("Everything is kept in " + folder);
        CrashHarness harness = CrashHarness.of(kind.store(), folder)
                .kills(options.kills())
                .children(options.children())
                // More than are held at a time, or all of them would wait for the leases of the dead.
                .sessions(3 * options.children())
                .finishWithin(Duration.ofMinutes(3))
                .progress(System.out);
        return options.seed() == null ? harness : harness.seed(options.seed());
    }

    private static void print(Options options, CrashReport report) {
        System.out.println("Killed at: " + new TreeMap<>(report.kills()));
        System.out.println("Paused at: " + new TreeMap<>(report.pauses()));
        System.out.println("Faults: " + new TreeMap<>(report.faults()));
        System.out.println(report.inputs() + " inputs applied, " + report.effects() + " effects, " + report.takeovers()
                + " takeovers, " + report.took().toSeconds() + " s, seed " + report.seed());
        report.violations().forEach(violation -> System.out.println("VIOLATION " + violation));
        if (!report.violations().isEmpty()) {
            System.out.println("Run it again with: examples/run chaos --store " + options.store() + " --kills "
                    + options.kills() + " --seed " + report.seed() + " --children " + options.children() + " --faults "
                    + (options.faults().isEmpty() ? "none" : String.join(",", options.faults())));
        }
        System.out.println("RESULT chaos store=" + options.store() + " kills=" + report.killed() + " sessions="
                + report.sessions() + " violations=" + report.violations().size());
    }
}

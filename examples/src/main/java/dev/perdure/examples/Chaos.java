package dev.perdure.examples;

import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashHarness;
import dev.perdure.testkit.crash.CrashReport;
import dev.perdure.testkit.crash.CrashStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Kills JVMs that run sessions, hundreds of times, and looks for what was lost or done twice.
 *
 * <pre>{@code examples/run chaos --store sqlite --kills 500 [--seed N] [--children N] [--folder DIR]}</pre>
 *
 * <p>{@code --store postgres} starts a PostgreSQL of its own, or uses the one at {@code --url}, where it makes schemas named {@code chaos_…}.
 */
public final class Chaos {
    private static final Map<String, Class<? extends CrashStore>> STORES =
            new TreeMap<>(Map.of("postgres", ChaosPostgres.class, "sqlite", Sqlite.class));
    private static final String USAGE = "usage: examples/run chaos [--store sqlite|postgres] [--kills N] [--seed N]"
            + " [--children N] [--folder DIR] [--url JDBC-URL]";
    private static final Set<String> NAMES = Set.of("--store", "--kills", "--seed", "--children", "--folder", "--url");

    private Chaos() {}

    /** The store of this run, as each child opens it. */
    public static final class Sqlite implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            return JdbcSessionStore.sqlite(folder.resolve("sessions.db"));
        }
    }

    public static void main(String... arguments) throws IOException {
        try {
            Options options = Options.of(List.of(arguments));
            CrashReport report = run(options);
            print(options.store(), report);
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
            if (!STORES.containsKey(store)) {
                throw new IllegalArgumentException(
                        "--store is " + String.join(" or ", STORES.keySet()) + ", but this is " + store);
            }
            String url = given.get("--url");
            if (url != null && !store.equals("postgres")) {
                throw new IllegalArgumentException("--url goes with --store postgres");
            }
            String seed = given.get("--seed");
            String folder = given.get("--folder");
            return new Options(
                    store,
                    url,
                    (int) number("--kills", given.getOrDefault("--kills", "500"), 1, Integer.MAX_VALUE),
                    (int) number("--children", given.getOrDefault("--children", "3"), 1, Integer.MAX_VALUE),
                    seed == null ? null : number("--seed", seed, Long.MIN_VALUE, Long.MAX_VALUE),
                    folder == null ? null : Path.of(folder));
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
        Path folder = options.folder() == null ? Files.createTempDirectory("perdure-chaos") : options.folder();
        System.out.println("Everything is kept in " + folder);
        CrashHarness harness = CrashHarness.of(Objects.requireNonNull(STORES.get(options.store())), folder)
                .kills(options.kills())
                .children(options.children())
                .progress(System.out);
        CrashHarness seeded = options.seed() == null ? harness : harness.seed(options.seed());
        if (!options.store().equals("postgres")) {
            return seeded.run();
        }
        try (ChaosPostgres.Server server = ChaosPostgres.Server.at(options.url())) {
            System.setProperty(ChaosPostgres.URL, server.url());
            return seeded.properties(ChaosPostgres.URL).run();
        }
    }

    private static void print(String store, CrashReport report) {
        System.out.println("Killed at: " + report.kills());
        System.out.println("Paused at: " + report.pauses());
        System.out.println(report.inputs() + " inputs applied, " + report.effects() + " effects, " + report.takeovers()
                + " takeovers, " + report.took().toSeconds() + " s, seed " + report.seed());
        report.violations().forEach(violation -> System.out.println("VIOLATION " + violation));
        if (!report.violations().isEmpty()) {
            System.out.println("Run it again with: examples/run chaos --store " + store + " --kills " + report.killed()
                    + " --seed " + report.seed());
        }
        System.out.println("RESULT chaos store=" + store + " kills=" + report.killed() + " sessions="
                + report.sessions() + " violations=" + report.violations().size());
    }
}

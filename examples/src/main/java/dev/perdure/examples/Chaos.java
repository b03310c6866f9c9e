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
import java.util.Map;

/**
 * Kills JVMs that run sessions, hundreds of times, and looks for what was lost or done twice.
 *
 * <pre>{@code examples/run chaos --store sqlite --kills 500 [--seed N] [--children N] [--folder DIR]}</pre>
 */
public final class Chaos {
    private Chaos() {}

    /** The store of this run, as each child opens it. */
    public static final class Sqlite implements CrashStore {
        @Override
        public SessionStore open(Path folder) {
            return JdbcSessionStore.sqlite(folder.resolve("sessions.db"));
        }
    }

    public static void main(String... arguments) throws IOException {
        Map<String, String> options = options(arguments);
        String store = options.getOrDefault("store", "sqlite");
        if (!store.equals("sqlite")) {
            throw new IllegalArgumentException("--store is sqlite, but this is " + store);
        }
        CrashReport report = harness(options).progress(System.out).run();
        print(store, report);
        System.exit(report.violations().isEmpty() ? 0 : 1);
    }

    private static CrashHarness harness(Map<String, String> options) throws IOException {
        String given = options.get("folder");
        Path folder = given == null ? Files.createTempDirectory("perdure-chaos") : Path.of(given);
        System.out.println("Everything is kept in " + folder);
        CrashHarness harness = CrashHarness.of(Sqlite.class, folder)
                .kills(Integer.parseInt(options.getOrDefault("kills", "500")))
                .children(Integer.parseInt(options.getOrDefault("children", "3")));
        String seed = options.get("seed");
        return seed == null ? harness : harness.seed(Long.parseLong(seed));
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

    private static Map<String, String> options(String... arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].replaceFirst("^--", ""), arguments[i + 1]);
        }
        return options;
    }
}

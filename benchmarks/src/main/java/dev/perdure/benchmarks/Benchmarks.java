package dev.perdure.benchmarks;

import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** {@code benchmarks/run NAME [FACTOR]}: runs one, and says on what machine. */
public final class Benchmarks {
    static final Map<String, Benchmark> ALL = new TreeMap<>(Map.ofEntries(
            Map.entry("append", new Append()),
            Map.entry("claim", new Claim()),
            Map.entry("codec", new Codec()),
            Map.entry("growth", new Growth()),
            Map.entry("history", new History()),
            Map.entry("idle", new Idle()),
            Map.entry("inbox", new InboxPosts()),
            Map.entry("litellm-call", new LiteLlmCall()),
            Map.entry("litellm-stream", new LiteLlmStream()),
            Map.entry("resume", new Resume()),
            Map.entry("takeover", new Takeover()),
            Map.entry("turn", new ToolTurn())));

    private Benchmarks() {}

    public static void main(String[] args) throws Exception {
        Benchmark benchmark = args.length == 0 ? null : ALL.get(args[0]);
        if (benchmark == null || args.length > 2) {
            System.err.println("usage: benchmarks/run NAME [FACTOR]; there are: " + String.join(", ", ALL.keySet()));
            System.exit(2);
            return;
        }
        run(args[0], benchmark, factor(args.length == 1 ? "1" : args[1]), System.out);
        System.exit(0);
    }

    private static double factor(String text) {
        try {
            double factor = Double.parseDouble(text);
            if (factor > 0) {
                return factor;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        System.err.println("FACTOR is a number above 0, but this is " + text);
        System.exit(2);
        return 0;
    }

    static void run(String name, Benchmark benchmark, double factor, PrintStream out) throws Exception {
        out.println(name + ": " + benchmark.about());
        out.println("on " + System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors, Java " + Runtime.version()
                + ", again with: benchmarks/run " + name + (factor == 1 ? "" : " " + factor));
        Map<String, String> result = benchmark.run(factor, out);
        out.println("RESULT " + name + " "
                + result.entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .collect(Collectors.joining(" ")));
    }
}

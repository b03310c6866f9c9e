package dev.perdure.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One call in one piece, beside OkHttp and Jackson's trees by hand and two libraries; then many calls at once. */
final class LiteLlmCall implements Benchmark {
    private static final int CALLS = 3_000;
    private static final int WARM_UP = 2;

    @Override
    public String about() {
        return "a model call in one piece, one at a time, on one loopback gateway, beside OkHttp with Jackson's trees,"
                + " openai-java and langchain4j-open-ai; with telemetry on, beside off; and "
                + LoopbackGateway.HELD_CALLS + " calls in flight";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int calls = Math.max(1, (int) (CALLS * factor));
        try (LoopbackGateway gateway = LoopbackGateway.start()) {
            PerdureClient ours = new PerdureClient(gateway);
            List<ChatClient> clients = List.of(
                    ours,
                    new OkHttpClientByHand(gateway),
                    new OpenAiJavaClient(gateway),
                    new LangChain4jClient(gateway));
            List<Turns.Work> work = new ArrayList<>();
            for (ChatClient client : clients) {
                work.add(() -> client.call(LoopbackGateway.PLAIN).requireEqual(LoopbackGateway.ANSWER));
            }
            Turns.measure(work, WARM_UP * calls);
            List<Runs> ratios = clients.stream().map(client -> new Runs()).toList();
            Runs kilobytes = new Runs();
            for (int run = 1; run <= Runs.COUNT; run++) {
                List<Turns.Median> medians = Turns.measure(work, calls);
                kilobytes.add(medians.get(0).bytes() / Texts.KB);
                for (int i = 0; i < clients.size(); i++) {
                    Turns.Median median = medians.get(i);
                    double ratio = ratios.get(i).add(medians.get(0).nanos() / median.nanos());
                    out.println("run " + run + ": " + clients.get(i).name() + " p50 " + Numbers.micros(median.nanos())
                            + ", " + Numbers.two(median.bytes() / Texts.KB) + " KB on the thread, ratio "
                            + Numbers.two(ratio));
                }
            }
            Runs telemetry = telemetryPercent(gateway, calls, out);
            int inFlight = inFlight(ours);
            for (int i = 1; i < clients.size(); i++) {
                out.println("p50 beside " + clients.get(i).name() + ", median (least to most): " + ratios.get(i));
            }
            out.println("telemetry on, percent more, median (least to most): " + telemetry);
            out.println("KB allocated for a call, median (least to most): " + kilobytes);
            Map<String, String> result = new LinkedHashMap<>();
            result.put("okhttp_ratio", Numbers.two(ratios.get(1).median()));
            result.put("openai_ratio", Numbers.two(ratios.get(2).median()));
            result.put("langchain4j_ratio", Numbers.two(ratios.get(3).median()));
            result.put("alloc_kb", Numbers.two(kilobytes.median()));
            result.put("telemetry_percent", Numbers.two(telemetry.median()));
            result.put("in_flight", Integer.toString(inFlight));
            return result;
        }
    }

    private static Runs telemetryPercent(LoopbackGateway gateway, int calls, PrintStream out) throws Exception {
        Runs percent = new Runs();
        try (TelemetryOn telemetry = new TelemetryOn()) {
            List<Turns.Work> offAndOn =
                    List.of(PerdureClient.alone(gateway, null), PerdureClient.alone(gateway, telemetry.sdk()));
            Turns.measure(offAndOn, WARM_UP * calls);
            for (int run = 1; run <= Runs.COUNT; run++) {
                List<Turns.Median> medians = Turns.measure(offAndOn, calls);
                double off = medians.get(0).nanos();
                double on = medians.get(1).nanos();
                percent.add(100 * (on / off - 1));
                out.println("run " + run + ": telemetry off p50 " + Numbers.micros(off) + ", on " + Numbers.micros(on));
            }
            telemetry.requireSpans((long) (WARM_UP + Runs.COUNT) * calls);
        }
        return percent;
    }

    /** How many were answered, of calls that the gateway answers only when all of them are there. */
    private static int inFlight(ChatClient ours) throws Exception {
        List<Answer> answers =
                Threads.collect(LoopbackGateway.HELD_CALLS, number -> () -> ours.call(LoopbackGateway.HELD));
        answers.forEach(answer -> answer.requireEqual(LoopbackGateway.ANSWER));
        return answers.size();
    }
}

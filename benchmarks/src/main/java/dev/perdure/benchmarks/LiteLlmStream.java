package dev.perdure.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A streamed call of 1,000 events, from the request to the whole reply, beside two libraries. */
final class LiteLlmStream implements Benchmark {
    private static final int STREAMS = 300;
    private static final int WARM_UP = 2;

    @Override
    public String about() {
        return "a streamed model call of " + LoopbackGateway.EVENTS + " events, as fast as they can be read, on one"
                + " loopback gateway, beside openai-java and langchain4j-open-ai";
    }

    @Override
    public Map<String, String> run(double factor, PrintStream out) throws Exception {
        int streams = Math.max(1, (int) (STREAMS * factor));
        try (LoopbackGateway gateway = LoopbackGateway.start()) {
            List<ChatClient> clients =
                    List.of(new PerdureClient(gateway), new OpenAiJavaClient(gateway), new LangChain4jClient(gateway));
            List<Turns.Work> work = new ArrayList<>();
            for (ChatClient client : clients) {
                work.add(() -> client.stream(LoopbackGateway.STREAM).requireEqual(LoopbackGateway.STREAMED));
            }
            Turns.measure(work, WARM_UP * streams);
            List<Runs> ratios = clients.stream().map(client -> new Runs()).toList();
            Runs bytes = new Runs();
            for (int run = 1; run <= Runs.COUNT; run++) {
                List<Turns.Median> medians = Turns.measure(work, streams);
                bytes.add(medians.get(0).bytes() / LoopbackGateway.EVENTS);
                for (int i = 0; i < clients.size(); i++) {
                    Turns.Median median = medians.get(i);
                    // Ours to theirs in chunks a second is theirs to ours in time.
                    double ratio =
                            ratios.get(i).add(median.nanos() / medians.get(0).nanos());
                    out.println("run " + run + ": " + clients.get(i).name() + " "
                            + Math.round(LoopbackGateway.EVENTS / (median.nanos() / 1e9)) + " chunks/s, "
                            + Math.round(median.bytes() / LoopbackGateway.EVENTS)
                            + " bytes a chunk on the thread, ratio " + Numbers.two(ratio));
                }
            }
            for (int i = 1; i < clients.size(); i++) {
                out.println("chunks/s beside " + clients.get(i).name() + ", median (least to most): " + ratios.get(i));
            }
            out.println("bytes allocated for a chunk, median (least to most): " + bytes);
            Map<String, String> result = new LinkedHashMap<>();
            result.put("openai_ratio", Numbers.two(ratios.get(1).median()));
            result.put("langchain4j_ratio", Numbers.two(ratios.get(2).median()));
            result.put("bytes_per_chunk", Long.toString(Math.round(bytes.median())));
            return result;
        }
    }
}

package dev.perdure.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each runs to its last line; how fast is not for a test. What it checks by itself (nothing lost, nothing twice, nothing written) is. */
class BenchmarksTest {
    private static final String NUMBER = "-?[0-9]+(\\.[0-9]+)?";

    /** Of the last line, in order; with a value where only one is right. */
    private static final Map<String, String> KEYS = Map.ofEntries(
            Map.entry("append", "p50_ratio throughput_ratio round_trips=1.00"),
            Map.entry("claim", "claims_per_s fairness"),
            Map.entry("codec", "overhead_percent p50_ratio throughput_ratio"),
            Map.entry("growth", "late_ratio bytes_ratio exponent"),
            Map.entry("history", "append_ratio storage_ratio snapshot_append_ratio snapshot_storage_ratio"),
            Map.entry("idle", "sessions=50 writes=0 heap_mb"),
            Map.entry("inbox", "items_per_s duplicates=0 lost=0"),
            Map.entry(
                    "litellm-call",
                    "okhttp_ratio openai_ratio langchain4j_ratio alloc_kb telemetry_percent in_flight=256"),
            Map.entry("litellm-stream", "openai_ratio langchain4j_ratio bytes_per_chunk"),
            Map.entry("resume", "read_ratio_1000 read_ratio_100000 ms_1000 ms_100000"),
            Map.entry("takeover", "excess_seconds duplicates=0 lost=0"),
            Map.entry("turn", "round_trips dbos_ratio"));

    @Test
    void everyBenchmark_hasItsKeys() {
        assertThat(KEYS.keySet()).isEqualTo(Benchmarks.ALL.keySet());
    }

    static Stream<String> names() {
        return KEYS.keySet().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("names")
    void benchmark_endsWithItsKeys(String name) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Benchmarks.run(
                name,
                Objects.requireNonNull(Benchmarks.ALL.get(name)),
                0.001,
                new PrintStream(bytes, true, StandardCharsets.UTF_8));

        String keys = Stream.of(Objects.requireNonNull(KEYS.get(name)).split(" ", -1))
                .map(key -> key.contains("=") ? key.replace(".", "\\.") : key + "=" + NUMBER)
                .collect(Collectors.joining(" "));
        assertThat(bytes.toString(StandardCharsets.UTF_8).lines().toList())
                .last()
                .asString()
                .matches("RESULT " + name + " " + keys);
    }
}

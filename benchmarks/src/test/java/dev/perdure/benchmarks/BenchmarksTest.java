package dev.perdure.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Each runs to its last line; what it measures is not for a test. */
class BenchmarksTest {
    @Test
    void append_endsWithItsKeys() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Benchmarks.run("append", new Append(), 0.01, new PrintStream(bytes, true, StandardCharsets.UTF_8));

        assertThat(bytes.toString(StandardCharsets.UTF_8).lines().toList())
                .last()
                .asString()
                .matches("RESULT append p50_ratio=[0-9.]+ throughput_ratio=[0-9.]+ round_trips=[0-9.]+");
    }

    @Test
    void codec_endsWithItsKeys() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Benchmarks.run("codec", new Codec(), 0.01, new PrintStream(bytes, true, StandardCharsets.UTF_8));

        assertThat(bytes.toString(StandardCharsets.UTF_8).lines().toList())
                .last()
                .asString()
                .matches("RESULT codec overhead_percent=-?[0-9.]+ p50_ratio=[0-9.]+ throughput_ratio=[0-9.]+");
    }
}

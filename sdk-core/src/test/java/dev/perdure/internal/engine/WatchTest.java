package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.RuntimeListener;
import dev.perdure.model.ModelException;
import dev.perdure.session.CallId;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import io.opentelemetry.sdk.metrics.data.PointData;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The tables of {@code docs/operations.md} under "Watch" name what is really emitted, all of it and nothing else. */
class WatchTest {
    private static final Path PAGE = Path.of("..", "docs", "operations.md");
    private static final SessionId ID = SessionId.of("acme", "ticket-4711");

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final InMemoryMetricReader metrics = InMemoryMetricReader.create();
    private final OpenTelemetrySdk sdk = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .setMeterProvider(
                    SdkMeterProvider.builder().registerMetricReader(metrics).build())
            .build();

    @AfterEach
    void stop() {
        sdk.close();
    }

    /** Everything that can be said, once. */
    @BeforeEach
    void emit() {
        Telemetry telemetry = new Telemetry(sdk);
        CallId call = CallId.of(EventId.random(), 0);
        try (Telemetry.Timed turn = telemetry.turn(ID, "{agent}", "1", 1, null)) {
            turn.outcome("FAILED");
            turn.failed("auth");
        }
        try (Telemetry.Timed chat = telemetry.chat(ID, "{agent}", "openai", "{model}", 1)) {
            telemetry.replied(chat, reply());
            telemetry.failed(chat, ModelException.of(ModelException.Kind.AUTH, ""));
        }
        try (Telemetry.Timed tool = telemetry.tool(ID, call, "{tool}", 1, Context.root())) {
            tool.failed("error");
        }
        try (Telemetry.Timed append = telemetry.append(ID, 1)) {
            append.outcome("ok");
        }
        telemetry.takenOver(ID);
        telemetry.quarantined(ID);
        telemetry.regressed(ID);
        telemetry.doubted(ID, "{tool}");
        telemetry.runFailed(ID, new IllegalStateException());
    }

    private static Event.ModelReplied reply() {
        return new Event.ModelReplied(
                Event.Purpose.ANSWER,
                1,
                List.of(new Part.Text("")),
                "stop",
                Usage.of(1, 1),
                new Cost(BigDecimal.ONE, Cost.Source.HEADER),
                "{model}",
                null,
                "gw-1",
                1,
                null,
                null);
    }

    @Test
    void everyMetric_isOnThePage_withItsUnitAndAttributes() throws IOException {
        Collection<MetricData> emitted = metrics.collectAllMetrics();
        assertThat(emitted).as("an instrument that this test does not use").hasSize(instruments());
        Map<String, String> rows = new TreeMap<>();
        emitted.forEach(metric -> rows.put(
                metric.getName(),
                kind(metric) + ", `" + metric.getUnit() + "` | "
                        + listed(metric.getData().getPoints().stream().map(PointData::getAttributes))));
        assertThat(table("metric", 3)).isEqualTo(rows);
    }

    @Test
    void everySpan_isOnThePage_withItsAttributes() throws IOException {
        Map<String, String> rows = new TreeMap<>();
        for (SpanData span : spans.getFinishedSpanItems()) {
            rows.put(
                    span.getName(),
                    span.getKind().name().toLowerCase(Locale.ROOT) + " | " + listed(Stream.of(span.getAttributes())));
        }
        assertThat(table("span", 3)).isEqualTo(rows);
    }

    @Test
    void everyAttribute_isOnThePage() throws Exception {
        String page = Files.readString(PAGE);
        Set<String> missing = new TreeSet<>();
        for (Field field : Telemetry.class.getDeclaredFields()) {
            if (field.getType() == AttributeKey.class) {
                field.setAccessible(true);
                missing.add(((AttributeKey<?>) field.get(null)).getKey());
            }
        }
        assertThat(missing).isNotEmpty();
        missing.removeIf(key -> page.contains("`" + key + "`"));
        assertThat(missing).isEmpty();
    }

    @Test
    void everyCallOfAListener_isOnThePage() throws IOException {
        Set<String> calls = Stream.of(RuntimeListener.class.getDeclaredMethods())
                .map(Method::getName)
                .filter(name -> name.startsWith("on"))
                .collect(Collectors.toSet());
        assertThat(table("`RuntimeListener`", 2)).containsOnlyKeys(calls);
    }

    /** Each of them is a field. */
    private static int instruments() {
        return (int) Stream.of(Telemetry.class.getDeclaredFields())
                .filter(field -> field.getType().getPackageName().equals("io.opentelemetry.api.metrics"))
                .count();
    }

    private static String kind(MetricData metric) {
        return metric.getType() == MetricDataType.HISTOGRAM ? "histogram" : "counter";
    }

    private static String listed(Stream<Attributes> all) {
        return all.flatMap(attributes -> attributes.asMap().keySet().stream())
                .map(key -> "`" + key.getKey() + "`")
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
    }

    /** First columns of the table that begins with this word, to those up to {@code columns}. */
    private static Map<String, String> table(String head, int columns) throws IOException {
        List<String> lines = Files.readAllLines(PAGE);
        int first = 0;
        while (!lines.get(first).startsWith("| " + head + " |")) {
            first++;
        }
        Map<String, String> rows = new TreeMap<>();
        for (String line : lines.subList(first + 2, lines.size())) {
            if (!line.startsWith("| ")) {
                break;
            }
            List<String> cells = List.of(line.substring(2).split(" \\| ?", -1));
            String name = cells.get(0).substring(1, cells.get(0).length() - 1);
            rows.put(name, String.join(" | ", cells.subList(1, columns)));
        }
        return rows;
    }
}

package dev.perdure.benchmarks;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** OpenTelemetry's SDK as an application sets it up, every span sampled; what is exported goes nowhere. */
final class TelemetryOn implements AutoCloseable {
    private final AtomicLong spans = new AtomicLong();
    private final OpenTelemetrySdk sdk = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(BatchSpanProcessor.builder(new Spans(spans))
                            .setMaxQueueSize(1 << 16)
                            .build())
                    .build())
            .setMeterProvider(SdkMeterProvider.builder()
                    .registerMetricReader(PeriodicMetricReader.create(new Metrics()))
                    .build())
            .build();

    OpenTelemetry sdk() {
        return sdk;
    }

    /** @throws IllegalStateException when another number of spans was exported: what is measured would not be the work */
    void requireSpans(long wanted) {
        sdk.getSdkTracerProvider().forceFlush().join(10, TimeUnit.SECONDS);
        if (spans.get() != wanted) {
            throw new IllegalStateException(spans.get() + " spans of " + wanted + " calls");
        }
    }

    @Override
    public void close() {
        sdk.close();
    }

    private static final class Spans implements SpanExporter {
        private final AtomicLong count;

        Spans(AtomicLong count) {
            this.count = count;
        }

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            count.addAndGet(spans.size());
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }

    private static final class Metrics implements MetricExporter {
        @Override
        public CompletableResultCode export(Collection<MetricData> metrics) {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public AggregationTemporality getAggregationTemporality(InstrumentType type) {
            return AggregationTemporality.CUMULATIVE;
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}

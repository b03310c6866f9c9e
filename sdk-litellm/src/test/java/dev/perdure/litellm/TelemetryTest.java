package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.perdure.testkit.FakeGateway;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Spans and metrics of calls that an application makes by itself. */
class TelemetryTest {
    @RegisterExtension
    final OpenTelemetryExtension otel = OpenTelemetryExtension.create();

    private LiteLlm client(FakeGateway gateway) {
        return LiteLlm.at(gateway.url()).key("sk-secret").model("asked").telemetry(otel.getOpenTelemetry());
    }

    @Test
    void callIsASpan_withWhatTheGatewaySaid_andItsTraceparentIsSent() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of("chat")::play)) {
            client(gateway).ask(Calls.saying("a secret question"), CallOptions.DEFAULT.session("case-7"));

            SpanData span = otel.getSpans().get(0);
            assertThat(span.getName()).isEqualTo("chat asked");
            assertThat(text(span, "gen_ai.provider.name")).isEqualTo("litellm");
            assertThat(text(span, "gen_ai.conversation.id")).isEqualTo("case-7");
            assertThat(text(span, "litellm.model_group")).isEqualTo("scripted");
            assertThat(text(span, "litellm.model_id")).isEqualTo("dep-scripted");
            assertThat(text(span, "litellm.cost.source")).isEqualTo("header");
            assertThat(span.getAttributes().get(AttributeKey.doubleKey("litellm.response.cost")))
                    .isEqualTo(0.00025);
            assertThat(span.getAttributes().get(AttributeKey.longKey("litellm.attempted_fallbacks")))
                    .isZero();
            assertThat(gateway.received().get(0).headers().get("traceparent")).contains(span.getSpanId());
            assertThat(span.toString()).doesNotContain("secret");
        }
    }

    @Test
    void streamCountsTokens_cost_andTimeToItsFirstText() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of("chat-stream")::play)) {
            client(gateway).ask(Calls.saying("hi"), CallOptions.DEFAULT.deltas(new Heard()));
        }
        assertThat(otel.getMetrics().stream().map(MetricData::getName))
                .contains(
                        "gen_ai.client.operation.duration",
                        "gen_ai.client.operation.time_to_first_chunk",
                        "gen_ai.client.token.usage",
                        "litellm.client.cost");
        MetricData cost = otel.getMetrics().stream()
                .filter(metric -> metric.getName().equals("litellm.client.cost"))
                .findFirst()
                .orElseThrow();
        assertThat(cost.getDoubleSumData().getPoints().iterator().next().getValue())
                .isEqualTo(0.00025);
    }

    @Test
    void eachAttemptIsASpan_andAFailedOneSaysItsKind() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(Recording.of("upstream-503")::play)) {
            catchThrowable(() -> client(gateway).ask(Calls.saying("hi"), CallOptions.DEFAULT.retries(1)));
        }
        assertThat(otel.getSpans())
                .hasSize(2)
                .allSatisfy(span -> assertThat(text(span, "error.type")).isEqualTo("unavailable"));
        List<String> ids = otel.getSpans().stream()
                .map(span -> text(span, "litellm.call_id"))
                .collect(Collectors.toList());
        assertThat(ids).doesNotHaveDuplicates();
    }

    private static String text(SpanData span, String name) {
        return span.getAttributes().get(AttributeKey.stringKey(name));
    }
}

package dev.perdure.litellm.internal.telemetry;

import dev.perdure.litellm.internal.guard.Delivered;
import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleCounter;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Spans and metrics of the calls that an application makes by itself, by the names of OpenTelemetry's conventions for GenAI; never content. */
public final class ClientTelemetry {
    private static final String SCOPE = "dev.perdure.litellm";
    private static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    private static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    private static final AttributeKey<String> REQUEST_MODEL = AttributeKey.stringKey("gen_ai.request.model");
    private static final AttributeKey<String> RESPONSE_MODEL = AttributeKey.stringKey("gen_ai.response.model");
    private static final AttributeKey<String> CONVERSATION = AttributeKey.stringKey("gen_ai.conversation.id");
    private static final AttributeKey<List<String>> FINISH =
            AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    private static final AttributeKey<Long> INPUT = AttributeKey.longKey("gen_ai.usage.input_tokens");
    private static final AttributeKey<Long> OUTPUT = AttributeKey.longKey("gen_ai.usage.output_tokens");
    private static final AttributeKey<String> TOKEN_TYPE = AttributeKey.stringKey("gen_ai.token.type");
    private static final AttributeKey<String> SERVER = AttributeKey.stringKey("server.address");
    private static final AttributeKey<Long> PORT = AttributeKey.longKey("server.port");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> CALL = AttributeKey.stringKey("litellm.call_id");
    private static final AttributeKey<String> GROUP = AttributeKey.stringKey("litellm.model_group");
    private static final AttributeKey<String> DEPLOYMENT = AttributeKey.stringKey("litellm.model_id");
    private static final AttributeKey<Double> COST = AttributeKey.doubleKey("litellm.response.cost");
    private static final AttributeKey<String> COST_SOURCE = AttributeKey.stringKey("litellm.cost.source");

    private final String provider;
    private final String host;
    private final long port;
    private final Tracer tracer;
    private final DoubleHistogram seconds;
    private final DoubleHistogram firstChunk;
    private final LongHistogram tokens;
    private final DoubleCounter cost;

    public ClientTelemetry(OpenTelemetry telemetry, String provider, String host, int port) {
        this.provider = provider;
        this.host = host;
        this.port = port;
        this.tracer = telemetry.getTracer(SCOPE);
        Meter meter = telemetry.getMeter(SCOPE);
        this.seconds = meter.histogramBuilder("gen_ai.client.operation.duration")
                .setUnit("s")
                .setDescription("Duration of model calls, each attempt by itself")
                .build();
        this.firstChunk = meter.histogramBuilder("gen_ai.client.operation.time_to_first_chunk")
                .setUnit("s")
                .setDescription("Time until a stream's first text")
                .build();
        this.tokens = meter.histogramBuilder("gen_ai.client.token.usage")
                .ofLongs()
                .setUnit("{token}")
                .setDescription("Tokens of model calls")
                .build();
        this.cost = meter.counterBuilder("litellm.client.cost")
                .ofDoubles()
                .setUnit("{USD}")
                .setDescription("Money spent on model calls, as the gateway says")
                .build();
    }

    /** Makes one attempt inside of a span. */
    @SuppressWarnings("MustBeClosedChecker") // closed in finally
    public ModelReply around(String model, CallContext context, Function<CallContext, ModelReply> call) {
        Span span = tracer.spanBuilder("chat " + model)
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(OPERATION, "chat")
                .setAttribute(PROVIDER, provider)
                .setAttribute(REQUEST_MODEL, model)
                .setAttribute(SERVER, host)
                .setAttribute(PORT, port)
                .setAttribute(CALL, context.callId())
                .startSpan();
        if (context.session() != null) {
            span.setAttribute(CONVERSATION, context.session());
        }
        AttributesBuilder by = Attributes.builder()
                .put(OPERATION, "chat")
                .put(PROVIDER, provider)
                .put(REQUEST_MODEL, model)
                .put(SERVER, host);
        Delivered delivered = new Delivered(context.deltas());
        long started = System.nanoTime();
        Scope current = span.makeCurrent();
        try {
            ModelReply reply = call.apply(context.withDeltas(delivered));
            replied(span, by, reply);
            if (delivered.any()) {
                firstChunk.record((delivered.firstAt() - started) / 1e9, by.build());
            }
            return reply;
        } catch (ModelException e) {
            failed(span, by, e.kind().name().toLowerCase(Locale.ROOT));
            throw e;
        } catch (RuntimeException | Error e) {
            failed(span, by, e.getClass().getName());
            throw e;
        } finally {
            current.close();
            seconds.record((System.nanoTime() - started) / 1e9, by.build());
            span.end();
        }
    }

    private void replied(Span span, AttributesBuilder by, ModelReply reply) {
        by.put(RESPONSE_MODEL, reply.model());
        span.setAttribute(RESPONSE_MODEL, reply.model());
        span.setAttribute(FINISH, List.of(reply.finishReason()));
        span.setAttribute(INPUT, reply.usage().input());
        span.setAttribute(OUTPUT, reply.usage().output());
        enrich(span, reply);
        Attributes all = by.build();
        tokens.record(
                reply.usage().input(), all.toBuilder().put(TOKEN_TYPE, "input").build());
        tokens.record(
                reply.usage().output(),
                all.toBuilder().put(TOKEN_TYPE, "output").build());
        if (reply.cost().source() != Cost.Source.UNKNOWN) {
            cost.add(reply.cost().usd().doubleValue(), all);
        }
    }

    private static void failed(Span span, AttributesBuilder by, String kind) {
        span.setAttribute(ERROR, kind);
        span.setStatus(StatusCode.ERROR);
        by.put(ERROR, kind);
    }

    /** Adds what the gateway said to a span, ours or that of the engine. */
    public static void enrich(Span span, ModelReply reply) {
        if (!span.isRecording()) {
            return;
        }
        Json gateway = reply.details().find("gateway").orElse(Json.EMPTY);
        gateway.findText("group").ifPresent(group -> span.setAttribute(GROUP, group));
        if (reply.deployment() != null) {
            span.setAttribute(DEPLOYMENT, reply.deployment());
        }
        number(span, gateway, "retries", "litellm.attempted_retries");
        number(span, gateway, "fallbacks", "litellm.attempted_fallbacks");
        Numbers.findDecimal(gateway, "overheadMillis")
                .ifPresent(ms -> span.setAttribute("litellm.overhead_ms", ms.doubleValue()));
        span.setAttribute("litellm.cache_hit", gateway.find("cacheKey").isPresent());
        span.setAttribute(COST_SOURCE, reply.cost().source().name().toLowerCase(Locale.ROOT));
        if (reply.cost().source() != Cost.Source.UNKNOWN) {
            span.setAttribute(COST, reply.cost().usd().doubleValue());
        }
    }

    private static void number(Span span, Json gateway, String field, String attribute) {
        Numbers.find(gateway, field).ifPresent(value -> span.setAttribute(attribute, value));
    }
}

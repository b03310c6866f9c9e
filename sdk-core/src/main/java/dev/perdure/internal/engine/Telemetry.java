package dev.perdure.internal.engine;

import dev.perdure.model.ModelException;
import dev.perdure.session.CallId;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.session.TurnView;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleCounter;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.LongHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Spans and metrics of turns, model calls, tool calls and appends. Names are those of OpenTelemetry's conventions for generative AI; what
 * they do not name begins with {@code perdure.}. Never carries content. Thread-safe.
 */
public final class Telemetry {
    private static final String SCOPE = "dev.perdure";
    private static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    private static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    private static final AttributeKey<String> CONVERSATION = AttributeKey.stringKey("gen_ai.conversation.id");
    private static final AttributeKey<String> AGENT = AttributeKey.stringKey("gen_ai.agent.name");
    private static final AttributeKey<String> AGENT_VERSION = AttributeKey.stringKey("gen_ai.agent.version");
    private static final AttributeKey<String> REQUEST_MODEL = AttributeKey.stringKey("gen_ai.request.model");
    private static final AttributeKey<String> RESPONSE_MODEL = AttributeKey.stringKey("gen_ai.response.model");
    private static final AttributeKey<List<String>> FINISH =
            AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    private static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
    private static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");
    private static final AttributeKey<String> TOKEN_TYPE = AttributeKey.stringKey("gen_ai.token.type");
    private static final AttributeKey<String> TOOL = AttributeKey.stringKey("gen_ai.tool.name");
    private static final AttributeKey<String> TOOL_TYPE = AttributeKey.stringKey("gen_ai.tool.type");
    private static final AttributeKey<String> TOOL_CALL = AttributeKey.stringKey("gen_ai.tool.call.id");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
    private static final AttributeKey<String> TENANT = AttributeKey.stringKey("perdure.tenant");
    private static final AttributeKey<Long> TURN = AttributeKey.longKey("perdure.turn");
    private static final AttributeKey<Long> ATTEMPT = AttributeKey.longKey("perdure.attempt");
    private static final AttributeKey<Double> COST = AttributeKey.doubleKey("perdure.cost.usd");
    private static final AttributeKey<String> COST_SOURCE = AttributeKey.stringKey("perdure.cost.source");
    private static final AttributeKey<String> GATEWAY_CALL = AttributeKey.stringKey("perdure.gateway.call_id");
    private static final AttributeKey<Long> EVENTS = AttributeKey.longKey("perdure.events");
    private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("perdure.outcome");

    private final Tracer tracer;
    private final DoubleHistogram modelSeconds;
    private final LongHistogram tokens;
    private final DoubleHistogram turnSeconds;
    private final DoubleHistogram toolSeconds;
    private final DoubleHistogram appendSeconds;
    private final DoubleCounter cost;
    private final LongCounter takeovers;
    private final LongCounter inDoubt;
    private final LongCounter failedRuns;
    private final LongCounter regressions;
    private final LongCounter quarantines;

    public Telemetry(OpenTelemetry telemetry) {
        tracer = telemetry.getTracer(SCOPE);
        Meter meter = telemetry.getMeter(SCOPE);
        modelSeconds = seconds(meter, "gen_ai.client.operation.duration", "Duration of model calls");
        tokens = meter.histogramBuilder("gen_ai.client.token.usage")
                .ofLongs()
                .setUnit("{token}")
                .setDescription("Tokens of model calls")
                .build();
        turnSeconds = seconds(meter, "gen_ai.invoke_agent.duration", "Duration of one run of a turn");
        toolSeconds = seconds(meter, "gen_ai.execute_tool.duration", "Duration of tool calls");
        appendSeconds = seconds(meter, "perdure.append.duration", "Duration of commits to the session store");
        cost = meter.counterBuilder("perdure.cost")
                .ofDoubles()
                .setUnit("{USD}")
                .setDescription("Money spent on model calls")
                .build();
        takeovers =
                meter.counterBuilder("perdure.takeovers").setUnit("{session}").build();
        inDoubt =
                meter.counterBuilder("perdure.calls_in_doubt").setUnit("{call}").build();
        quarantines = meter.counterBuilder("perdure.quarantines")
                .setUnit("{session}")
                .setDescription("Sessions set aside for an operator")
                .build();
        regressions = meter.counterBuilder("perdure.store_regressions")
                .setUnit("{session}")
                .setDescription("Sessions whose store has lost acknowledged events")
                .build();
        failedRuns =
                meter.counterBuilder("perdure.failed_runs").setUnit("{run}").build();
    }

    private static DoubleHistogram seconds(Meter meter, String name, String description) {
        return meter.histogramBuilder(name)
                .setUnit("s")
                .setDescription(description)
                .build();
    }

    /** One measured piece of work. */
    static final class Timed implements AutoCloseable {
        private final Span span;
        private final Scope scope;
        private final DoubleHistogram histogram;
        private final AttributesBuilder attributes;
        private final long startedNanos = System.nanoTime();

        @SuppressWarnings("MustBeClosedChecker") // closed by close()
        private Timed(SpanBuilder builder, DoubleHistogram histogram, Attributes attributes) {
            this.span = builder.setAllAttributes(attributes).startSpan();
            this.scope = span.makeCurrent();
            this.histogram = histogram;
            this.attributes = attributes.toBuilder();
        }

        Span span() {
            return span;
        }

        void failed(String kind) {
            span.setAttribute(ERROR, kind);
            span.setStatus(StatusCode.ERROR);
            attributes.put(ERROR, kind);
        }

        void outcome(String outcome) {
            span.setAttribute(OUTCOME, outcome);
        }

        @Override
        public void close() {
            histogram.record((System.nanoTime() - startedNanos) / 1e9, attributes.build());
            scope.close();
            span.end();
        }
    }

    /** A run of a turn; linked to the turn's first run, whose {@code traceparent} the log holds. */
    Timed turn(SessionId session, String agent, String version, int turn, @Nullable String firstTrace) {
        SpanBuilder builder = tracer.spanBuilder("invoke_agent " + agent).setSpanKind(SpanKind.INTERNAL);
        SpanContext first = parse(firstTrace);
        if (first.isValid()) {
            builder.addLink(first);
        }
        builder.setAttribute(CONVERSATION, session.name())
                .setAttribute(AGENT_VERSION, version)
                .setAttribute(TURN, (long) turn);
        return new Timed(
                builder,
                turnSeconds,
                Attributes.of(
                        OPERATION,
                        "invoke_agent",
                        AGENT,
                        agent,
                        TENANT,
                        session.tenant().value()));
    }

    Timed chat(SessionId session, String agent, String provider, String model, int attempt) {
        SpanBuilder builder = tracer.spanBuilder("chat " + model).setSpanKind(SpanKind.CLIENT);
        builder.setAttribute(CONVERSATION, session.name()).setAttribute(ATTEMPT, (long) attempt);
        return new Timed(
                builder,
                modelSeconds,
                Attributes.of(
                        OPERATION,
                        "chat",
                        PROVIDER,
                        provider,
                        REQUEST_MODEL,
                        model,
                        AGENT,
                        agent,
                        TENANT,
                        session.tenant().value()));
    }

    void replied(Timed chat, Event.ModelReplied reply) {
        Span span = chat.span();
        span.setAttribute(RESPONSE_MODEL, reply.model());
        span.setAttribute(FINISH, List.of(reply.finishReason()));
        span.setAttribute(INPUT_TOKENS, reply.usage().input());
        span.setAttribute(OUTPUT_TOKENS, reply.usage().output());
        span.setAttribute(COST_SOURCE, reply.cost().source().name().toLowerCase(Locale.ROOT));
        if (reply.gatewayCallId() != null) {
            span.setAttribute(GATEWAY_CALL, reply.gatewayCallId());
        }
        Attributes by = chat.attributes.build();
        tokens.record(
                reply.usage().input(), by.toBuilder().put(TOKEN_TYPE, "input").build());
        tokens.record(
                reply.usage().output(), by.toBuilder().put(TOKEN_TYPE, "output").build());
        if (reply.cost().source() != Cost.Source.UNKNOWN) {
            span.setAttribute(COST, reply.cost().usd().doubleValue());
            cost.add(reply.cost().usd().doubleValue(), by);
        }
    }

    void failed(Timed chat, ModelException failure) {
        chat.failed(failure.kind().name().toLowerCase(Locale.ROOT));
        failure.findGatewayCallId().ifPresent(id -> chat.span().setAttribute(GATEWAY_CALL, id));
    }

    Timed tool(SessionId session, CallId call, String tool, int attempt, Context parent) {
        SpanBuilder builder = tracer.spanBuilder("execute_tool " + tool)
                .setSpanKind(SpanKind.INTERNAL)
                .setParent(parent)
                .setAttribute(CONVERSATION, session.name())
                .setAttribute(TOOL_CALL, call.value())
                .setAttribute(ATTEMPT, (long) attempt);
        return new Timed(
                builder,
                toolSeconds,
                Attributes.of(
                        OPERATION,
                        "execute_tool",
                        TOOL,
                        tool,
                        TOOL_TYPE,
                        "function",
                        TENANT,
                        session.tenant().value()));
    }

    Timed append(SessionId session, int events) {
        SpanBuilder builder = tracer.spanBuilder("perdure.append")
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(CONVERSATION, session.name())
                .setAttribute(EVENTS, (long) events);
        return new Timed(
                builder, appendSeconds, Attributes.of(TENANT, session.tenant().value()));
    }

    void takenOver(SessionId session) {
        takeovers.add(1, Attributes.of(TENANT, session.tenant().value()));
    }

    void regressed(SessionId session) {
        regressions.add(1, Attributes.of(TENANT, session.tenant().value()));
    }

    void quarantined(SessionId session) {
        quarantines.add(1, Attributes.of(TENANT, session.tenant().value()));
    }

    void doubted(SessionId session, String tool) {
        inDoubt.add(1, Attributes.of(TENANT, session.tenant().value(), TOOL, tool));
    }

    void runFailed(SessionId session, Throwable error) {
        failedRuns.add(
                1,
                Attributes.of(
                        TENANT,
                        session.tenant().value(),
                        ERROR,
                        error.getClass().getName()));
    }

    /** {@code traceparent} of the current span; null without one. */
    static @Nullable String currentTrace() {
        SpanContext context = Span.current().getSpanContext();
        return context.isValid()
                ? "00-" + context.getTraceId() + "-" + context.getSpanId() + "-"
                        + context.getTraceFlags().asHex()
                : null;
    }

    private static SpanContext parse(@Nullable String traceparent) {
        String[] fields = traceparent == null ? new String[0] : traceparent.split("-", -1);
        return fields.length != 4
                ? SpanContext.getInvalid()
                : SpanContext.createFromRemoteParent(
                        fields[1], fields[2], TraceFlags.fromHex(fields[3], 0), TraceState.getDefault());
    }

    /** For a turn that is open at the start of a run, where its spans are to be linked. */
    static @Nullable String firstTrace(TurnView turn, List<dev.perdure.session.Recorded> events) {
        Event event = events.get((int) turn.startedAt() - 1).event();
        return event instanceof Event.TurnStarted started ? started.trace() : null;
    }
}

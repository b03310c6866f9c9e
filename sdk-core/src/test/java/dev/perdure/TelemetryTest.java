package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an operator sees of a run, and that no content is in it. */
@Timeout(30)
class TelemetryTest {
    private static final String SECRET = "s3cret-content";

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final InMemoryMetricReader metrics = InMemoryMetricReader.create();
    private final OpenTelemetrySdk telemetry = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .setMeterProvider(
                    SdkMeterProvider.builder().registerMetricReader(metrics).build())
            .build();

    @AfterEach
    void stop() {
        telemetry.close();
    }

    private Outcome run(Agent agent) {
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).telemetry(telemetry).build()) {
            return Sessions.await(runtime.open(id, "a").send(SECRET));
        }
    }

    private SpanData span(String name) {
        return spans.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no span " + name + " in " + spans.getFinishedSpanItems()));
    }

    private static String attribute(SpanData span, String key) {
        return span.getAttributes().get(AttributeKey.stringKey(key));
    }

    private Agent agent() {
        return Agent.builder("a")
                .version("7")
                .model(FakeModel.steps(calls(call("t", "{\"x\":\"" + SECRET + "\"}")), text(SECRET)))
                .tool(Tool.pure("t", SECRET, Json.class, (in, call) -> SECRET))
                .build();
    }

    @Test
    void spans_haveTheNamesAndAttributesOfTheConventions_andOneTree() {
        run(agent());

        SpanData turn = span("invoke_agent a");
        assertThat(turn.getKind()).isEqualTo(SpanKind.INTERNAL);
        assertThat(attribute(turn, "gen_ai.operation.name")).isEqualTo("invoke_agent");
        assertThat(attribute(turn, "gen_ai.agent.name")).isEqualTo("a");
        assertThat(attribute(turn, "gen_ai.agent.version")).isEqualTo("7");
        assertThat(attribute(turn, "gen_ai.conversation.id")).isEqualTo("s");
        assertThat(attribute(turn, "perdure.tenant")).isEqualTo("acme");
        assertThat(attribute(turn, "perdure.outcome")).isEqualTo("DONE");
        SpanData chat = span("chat unknown");
        assertThat(chat.getKind()).isEqualTo(SpanKind.CLIENT);
        assertThat(attribute(chat, "gen_ai.operation.name")).isEqualTo("chat");
        assertThat(attribute(chat, "gen_ai.provider.name")).isEqualTo("unknown");
        assertThat(attribute(chat, "gen_ai.response.model")).isEqualTo("fake");
        assertThat(chat.getAttributes().get(AttributeKey.longKey("gen_ai.usage.input_tokens")))
                .isEqualTo(10);
        assertThat(chat.getAttributes().get(AttributeKey.longKey("gen_ai.usage.output_tokens")))
                .isEqualTo(5);
        SpanData tool = span("execute_tool t");
        assertThat(tool.getKind()).isEqualTo(SpanKind.INTERNAL);
        assertThat(attribute(tool, "gen_ai.tool.name")).isEqualTo("t");
        assertThat(attribute(tool, "gen_ai.tool.call.id")).endsWith("/0");
        assertThat(attribute(tool, "error.type")).isNull();
        for (SpanData child : List.of(chat, tool)) {
            assertThat(child.getParentSpanId()).isEqualTo(turn.getSpanId());
        }
    }

    @Test
    void nothingThatWasSaid_isInSpansOrMetrics() {
        run(agent());
        assertThat(spans.getFinishedSpanItems().toString()).doesNotContain(SECRET);
        assertThat(metrics.collectAllMetrics().toString()).doesNotContain(SECRET);
    }

    @Test
    void metrics_answerAnOperatorsQuestions() {
        run(agent());
        assertThat(metrics.collectAllMetrics())
                .extracting(MetricData::getName)
                .contains(
                        "gen_ai.client.operation.duration",
                        "gen_ai.client.token.usage",
                        "gen_ai.invoke_agent.duration",
                        "gen_ai.execute_tool.duration",
                        "perdure.append.duration",
                        "perdure.cost");
    }

    @Test
    void errors_haveTheirType_onEverySpanThatFailed() {
        Agent agent = Agent.builder("a")
                .model(new FakeModel(request -> {
                    if (FakeModel.step(request) == 0) {
                        return calls(call("t", "{}"));
                    }
                    throw ModelException.of(ModelException.Kind.AUTH, SECRET);
                }))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                    throw new IllegalStateException(SECRET);
                }))
                .build();
        assertThat(run(agent)).isInstanceOf(Outcome.Failed.class);
        assertThat(attribute(span("execute_tool t"), "error.type")).isEqualTo("error");
        assertThat(attribute(span("invoke_agent a"), "error.type")).isEqualTo("auth");
        assertThat(spans.getFinishedSpanItems().stream()
                        .filter(span -> span.getName().startsWith("chat"))
                        .map(span -> attribute(span, "error.type")))
                .containsExactlyInAnyOrder(null, "auth");
        assertThat(spans.getFinishedSpanItems().toString()).doesNotContain(SECRET);
    }

    @Test
    void resumedTurn_isATraceOfItsOwn_linkedToTheFirst() {
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ok").approval(Approval.required()))
                .build();
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).telemetry(telemetry).build()) {
            Turn turn = runtime.open(id, "a").send("hi");
            Outcome.Waiting waiting = Sessions.await(turn).findWaiting().orElseThrow();
            runtime.operator().answer(waiting.questions().get(0).id(), Answer.accept(""), Actor.user("ann"));
            Sessions.await(turn);
        }
        List<SpanData> turns = spans.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals("invoke_agent a"))
                .toList();
        assertThat(turns).hasSize(2);
        assertThat(turns.get(1).getTraceId()).isNotEqualTo(turns.get(0).getTraceId());
        assertThat(turns.get(1).getLinks())
                .singleElement()
                .satisfies(link -> assertThat(link.getSpanContext().getSpanId())
                        .isEqualTo(turns.get(0).getSpanId()));
    }

    @Test
    void listeners_areCalledAfterTheCommit_inOrder_andTheirErrorsAreHarmless() {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        RuntimeListener first = new RuntimeListener() {
            @Override
            public void onEvent(SessionId session, Recorded event) {
                assertThat(Sessions.log(store, session)).contains(event);
                heard.add("1 " + event.event().type());
                throw new AssertionError("broken listener");
            }
        };
        RuntimeListener second = new RuntimeListener() {
            @Override
            public void onEvent(SessionId session, Recorded event) {
                heard.add("2 " + event.event().type());
                throw new IllegalStateException("broken listener");
            }

            @Override
            public void onClaimed(SessionId session, long fence, boolean takenOver) {
                heard.add("claimed " + takenOver);
            }
        };
        Agent agent = Agent.builder("a").model(FakeModel.steps(text("x"))).build();
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent)
                .listener(first.andThen(second))
                .build()) {
            assertThat(Sessions.await(runtime.open(id, "a").send("hi"))).isInstanceOf(Outcome.Done.class);
        }
        assertThat(heard)
                .containsExactly(
                        "claimed false",
                        "1 TurnStarted",
                        "2 TurnStarted",
                        "1 InputReceived",
                        "2 InputReceived",
                        "1 ModelReplied",
                        "2 ModelReplied",
                        "1 TurnEnded",
                        "2 TurnEnded");
        assertThat(Sessions.count(store, id, Event.TurnEnded.class)).isEqualTo(1);
    }
}

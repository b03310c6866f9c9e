package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolMethod;
import dev.perdure.tool.ToolResult;
import dev.perdure.tool.Toolbox;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a tool gets, what comes of it, and what the model sees. */
@Timeout(30)
class ToolCallsTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");

    record City(String city, Optional<Integer> days) {}

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    private Event.ToolFinished result(String name, String arguments, Tool... tools) {
        LlmAgent.Builder builder =
                Agent.builder("a").model(FakeModel.steps(calls(call(name, arguments)), text("done")));
        for (Tool tool : tools) {
            builder.tool(tool);
        }
        try (AgentRuntime runtime = AgentRuntime.open(store, builder.build())) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("done");
        }
        return Sessions.events(store, id, Event.ToolFinished.class).get(0);
    }

    private Event.ToolFinished returning(Tool.Body<Json> body) {
        return result("t", "{}", Tool.pure("t", "", Json.class, body));
    }

    private static Tool weather() {
        return Tool.pure(
                "weather",
                "",
                City.class,
                (in, call) -> in.city() + in.days().map(d -> " " + d).orElse(""));
    }

    @Test
    void unknownTool_isAnErrorThatNamesThoseThereAre() {
        Event.ToolFinished result = result("wether", "{}", weather());
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.ERROR);
        assertThat(result.output()).contains("wether").contains("weather");
    }

    @Test
    void argumentsThatAreNoJson_goBackToTheModel() {
        Event.ToolFinished result = result("weather", "{nonsense", weather());
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.ERROR);
        assertThat(result.attempt()).isZero();
        assertThat(result.output()).contains("not JSON");
    }

    @Test
    void missingField_isNamed() {
        assertThat(result("weather", "{\"days\":1}", weather()).output()).contains("missing: city");
    }

    @Test
    void optionalField_mayBeLeftOut() {
        assertThat(result("weather", "{\"city\":\"Rome\"}", weather()).output()).isEqualTo("Rome");
    }

    @Test
    void exception_isAnErrorWithItsMessage() {
        Event.ToolFinished result = returning((in, call) -> {
            throw new java.io.IOException("disk full");
        });
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.ERROR);
        assertThat(result.output()).contains("IOException").contains("disk full");
    }

    @Test
    void nullResult_isDone() {
        assertThat(returning((in, call) -> null).output()).isEqualTo("done");
    }

    @Test
    void recordResult_isItsJson() {
        assertThat(returning((in, call) -> new City("Rome", Optional.of(2))).output())
                .isEqualTo("{\"city\":\"Rome\",\"days\":2}");
    }

    @Test
    void errorResult_isAnError() {
        Event.ToolFinished result = returning((in, call) -> ToolResult.error("no such order"));
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.ERROR);
        assertThat(result.output()).isEqualTo("no such order");
    }

    @Test
    void resultWithoutJsonForm_isAnError() {
        assertThat(returning((in, call) -> new Object() {
                            @SuppressWarnings("unused")
                            public Object getSelf() {
                                return this;
                            }
                        })
                        .outcome())
                .isEqualTo(Event.CallOutcome.ERROR);
    }

    @Test
    void largeResult_isKeptBesideTheLog_withAPreview() {
        String large = "é".repeat(500_000);
        Event.ToolFinished result = returning((in, call) -> large);
        assertThat(result.output()).hasSizeLessThan(10_000).contains("cut");
        assertThat(result.full()).isNotNull();
        assertThat(store.blobs().find(id, result.full()).orElseThrow())
                .isEqualTo(large.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void errorsOfTheJvm_areErrorsOfTheCall() {
        for (Error error : new Error[] {new AssertionError("a"), new StackOverflowError("b"), new Error("c")}) {
            SessionId own = SessionId.of("acme", error.getMessage());
            Agent agent = Agent.builder("a")
                    .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                    .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                        throw error;
                    }))
                    .build();
            try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
                Outcome outcome = Sessions.await(runtime.open(own, "a").send("hi"));
                assertThat(outcome).as(error.toString()).isInstanceOf(Outcome.Done.class);
            }
        }
    }

    @Test
    void toolThatTakesTooLong_timesOut() {
        CountDownLatch never = new CountDownLatch(1);
        Event.ToolFinished result = result(
                "t",
                "{}",
                Tool.pure("t", "", Json.class, (in, call) -> {
                            never.await();
                            return "never";
                        })
                        .timeout(Duration.ofMillis(30)));
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.TIMED_OUT);
        assertThat(result.output()).contains("30 ms");
    }

    @Test
    void onceToolThatTakesTooLong_isADoubt_notAnError() {
        CountDownLatch never = new CountDownLatch(1);
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.once("t", "", Json.class, (in, call) -> {
                            never.await();
                            return "never";
                        })
                        .noProbe()
                        .timeout(Duration.ofMillis(30)))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            assertThat(outcome.findWaiting().orElseThrow().questions()).hasSize(1);
            assertThat(runtime.operator().questions(TenantId.of("acme"))).hasSize(1);
        }
    }

    /** Public, as a user's would be. */
    public static final class Math {
        @ToolMethod(value = "Adds", effect = Effect.PURE)
        public int add(int a, int b, Optional<Integer> c, ToolCall call) {
            assertThat(call.attempt()).isEqualTo(1);
            return a + b + c.orElse(0);
        }

        @ToolMethod(value = "Fails", name = "boom", effect = Effect.IDEMPOTENT)
        public void fail() throws Exception {
            throw new Exception("as asked");
        }
    }

    @Test
    void annotatedMethods_areTools() {
        Tool[] tools = Toolbox.from(new Math()).tools().toArray(new Tool[0]);
        assertThat(result("add", "{\"a\":1,\"b\":2}", tools).output()).isEqualTo("3");
    }

    @Test
    void annotatedMethod_withItsOptionalParameter() {
        Tool[] tools = Toolbox.from(new Math()).tools().toArray(new Tool[0]);
        assertThat(result("add", "{\"a\":1,\"b\":2,\"c\":4}", tools).output()).isEqualTo("7");
    }

    @Test
    void annotatedMethodThatThrows_isAnErrorWithItsOwnMessage() {
        Tool[] tools = Toolbox.from(new Math()).tools().toArray(new Tool[0]);
        assertThat(result("boom", "", tools).output()).contains("as asked").doesNotContain("InvocationTarget");
    }

    @Test
    void jsonInput_withASchemaOfItsOwn_isCheckedForWhatIsRequired() {
        Tool tool = Tool.pure(
                        "t", "", Json.class, (in, call) -> in.findText("q").orElseThrow())
                .schema(Json.parse(
                        "{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"string\"}},\"required\":[\"q\"]}"));
        assertThat(result("t", "{}", tool).output()).contains("missing: q");
    }

    @Test
    void artifacts_areDurableWhenSaved_versioned_andTheSameContentIsNotSavedTwice() {
        Event.ToolFinished result = returning((in, call) -> {
            byte[] one = {1};
            Event.ArtifactSaved first = call.saveArtifact("report", "text/plain", one);
            assertThat(Sessions.events(store, id, Event.ArtifactSaved.class)).containsExactly(first);
            Event.ArtifactSaved same = call.saveArtifact("report", "text/plain", one);
            Event.ArtifactSaved next = call.saveArtifact("report", "text/plain", new byte[] {2});
            return Map.of("first", first.version(), "same", same.version(), "next", next.version());
        });
        Json versions = Json.parse(result.output());
        assertThat(versions.find("same").orElseThrow().text()).isEqualTo("1");
        assertThat(versions.find("next").orElseThrow().text()).isEqualTo("2");
        assertThat(Sessions.count(store, id, Event.ArtifactSaved.class)).isEqualTo(2);
        assertThat(Operator.of(store).findArtifact(id, "report")).contains(new byte[] {2});
    }

    @Test
    void unknownSandbox_isAnErrorThatSaysWhatToDo() {
        assertThat(returning((in, call) -> call.sandbox()).output()).contains("has no sandbox");
    }

    @Test
    void twoToolsOfOneName_areRefused() {
        assertThatThrownBy(() -> Agent.builder("a")
                        .model(FakeModel.steps(text("x")))
                        .tool(weather())
                        .tool(weather())
                        .build())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void onceToolWhoseProbeHangsToo_isAskedAboutInTime() {
        CountDownLatch never = new CountDownLatch(1);
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.once("t", "", Json.class, (in, call) -> {
                            never.await();
                            return "never";
                        })
                        .probe(key -> {
                            never.await();
                            return Probe.unknown();
                        })
                        .timeout(Duration.ofMillis(30)))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("hi"));
            assertThat(outcome.findWaiting().orElseThrow().questions()).hasSize(1);
        }
    }

    record Checked(String order) {
        Checked {
            throw new AssertionError("order " + order);
        }
    }

    @Test
    void argumentsWhoseOwnCheckBreaks_areWarnedOf_withoutBeingQuoted() {
        Tool tool = Tool.pure("t", "", Checked.class, (in, call) -> "ran");
        AtomicReference<Event.ToolFinished> result = new AtomicReference<>();
        String logged = Logged.during(() -> result.set(result("t", "{\"order\":\"4711\"}", tool)));

        assertThat(logged).contains("WARN", "tool t", "AssertionError").doesNotContain("4711");
        assertThat(result.get().output()).contains("cannot be used", "4711");
    }

    record Deep(String value) {
        Deep {
            if (value.length() > 1) {
                throw new StackOverflowError();
            }
        }
    }

    @Test
    void argumentsThatOverflowTheStackOfTheirCheck_goBackToTheModel() {
        Tool tool = Tool.pure("t", "", Deep.class, (in, call) -> "ran");
        Event.ToolFinished result = result("t", "{\"value\":\"abab\"}", tool);
        assertThat(result.outcome()).isEqualTo(Event.CallOutcome.ERROR);
        assertThat(result.output()).contains("cannot be used", "StackOverflowError");
    }

    @Test
    void bodyThatBlocksInWhatItRegistered_doesNotKeepOthersFromTimingOut() {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(1);
        SessionId other = SessionId.of("acme", "other");
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                            if (call.session().equals(other)) {
                                call.interruption().onRequest(() -> {
                                    blocked.countDown();
                                    Sessions.await(never);
                                });
                            }
                            never.await();
                            return "never";
                        })
                        .timeout(Duration.ofMillis(30)))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            runtime.open(other, "a").send("hi");
            Sessions.await(blocked);
            assertThat(Sessions.await(runtime.open(id, "a").send("hi"))).isInstanceOf(Outcome.Done.class);
            never.countDown();
        }
    }
}

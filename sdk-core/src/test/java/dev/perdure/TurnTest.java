package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TurnTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");

    private static List<String> types(AgentSession session) {
        return session.history().stream().map(Recorded::event).map(Event::type).toList();
    }

    @Test
    void turnWithoutTools_endsWithTheModelsAnswer_inTwoCommits() {
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(FakeModel.text("hello there")))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            StringBuilder text = new StringBuilder();

            Outcome outcome = session.send("hi", TurnListener.text(text::append))
                    .await(Duration.ofSeconds(10))
                    .orElseThrow();

            assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("hello there");
            assertThat(text).hasToString("hello there");
            assertThat(types(session))
                    .containsExactly("SessionOpened", "TurnStarted", "InputReceived", "ModelReplied", "TurnEnded");
        }
    }

    @Test
    void toolStep_writesIntentsWithTheReply_andEachResultOnce() {
        AtomicInteger ran = new AtomicInteger();
        record In(String city) {}
        Tool weather = Tool.pure("weather", "Weather", In.class, (in, call) -> {
            ran.incrementAndGet();
            return "sunny in " + in.city();
        });
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(
                        FakeModel.calls(
                                FakeModel.call("weather", "{\"city\":\"Rome\"}"),
                                FakeModel.call("weather", "{\"town\":\"Rome\"}"),
                                FakeModel.call("nope", "{}"),
                                FakeModel.call("weather", "{nonsense")),
                        FakeModel.text("done")))
                .tool(weather)
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");

            Outcome outcome = session.send("hi").await(Duration.ofSeconds(10)).orElseThrow();

            assertThat(outcome).isInstanceOf(Outcome.Done.class);
            assertThat(ran).hasValue(1);
        }
    }
}

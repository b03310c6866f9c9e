package dev.perdure.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Limits;
import dev.perdure.model.Message;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.Usage;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Tool;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Where in a log a worker that died leaves a model call behind. */
class LostCallTest {
    private static final SessionId ID = SessionId.of("acme", "s");

    /** Calls its tool once, then is done. */
    private static final ModelClient MODEL = (request, scope) -> {
        boolean called = request.messages().stream().anyMatch(Message.ToolResult.class::isInstance);
        Part part = called ? new Part.Text("done") : new Part.ToolUse("c1", "pay", "{}");
        return new ModelReply(
                List.of(part), called ? "stop" : "tool_calls", Usage.of(1, 1), Cost.UNKNOWN, "m", null, null);
    };

    private static Agent agent(Limits limits) {
        return Agent.builder("a")
                .model(MODEL)
                .tool(Tool.pure("pay", "", Json.class, (in, call) -> "paid"))
                .limits(limits)
                .build();
    }

    private static List<Recorded> log() {
        try (AgentRuntime runtime = AgentRuntime.open(InMemorySessionStore.create(), agent(Limits.none()))) {
            AgentSession session = runtime.open(ID, "a");
            session.send("hi").await();
            return session.history();
        }
    }

    /** Types of the events after which a worker may leave a call behind. */
    private static List<String> leftBehindAfter(Agent agent) {
        List<Recorded> log = log();
        return IntStream.rangeClosed(1, log.size())
                // No log ends with it: its input is in the same commit.
                .filter(end -> !log.get(end - 1).event().type().equals("TurnStarted"))
                .filter(end -> LostCall.find(SessionView.of(ID, log.subList(0, end)), agent)
                        .isPresent())
                .mapToObj(end -> log.get(end - 1).event().type())
                .toList();
    }

    @Test
    void callIsLeftBehind_whereTheAgentWantedOneNext() {
        assertThat(leftBehindAfter(agent(Limits.none()))).containsExactly("InputReceived", "ToolFinished");
    }

    @Test
    void whereALimitAllowsNoMoreCalls_noneIsLeftBehind() {
        assertThat(leftBehindAfter(agent(Limits.none().steps(1)))).containsExactly("InputReceived");
    }
}

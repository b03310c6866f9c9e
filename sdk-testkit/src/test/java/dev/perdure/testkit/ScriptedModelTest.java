package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ScriptedModelTest extends ModelClientContract {
    private static final Duration LONG = Duration.ofMinutes(2);
    private ScriptedModel model = ScriptedModel.replies("unused");

    @Override
    protected ModelClient clientOf(Peer peer) {
        model = ScriptedModel.answering(request -> step(peer, request));
        return model;
    }

    @Override
    protected int requestsSeen() {
        return model.requests().size();
    }

    private static Step step(Peer peer, ModelRequest request) {
        return switch (peer) {
            case ANSWERS -> Step.text(TEXT);
            case CALLS_TOOLS ->
                results(request).isEmpty()
                        ? Step.call("add", Map.of("a", 1, "b", 2)).andCall("add", "{\"a\":3,\"b\":4}")
                        : Step.text(results(request));
            case ECHOES -> Step.text(lastText(request));
            case NEVER_ANSWERS -> Step.text("too late").after(LONG);
            case STALLS -> Step.text("first words").wordsEvery(LONG);
            case REFUSES_KEY -> Step.failure(Kind.AUTH);
            case FAILS -> Step.failure(Kind.UNAVAILABLE);
        };
    }

    private static String results(ModelRequest request) {
        return request.messages().stream()
                .filter(Message.ToolResult.class::isInstance)
                .map(message -> ((Message.ToolResult) message).output())
                .collect(Collectors.joining(" "));
    }

    private static String lastText(ModelRequest request) {
        Message.User user =
                (Message.User) request.messages().get(request.messages().size() - 1);
        return ((Part.Text) user.parts().get(0)).text();
    }

    @Test
    void replies_comeInOrder_andThenNoMore() {
        ScriptedModel inOrder = ScriptedModel.replies("one", "two");

        assertThat(inOrder.call(request(0), scope()).text()).isEqualTo("one");
        assertThat(inOrder.call(request(0), scope()).text()).isEqualTo("two");
        assertThatThrownBy(() -> inOrder.call(request(0), scope()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("2 steps");
        assertThat(inOrder.requests()).hasSize(3);
    }

    @Test
    void steps_giveTheSameRequestTheSameAnswer_inAnyOrder_byAnyInstance() {
        List<Step> script = List.of(Step.call("look", Map.of("at", "door")), Step.text("done"));
        ModelReply first = ScriptedModel.steps(script).call(request(0), scope());

        assertThat(ScriptedModel.steps(script).call(request(1), scope()).text()).isEqualTo("done");
        assertThat(ScriptedModel.steps(script).call(request(0), scope())).isEqualTo(first);
        assertThat(first.parts()).containsExactly(new Part.ToolUse("call_0_0", "look", "{\"at\":\"door\"}"));
    }

    @Test
    void cost_isSettable() {
        ModelReply reply = ScriptedModel.replies("x").cost("0.25").call(request(0), scope());

        assertThat(reply.cost().usd()).isEqualByComparingTo("0.25");
    }

    private static ModelRequest request(int replies) {
        List<Message> messages = new ArrayList<>();
        messages.add(new Message.User(List.of(new Part.Text("go"))));
        for (int i = 0; i < replies; i++) {
            messages.add(new Message.Assistant(List.of(new Part.Text("earlier"))));
        }
        return ModelRequest.of("", messages, List.of());
    }

    private static CallScope scope() {
        return new CallScope(
                SessionId.of("t", "s"),
                1,
                "call",
                Duration.ofSeconds(5),
                Interruption.never(),
                Map.of(),
                null,
                CallScope.Deltas.UNWANTED);
    }
}

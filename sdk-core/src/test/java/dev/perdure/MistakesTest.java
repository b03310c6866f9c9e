package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Json;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A caller's mistake is named where it is made. */
@Timeout(30)
class MistakesTest {
    private static final Actor ANN = Actor.user("ann");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final Tool look = Tool.pure("look", "", Json.class, (in, call) -> "ok");
    private final Agent agent =
            Agent.builder("a").model(FakeModel.steps(FakeModel.text("done"))).build();
    private final AgentRuntime runtime = AgentRuntime.open(store, agent);
    private final Operator operator = Operator.of(store);

    @AfterEach
    void close() {
        runtime.close();
    }

    @Test
    void null_isNamed() {
        AgentSession session = runtime.open(id, "a");
        QuestionId question = new QuestionId(id, "c/0");
        Map<String, ThrowingCallable> named = Map.ofEntries(
                Map.entry("name", () -> Agent.builder(null)),
                Map.entry("usd", () -> Limits.none().usd(null)),
                Map.entry("idempotency key", () -> Input.text("x").key(null)),
                Map.entry("mediaType", () -> Input.text("x").file("f", null, new byte[0])),
                Map.entry("content", () -> Input.text("x").file("f", "text/plain", null)),
                Map.entry("lease", () -> AgentRuntime.builder(store).lease(null)),
                Map.entry("timeout", () -> look.timeout(null)),
                Map.entry("agent", () -> AgentRuntime.open(store, (Agent) null)),
                Map.entry("agent ", () -> runtime.open(id, null)),
                Map.entry("input", () -> Tool.pure("t", "", (Class<Json>) null, (in, call) -> "ok")),
                Map.entry("listener", () -> session.send("x", (TurnListener) null)),
                Map.entry("answer", () -> operator.answer(question, null, ANN)));
        named.forEach((name, mistake) ->
                assertThatNullPointerException().isThrownBy(mistake).withMessage(name.strip()));
        assertThat(session.history()).hasSize(1);
    }

    @Test
    void toolGivenToTools_isSentToTool() {
        for (Object given : List.of(look, List.of(look))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Agent.builder("a").tools(given))
                    .withMessageContaining("use tool(");
        }
    }

    @Test
    void inDoubt_ofAToolThatNeverIs_namesTheKindThatMayBe() {
        assertThatIllegalStateException()
                .isThrownBy(() -> look.inDoubt(InDoubt.FAIL))
                .withMessageContaining("look is PURE")
                .withMessageContaining("Tool.once(");
    }

    @Test
    void leaseThatIsTooShort_isToldTheLeastInMilliseconds() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AgentRuntime.builder(store).lease(Duration.ofMillis(1)))
                .withMessageContaining("at least 100 ms");
    }

    @Test
    void closedRuntime_opensNoSession() {
        runtime.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> runtime.open(id, "a"))
                .withMessageContaining("closed");
        assertThat(operator.find(id)).isEmpty();
    }

    @Test
    void operatorsVerb_onASessionThatIsNotThere_namesIt() {
        SessionId deleted = SessionId.of("acme", "deleted");
        runtime.open(deleted, "a").delete();
        for (SessionId missing : List.of(id, deleted)) {
            List<ThrowingCallable> verbs = List.of(
                    () -> operator.end(missing, "over", ANN),
                    () -> operator.interrupt(missing, "stop", ANN),
                    () -> operator.resume(missing, ANN));
            verbs.forEach(verb ->
                    assertThatIllegalArgumentException().isThrownBy(verb).withMessageContaining(missing.toString()));
        }
    }

    @Test
    void answerToAQuestionThatNeverWas_isTooLate() {
        assertThat(operator.answer(new QuestionId(id, "c/0"), Answer.accept(""), ANN))
                .isEqualTo(Operator.Answered.TOO_LATE);
    }
}

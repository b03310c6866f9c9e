package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.Message;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.TenantId;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What needs a human's word. */
@Timeout(30)
class QuestionsTest {
    private static final Actor ANN = Actor.user("ann");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final List<String> ran = Collections.synchronizedList(new ArrayList<>());
    private final FakeModel model = FakeModel.steps(
            calls(call("refund", "{\"cents\":100}"), call("look", "{}"), call("refund", "{\"cents\":200}")),
            text("done"));
    private final Operator operator = Operator.of(store);
    private AgentRuntime runtime;
    private AgentSession session;
    private Turn turn;

    @BeforeEach
    void start() {
        Tool.Body<Json> body = (in, call) -> {
            ran.add(in.text());
            return "ok";
        };
        runtime = Sessions.quick(
                        store,
                        Agent.builder("a")
                                .model(model)
                                .tool(Tool.idempotent("refund", "", Json.class, body)
                                        .approval(Approval.required()))
                                .tool(Tool.pure("look", "", Json.class, body))
                                .build())
                .build();
        session = runtime.open(id, "a");
        turn = session.send("hi");
    }

    @AfterEach
    void stop() {
        runtime.close();
        LogRules.check(Sessions.log(store, id));
    }

    private List<Question> waiting() {
        return Sessions.await(turn).findWaiting().orElseThrow().questions();
    }

    private List<String> results() {
        return model.requests.get(model.requests.size() - 1).messages().stream()
                .filter(Message.ToolResult.class::isInstance)
                .map(message -> ((Message.ToolResult) message).output())
                .toList();
    }

    @Test
    void editWithAnythingButAnObject_isRefusedAtOnce() {
        assertThatThrownBy(() -> Answer.edit(Json.parse("[5]"), "less"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ARRAY");
        assertThatThrownBy(() -> Answer.edit(Json.of("{}"), "less"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("STRING");
    }

    @Test
    void callsThatNeedNoApproval_runWhileOthersWait() {
        assertThat(waiting()).hasSize(2).allMatch(question -> question.kind() == Question.Kind.APPROVAL);

        assertThat(ran).containsExactly("{}");
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.WAITING);
    }

    @Test
    void twoQuestions_answeredOneByOne() {
        List<Question> questions = waiting();
        operator.answer(questions.get(1).id(), Answer.accept("fine"), ANN);
        assertThat(waiting()).hasSize(1);
        assertThat(ran).containsExactly("{}", "{\"cents\":200}");

        operator.answer(questions.get(0).id(), Answer.deny("too early"), ANN);

        assertThat(Sessions.await(turn).findDone()).isPresent();
        assertThat(ran).hasSize(2);
        assertThat(results()).containsExactly("not allowed by user ann: too early", "ok", "ok");
    }

    @Test
    void editedCall_runsWithTheEdit_andTheModelIsTold() {
        List<Question> questions = waiting();
        operator.answer(questions.get(0).id(), Answer.edit(Json.parse("{\"cents\":5}"), "less"), ANN);
        operator.answer(questions.get(1).id(), Answer.accept(""), ANN);

        Outcome next = Sessions.await(turn);
        if (next instanceof Outcome.Waiting) {
            next = Sessions.await(turn);
        }
        assertThat(next.findDone()).isPresent();
        assertThat(ran).contains("{\"cents\":5}").doesNotContain("{\"cents\":100}");
        assertThat(results().get(0))
                .startsWith("[a human changed the arguments to {\"cents\":5}]")
                .endsWith("ok");
        Event.QuestionAnswered answered =
                Sessions.events(store, id, Event.QuestionAnswered.class).get(0);
        assertThat(answered.by()).isEqualTo(ANN);
    }

    @Test
    void questionAnsweredTwice_theFirstCounts() {
        Question question = waiting().get(0);
        assertThat(operator.answer(question.id(), Answer.deny("no"), ANN)).isEqualTo(Operator.Answered.ACCEPTED);
        assertThat(operator.answer(question.id(), Answer.accept("yes"), Actor.user("bob")))
                .isEqualTo(Operator.Answered.TOO_LATE);
        assertThat(waiting()).hasSize(1);
        assertThat(operator.answer(question.id(), Answer.accept("yes"), Actor.user("bob")))
                .isEqualTo(Operator.Answered.TOO_LATE);
        assertThat(ran).containsExactly("{}");
    }

    @Test
    void wrongKindOfAnswer_isRefusedWithWhatFits() {
        Question question = waiting().get(0);
        assertThatThrownBy(() -> operator.answer(question.id(), Answer.happened("x", ""), ANN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("accept, edit or deny");
        assertThat(operator.questions(TenantId.of("acme"))).hasSize(2);
        assertThat(operator.questions(TenantId.of("other"))).isEmpty();
    }

    @Test
    void answerOfALaterVersion_countsAsTheCarefulOne() {
        Question question = waiting().get(0);
        store.post(
                id,
                new dev.perdure.spi.SessionStore.Post(
                        "answer:" + question.id().key(),
                        Event.InputKind.ANSWER,
                        ANN,
                        Json.parse("{\"question\":\"" + question.id().key()
                                + "\",\"answer\":{\"type\":\"Delegate\",\"to\":\"bob\"}}")));

        assertThat(waiting()).hasSize(1);
        assertThat(Sessions.events(store, id, Event.ToolFinished.class))
                .anyMatch(result -> result.outcome() == Event.CallOutcome.DENIED);
    }

    @Test
    void inputWhileAQuestionIsOpen_queues_andItsSenderIsToldOfTheQuestion() {
        List<Question> questions = waiting();
        Turn second = session.send(Input.text("and?").key("k2"));

        assertThat(Sessions.await(second).findWaiting().orElseThrow().questions())
                .containsExactlyElementsOf(questions);

        questions.forEach(question -> operator.answer(question.id(), Answer.deny(""), ANN));
        assertThat(done(turn).text()).isEqualTo("done");
        // The model's script counts steps from the newest input, so the second turn asks again.
        Outcome outcome = Sessions.await(second);
        assertThat(outcome).isInstanceOf(Outcome.Waiting.class);
    }

    private static Outcome.Done done(Turn turn) {
        for (int i = 0; i < 5; i++) {
            Outcome outcome = Sessions.await(turn);
            if (outcome instanceof Outcome.Done done) {
                return done;
            }
            assertThat(outcome).isInstanceOf(Outcome.Waiting.class);
        }
        throw new AssertionError("waits again and again");
    }

    @Test
    void interruptWhileAQuestionIsOpen_leavesAValidLog_andTheSessionGoesOn() {
        Question question = waiting().get(0);
        operator.interrupt(id, "never mind", ANN);

        assertThat(Sessions.await(turn)).isEqualTo(new Outcome.Interrupted("never mind"));
        assertThat(operator.questions(TenantId.of("acme"))).isEmpty();
        assertThat(operator.answer(question.id(), Answer.accept(""), ANN)).isEqualTo(Operator.Answered.TOO_LATE);
        assertThat(ran).containsExactly("{}");

        Outcome next = Sessions.await(session.send("again"));
        assertThat(next).isInstanceOf(Outcome.Waiting.class);
    }

    @Test
    void argumentsThatCannotRun_areNotWorthAHumansTime() {
        waiting();
        operator.interrupt(id, "x", ANN);
        Sessions.await(turn);
        record Typed(int cents) {}
        Agent agent = Agent.builder("b")
                .model(FakeModel.steps(calls(call("typed", "{\"cents\":\"many\"}")), text("sorry")))
                .tool(Tool.pure("typed", "", Typed.class, (in, call) -> "ok").approval(Approval.required()))
                .build();
        SessionId other = SessionId.of("acme", "t");
        try (AgentRuntime second = AgentRuntime.open(store, agent)) {
            assertThat(Sessions.await(second.open(other, "b").send("hi")).findDone())
                    .isPresent();
        }
        assertThat(Sessions.count(store, other, Event.QuestionAsked.class)).isZero();
    }
}

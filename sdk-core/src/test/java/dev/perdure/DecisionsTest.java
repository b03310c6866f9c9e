package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Tool;
import dev.perdure.tool.Toolbox;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Agents of one's own: every decision, and nonsense. */
@Timeout(30)
class DecisionsTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final List<String> ran = Collections.synchronizedList(new ArrayList<>());
    private final Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
        ran.add(in.text());
        return "ok";
    });

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    private Agent agent(String name, ModelClient model, Function<SessionView, Decision> next) {
        return new Agent() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Decision next(SessionView view) {
                return next.apply(view);
            }

            @Override
            public ModelClient model() {
                return model;
            }

            @Override
            public Toolbox tools() {
                return Toolbox.of(tool);
            }
        };
    }

    private Agent agent(Function<SessionView, Decision> next) {
        return agent("a", FakeModel.steps(calls(call("t", "{}"))), next);
    }

    private Outcome run(Agent... agents) {
        try (AgentRuntime runtime = AgentRuntime.open(store, agents)) {
            return Sessions.await(runtime.open(id, "a").send("hi"));
        }
    }

    private static Problem problem(Outcome outcome) {
        return outcome.findFailed().orElseThrow().problem();
    }

    private static Decision.CallModel ask(String text) {
        return new Decision.CallModel(
                ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text(text)))), List.of()),
                Event.Purpose.ANSWER,
                0);
    }

    private static boolean replied(SessionView view) {
        return view.findTurn().orElseThrow().steps() > 0;
    }

    private static Decision finish() {
        return new Decision.Finish("done");
    }

    @SuppressWarnings("InfiniteRecursion")
    private static int deep(int n) {
        return deep(n + 1) + 1;
    }

    @Test
    void agentThatThrows_failsTheTurn() {
        assertThat(problem(run(agent(view -> {
                            throw new IllegalStateException("no idea");
                        })))
                        .message())
                .contains("no idea");
    }

    @Test
    void agentThatOverflowsItsStack_failsTheTurn() {
        assertThat(problem(run(agent(view -> new Decision.Finish("" + deep(0)))))
                        .kind())
                .isEqualTo("agent");
    }

    @Test
    @SuppressWarnings("NullAway")
    void agentThatDecidesNothing_failsTheTurn() {
        assertThat(problem(run(agent(view -> null))).kind()).isEqualTo("agent");
    }

    @Test
    void callToolsWithoutCalls_failsTheTurn() {
        assertThat(problem(run(agent(view -> new Decision.CallTools()))).kind()).isEqualTo("agent");
    }

    @Test
    void modelCallWhileCallsAreOpen_failsTheTurn_andTheCallsGetTheirResults() {
        assertThat(problem(run(agent(view -> ask("again and again")))).message())
                .contains("CallTools comes first");
        assertThat(Sessions.events(store, id, Event.ToolFinished.class))
                .singleElement()
                .extracting(Event.ToolFinished::outcome)
                .isEqualTo(Event.CallOutcome.INTERRUPTED);
        assertThat(ran).isEmpty();
    }

    @Test
    void ownCallsWhileCallsAreOpen_failTheTurn() {
        assertThat(problem(run(agent(view -> replied(view)
                                ? new Decision.RunTools(
                                        List.of(new Event.CallsRequested.Requested("t", Json.EMPTY)),
                                        Decision.Visibility.SHOWN)
                                : ask("x"))))
                        .kind())
                .isEqualTo("agent");
    }

    @Test
    void awaitWhileCallsAreOpen_failsTheTurn() {
        assertThat(problem(run(agent(view -> replied(view) ? new Decision.Await() : ask("x"))))
                        .kind())
                .isEqualTo("agent");
    }

    @Test
    void checkOfWhatAModelWants_isMadeBeforeItHappens() {
        FakeModel model = new FakeModel(
                request -> request.instructions().equals("check") ? text("fine") : calls(call("t", "{}")));
        Agent agent = agent("a", model, view -> {
            int steps = view.findTurn().orElseThrow().steps();
            if (steps == 0) {
                return ask("x");
            }
            if (steps == 1) {
                assertThat(ran).isEmpty();
                return new Decision.CallModel(ModelRequest.of("check", List.of(), List.of()), Event.Purpose.CHECK, 0);
            }
            return view.hasUnfinishedCalls() ? new Decision.CallTools() : finish();
        });
        assertThat(run(agent)).isInstanceOf(Outcome.Done.class);
        assertThat(ran).hasSize(1);
    }

    @Test
    void finishWhileCallsAreOpen_givesThemAResult() {
        assertThat(run(agent(view -> replied(view) ? finish() : ask("x")))).isInstanceOf(Outcome.Done.class);
        assertThat(Sessions.count(store, id, Event.ToolFinished.class)).isEqualTo(1);
        assertThat(ran).isEmpty();
    }

    @Test
    void agentThatKeepsNotesForEver_isStopped() {
        assertThat(problem(run(agent(view ->
                                new Decision.KeepNote("n", Json.of(view.notes().size())))))
                        .kind())
                .isEqualTo("agent");
    }

    @Test
    void notes_areKept_andSeenByTheNextDecision() {
        assertThat(run(agent(view -> view.notes().containsKey("stage")
                        ? new Decision.Finish(view.notes().get("stage").plain())
                        : new Decision.KeepNote("stage", Json.of("one")))))
                .extracting(outcome -> outcome.findDone().orElseThrow().text())
                .isEqualTo("one");
    }

    private Agent retrieving(Decision.Visibility visibility, FakeModel model) {
        LlmAgent rest = Agent.builder("rest").model(model).build();
        return agent(
                "a",
                model,
                view -> view.events().stream().anyMatch(event -> event.event() instanceof Event.CallsRequested)
                        ? rest.next(view)
                        : new Decision.RunTools(
                                List.of(new Event.CallsRequested.Requested("t", Json.parse("{\"q\":1}"))), visibility));
    }

    @Test
    void hiddenCalls_run_andTheModelDoesNotSeeThem() {
        FakeModel model = new FakeModel(request -> text("n" + request.messages().size()));
        assertThat(run(retrieving(Decision.Visibility.HIDDEN, model))
                        .findDone()
                        .orElseThrow()
                        .text())
                .isEqualTo("n1");
        assertThat(ran).containsExactly("{\"q\":1}");
    }

    @Test
    void shownCalls_run_andTheModelSeesThemWithTheirResults() {
        FakeModel model = new FakeModel(request -> text("n" + request.messages().size()));
        assertThat(run(retrieving(Decision.Visibility.SHOWN, model))
                        .findDone()
                        .orElseThrow()
                        .text())
                .isEqualTo("n3");
        List<Message> seen = model.requests.get(0).messages();
        Part.ToolUse use =
                (Part.ToolUse) ((Message.Assistant) seen.get(1)).parts().get(0);
        assertThat(use.providerId()).matches("[A-Za-z0-9_-]{1,40}");
        assertThat(((Message.ToolResult) seen.get(2)).providerId()).isEqualTo(use.providerId());
    }

    private static long messages(SessionView view) {
        return view.events().stream()
                .filter(event -> event.event() instanceof Event.InputReceived input
                        && input.disposition() == Event.Disposition.APPLIED
                        && input.kind() == Event.InputKind.MESSAGE)
                .count();
    }

    @Test
    void await_waitsForTheNextInput_whichContinuesTheTurn() {
        Agent agent = agent(view -> messages(view) < 2 ? new Decision.Await() : finish());
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("one");
            assertThat(Sessions.await(turn).findWaiting().orElseThrow().questions())
                    .isEmpty();
            assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.WAITING);
            session.send("two");
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
            assertThat(Sessions.count(store, id, Event.TurnStarted.class)).isEqualTo(1);
        }
    }

    @Test
    void await_takesTheInputThatIsThereAlready() {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FakeModel model = new FakeModel(request -> {
            busy.countDown();
            Sessions.await(go);
            return text("x");
        });
        Agent agent = agent(
                "a", model, view -> !replied(view) ? ask("x") : messages(view) < 2 ? new Decision.Await() : finish());
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("one");
            Sessions.await(busy);
            session.send("two");
            go.countDown();
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
    }

    @Test
    void handOff_letsTheOtherAgentGoOn() {
        Agent other = agent("b", FakeModel.steps(text("x")), view -> new Decision.Finish("from b"));
        Outcome outcome = run(agent(view -> new Decision.HandOff("b")), other);
        assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("from b");
        assertThat(store.find(id).orElseThrow().agent()).isEqualTo("b");
    }

    @Test
    void handOffToAnAgentThatIsNotServedHere_isTakenUpWhereItIs() {
        Agent other = agent("b", FakeModel.steps(text("x")), view -> new Decision.Finish("from b"));
        try (AgentRuntime here = Sessions.quick(store, agent(view -> new Decision.HandOff("b")))
                        .build();
                AgentRuntime there = Sessions.quick(store, other).build()) {
            Turn turn = here.open(id, "a").send("hi");
            assertThat(Sessions.await(turn).findDone().orElseThrow().text()).isEqualTo("from b");
            assertThat(there.find(id)).isPresent();
        }
    }

    @Test
    void requestsThatDependOnTheTimeOfEvents_areTheSameWhenTheyAreMadeAgainFromTheLog() {
        FakeModel model =
                new FakeModel(request -> FakeModel.step(request) == 0 ? calls(call("t", "{}")) : text("done"));
        LlmAgent agent = Agent.builder("a")
                .instructions(view ->
                        "It is " + view.events().get(view.events().size() - 1).at())
                .model(model)
                .tool(tool)
                .build();
        run(agent);
        SessionView view = SessionView.empty(id);
        List<ModelRequest> again = new ArrayList<>();
        for (var event : Sessions.log(store, id)) {
            if (event.event() instanceof Event.ModelReplied) {
                again.add(((Decision.CallModel) agent.next(view)).request());
            }
            view = view.with(event);
        }
        assertThat(model.requests).containsExactlyElementsOf(again);
    }

    @Test
    void inputsThatQueuedUp_areAllAnswered_howeverManyOneRunTakes() {
        Agent agent = agent(view -> finish());
        List<Turn> turns = new ArrayList<>();
        try (AgentRuntime runtime =
                AgentRuntime.builder(store).agents(agent).workers(0).build()) {
            AgentSession session = runtime.open(id, "a");
            try (SessionLog held = SessionLog.hold(store, id).orElseThrow()) {
                for (int i = 0; i < 201; i++) {
                    turns.add(session.send("m" + i));
                }
                assertThat(held.held()).isTrue();
            }
        }
        try (AgentRuntime runtime = Sessions.quick(store, agent).build()) {
            assertThat(runtime.find(id)).isPresent();
            assertThat(Sessions.await(turns.get(200))).isInstanceOf(Outcome.Done.class);
        }
        assertThat(Sessions.count(store, id, Event.TurnEnded.class)).isEqualTo(201);
        assertThat(Sessions.events(store, id, Event.TurnEnded.class))
                .allMatch(end -> end.outcome() == Event.TurnOutcome.DONE);
    }

    @Test
    void agentsThatHandOffForEver_areStopped_alsoInTwoWorkers() {
        ModelClient model = FakeModel.steps(text("x"));
        try (AgentRuntime one = Sessions.quick(store, agent("a", model, view -> new Decision.HandOff("b")))
                        .build();
                AgentRuntime two = Sessions.quick(store, agent("b", model, view -> new Decision.HandOff("a")))
                        .build()) {
            assertThat(two.find(id)).isEmpty();
            Outcome outcome = Sessions.await(one.open(id, "a").send("hi"));
            assertThat(problem(outcome).message()).contains("20 times");
        }
    }
}

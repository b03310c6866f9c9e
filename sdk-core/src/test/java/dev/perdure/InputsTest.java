package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Tool;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What senders want, and what becomes of it. */
@Timeout(30)
class InputsTest {
    private static final Actor ANN = Actor.user("ann");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final CountDownLatch busy = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    /** A model that holds the first turn until told to go on, and answers with the text of the newest input. */
    private final FakeModel model = new FakeModel(request -> {
        if (busy.getCount() > 0) {
            busy.countDown();
            Sessions.await(go);
        }
        return text("re: " + newest(request));
    });

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    private static String newest(ModelRequest request) {
        Message.User user = (Message.User) request.messages().stream()
                .filter(Message.User.class::isInstance)
                .reduce((a, b) -> b)
                .orElseThrow();
        return user.parts().stream()
                .filter(Part.Text.class::isInstance)
                .map(part -> ((Part.Text) part).text())
                .findFirst()
                .orElse("");
    }

    private AgentRuntime runtime() {
        return Sessions.quick(store, Agent.builder("a").model(model).build()).build();
    }

    private static String done(Turn turn) {
        return Sessions.await(turn).findDone().orElseThrow().text();
    }

    /** A key that a store replaces by another is the other input's: this one would be dropped as a duplicate. */
    @Test
    void keyThatNotEveryStoreHas_isRefused_withItsPlace() {
        Input input = Input.text("yes");

        assertThatThrownBy(() -> input.key("mail-\uD83D")).hasMessageContaining("half a surrogate pair at index 5");
        assertThatThrownBy(() -> input.key("\uDE00")).hasMessageContaining("half a surrogate pair at index 0");
        assertThatThrownBy(() -> input.key("\uDE00\uD83D")).hasMessageContaining("half a surrogate pair at index 0");
        assertThatThrownBy(() -> input.key("\uD83D\uDE00\0")).hasMessageContaining("NUL character at index 2");
        assertThat(input.key("mail-\uD83D\uDE00\n").findKey()).contains("mail-\uD83D\uDE00\n");
    }

    @Test
    void sameKeyTwice_isAppliedOnce_andBothFollowTheSameTurn() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Turn first = session.send(Input.text("hi").key("k"));
            Turn second = session.send(Input.text("hi").key("k"));
            go.countDown();
            assertThat(done(first)).isEqualTo("re: hi");
            assertThat(done(second)).isEqualTo("re: hi");
            Turn muchLater = session.send(Input.text("hi").key("k"));
            assertThat(done(muchLater)).isEqualTo("re: hi");
            assertThat(model.requests).hasSize(1);
        }
    }

    @Test
    void sameKeyAfterTheSessionIsClosed_stillFindsItsOutcome() {
        go.countDown();
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            assertThat(done(session.send(Input.text("hi").key("k")))).isEqualTo("re: hi");
            for (int i = 0; i < 60; i++) {
                assertThat(done(session.send("fill"))).isEqualTo("re: fill");
            }
            session.end("over", ANN);
            Sessions.eventually("closed", () -> store.find(id).orElseThrow().status() == SessionStatus.ENDED);
            assertThat(Sessions.log(store, id)).hasSizeGreaterThan(220);
            assertThat(done(session.send(Input.text("hi").key("k")))).isEqualTo("re: hi");
        }
    }

    @Test
    void sameKeyOtherText_isAConflict() {
        go.countDown();
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            session.send(Input.text("hi").key("k"));
            assertThatThrownBy(() -> session.send(Input.text("ho").key("k")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("\"k\"");
        }
    }

    @Test
    void hundredSendersAtOnce_areAnsweredOneTurnEach_inTheOrderOfTheInbox() throws Exception {
        go.countDown();
        ExecutorService senders = Executors.newFixedThreadPool(16);
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                String text = "m" + i;
                answers.add(
                        senders.submit(() -> done(session.send(Input.text(text).key(text)))));
            }
            for (int i = 0; i < 100; i++) {
                assertThat(answers.get(i).get(20, TimeUnit.SECONDS)).isEqualTo("re: m" + i);
            }
            assertThat(Sessions.count(store, id, Event.TurnStarted.class)).isEqualTo(100);
        } finally {
            senders.shutdownNow();
        }
    }

    @Test
    void queuedInputs_keepTheirOrder() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            session.send("first");
            Sessions.await(busy);
            List<Turn> turns = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                turns.add(session.send(Input.text("m" + i).key("m" + i)));
            }
            go.countDown();
            turns.forEach(Sessions::await);
            assertThat(Sessions.events(store, id, Event.InputReceived.class).stream()
                            .map(Event.InputReceived::key)
                            .skip(1))
                    .containsExactlyElementsOf(turns.stream().map(Turn::key).toList());
        }
    }

    @Test
    void steer_joinsTheOpenTurn_afterTheResultsOfItsStep() {
        CountDownLatch inTool = new CountDownLatch(1);
        FakeModel steps = FakeModel.steps(calls(call("t", "{}")), text("done"));
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            inTool.countDown();
            Sessions.await(go);
            return "ok";
        });
        FakeModel once = new FakeModel(
                request -> request.messages().size() == 1 ? calls(call("t", "{}")) : text("re: " + newest(request)));
        assertThat(steps.requests).isEmpty();
        try (AgentRuntime runtime = AgentRuntime.open(
                store, Agent.builder("a").model(once).tool(tool).build())) {
            AgentSession session = runtime.open(id, "a");
            Turn first = session.send("hi");
            Sessions.await(inTool);
            Turn steer = session.send(Input.text("faster").when(Input.When.STEER));
            go.countDown();
            assertThat(done(first)).isEqualTo("re: faster");
            assertThat(done(steer)).isEqualTo("re: faster");
            assertThat(Sessions.count(store, id, Event.TurnStarted.class)).isEqualTo(1);
            List<Message> seen = once.requests.get(once.requests.size() - 1).messages();
            assertThat(seen.stream().map(message -> message.getClass().getSimpleName()))
                    .containsExactly("User", "Assistant", "ToolResult", "User");
        }
    }

    @Test
    void interruptingInput_stopsTheTurn_andGoesBeforeWhatIsQueued() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Turn first = session.send("first");
            Sessions.await(busy);
            Turn queued = session.send("queued");
            Turn urgent = session.send(Input.text("urgent").when(Input.When.INTERRUPT));
            go.countDown();
            assertThat(Sessions.await(first)).isInstanceOf(Outcome.Interrupted.class);
            assertThat(done(urgent)).isEqualTo("re: urgent");
            assertThat(done(queued)).isEqualTo("re: queued");
            assertThat(Sessions.count(store, id, Event.Interrupted.class)).isEqualTo(1);
        }
    }

    @Test
    void rejectingInput_isRefusedWhileATurnIsOpen_andRunsElse() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Turn first = session.send("first");
            Sessions.await(busy);
            Turn refused = session.send(Input.text("x").when(Input.When.REJECT));
            go.countDown();
            assertThat(done(first)).isEqualTo("re: first");
            assertThat(Sessions.await(refused)
                            .findFailed()
                            .orElseThrow()
                            .problem()
                            .kind())
                    .isEqualTo("rejected");
            assertThat(done(session.send(Input.text("y").when(Input.When.REJECT))))
                    .isEqualTo("re: y");
        }
    }

    @Test
    void attachments_reachTheModelAsData_andStayOutOfTheLog() {
        go.countDown();
        byte[] bytes = "hello".getBytes(StandardCharsets.UTF_8);
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send(Input.text("see").file("a.txt", "text/plain", bytes)));
        }
        Message.User user = (Message.User) model.requests.get(0).messages().get(0);
        assertThat(user.parts().get(1))
                .isEqualTo(new Part.Media("text/plain", "a.txt", "data:text/plain;base64,aGVsbG8="));
        assertThat(LogRules.text(Sessions.log(store, id))).contains("blob:").doesNotContain("aGVsbG8=");
    }

    @Test
    void mediaThatClaimsToBeABlob_isRefusedAtTheDoor() {
        assertThatThrownBy(() -> Input.text("x").and(new Part.Media("image/png", null, "blob:oops")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void sender_isVisibleToTools() {
        List<Actor> seen = new ArrayList<>();
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            seen.add(call.actor());
            return "ok";
        });
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(tool)
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            Sessions.await(runtime.open(id, "a").send(Input.text("hi").from(ANN)));
        }
        assertThat(seen).containsExactly(ANN);
    }

    @Test
    void end_stopsTheOpenTurn_andRefusesWhatComesLater() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            session.end("we are done", ANN);
            go.countDown();
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Interrupted.class);
            Sessions.eventually("closed", () -> store.find(id).orElseThrow().status() == SessionStatus.ENDED);
            assertThatThrownBy(() -> session.send("more"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            assertThat(session.history()).extracting(Recorded::event).last().isInstanceOf(Event.SessionEnded.class);
        }
    }

    @Test
    void deleteWhileATurnRuns_endsItForItsSender() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.await(busy);
            assertThat(session.delete()).isTrue();
            go.countDown();
            assertThat(Sessions.await(turn)
                            .findFailed()
                            .map(Outcome.Failed::problem)
                            .map(Problem::kind))
                    .contains("deleted");
            assertThatThrownBy(() -> session.send("more")).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> runtime.open(id, "a")).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void end_takesWhatIsQueuedIntoTheLog_andItsSenderIsTold() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            session.send("hi");
            Sessions.await(busy);
            Turn queued = session.send(Input.text("and this").key("queued"));
            session.end("we are done", ANN);
            go.countDown();
            assertThat(Sessions.await(queued)
                            .findFailed()
                            .map(Outcome.Failed::problem)
                            .map(Problem::kind))
                    .contains("ended");
            Sessions.eventually("closed", () -> store.find(id).orElseThrow().status() == SessionStatus.ENDED);
            assertThat(store.inbox(id, 0, 10)).isEmpty();
            assertThat(Sessions.events(store, id, Event.InputReceived.class))
                    .filteredOn(input -> input.key().equals("queued"))
                    .singleElement()
                    .extracting(Event.InputReceived::disposition)
                    .isEqualTo(Event.Disposition.STALE);
        }
    }

    @Test
    void endOfASessionThatNobodyRan_takesWhatIsQueuedWithIt() {
        try (AgentRuntime runtime = runtime()) {
            AgentSession session = runtime.open(id, "a");
            SessionLog held = SessionLog.hold(store, id).orElseThrow();
            Turn queued = session.send(Input.text("hi").key("queued"));
            session.end("we are done", ANN);
            held.close();

            assertThat(Sessions.await(queued)
                            .findFailed()
                            .map(Outcome.Failed::problem)
                            .map(Problem::kind))
                    .contains("ended");
            Sessions.eventually("closed", () -> store.find(id).orElseThrow().status() == SessionStatus.ENDED);
            assertThat(store.inbox(id, 0, 10)).isEmpty();
        }
    }

    /** A statement of a database has so many parameters and no more. */
    @Test
    void thousandsOfItems_areTakenInSeveralCommits() {
        FaultyStore counting = new FaultyStore(store);
        try (AgentRuntime asleep = AgentRuntime.builder(store)
                .agents(Agent.builder("a").model(FakeModel.steps(text("x"))).build())
                .workers(0)
                .build()) {
            asleep.open(id, "a");
        }
        Json body = Json.of(new Bodies.Interrupt(7, "stop", null));
        for (int i = 0; i < 1_700; i++) {
            store.post(id, new SessionStore.Post("interrupt:" + i, Event.InputKind.INTERRUPT, ANN, body));
        }
        try (AgentRuntime runtime = Sessions.quick(
                        counting,
                        Agent.builder("a").model(FakeModel.steps(text("x"))).build())
                .build()) {
            assertThat(runtime.find(id)).isPresent();
            Sessions.eventually("idle", () -> store.find(id).orElseThrow().status() == SessionStatus.IDLE);
        }
        assertThat(store.inbox(id, 0, 10)).isEmpty();
        assertThat(Sessions.count(store, id, Event.InputReceived.class)).isEqualTo(1_700);
        assertThat(counting.batches).allMatch(batch -> batch.consumed().size() <= 500);
    }
}

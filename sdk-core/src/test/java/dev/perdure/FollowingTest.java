package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a sender sees of its turn, whoever runs it. */
@Timeout(30)
class FollowingTest {
    private static final Actor ANN = Actor.user("ann");

    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");
    private final CountDownLatch busy = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    @AfterEach
    void logIsValid() {
        LogRules.check(Sessions.log(store, id));
    }

    private static final class Heard implements TurnListener {
        final List<String> text = new ArrayList<>();
        final List<String> events = new ArrayList<>();

        @Override
        public void onText(String more) {
            text.add(more);
        }

        @Override
        public void onDiscard() {
            text.add("-");
        }

        @Override
        public void onEvent(Recorded event) {
            events.add(event.event().type());
        }
    }

    private FakeModel holding(String answer) {
        return new FakeModel(request -> {
            busy.countDown();
            Sessions.await(go);
            return text(answer);
        });
    }

    private static Agent agent(ModelClient model) {
        return Agent.builder("a").model(model).build();
    }

    private static Agent asking() {
        return Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ok").approval(Approval.required()))
                .build();
    }

    @Test
    void senderWhoseSessionAnotherHolds_getsTheWholeTextOnce_theEventsInOrder_andTheOutcome() {
        try (AgentRuntime holder =
                        Sessions.quick(store, agent(holding("one two three"))).build();
                AgentRuntime sender = Sessions.quick(store, agent(FakeModel.steps(text("not mine"))))
                        .workers(0)
                        .build()) {
            Turn first = holder.open(id, "a").send("hold it");
            Sessions.await(busy);
            Heard heard = new Heard();
            Turn second = sender.open(id, "a").send(Input.text("follow"), heard);
            go.countDown();
            assertThat(Sessions.await(second).findDone().orElseThrow().text()).isEqualTo("one two three");
            assertThat(Sessions.await(first)).isInstanceOf(Outcome.Done.class);
            assertThat(heard.text).containsExactly("one two three");
            assertThat(heard.events).containsExactly("InputReceived", "ModelReplied", "TurnEnded");
        }
    }

    @Test
    void senderWhoseProcessRunsIt_getsTheTextAsItComes_andOnce() {
        for (int i = 0; i < 200; i++) {
            SessionId own = SessionId.of("acme", "t" + i);
            try (AgentRuntime runtime = AgentRuntime.builder(store)
                    .agents(agent(FakeModel.steps(text("one two three"))))
                    .workers(0)
                    .build()) {
                Heard heard = new Heard();
                Sessions.await(runtime.open(own, "a").send(Input.text("hi"), heard));
                assertThat(String.join("", heard.text)).isEqualTo("one two three");
                assertThat(heard.events).containsExactly("InputReceived", "ModelReplied", "TurnEnded");
            }
        }
    }

    @Test
    void await_timesOutEmpty_andCanBeCalledAgain() {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(holding("done")))) {
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(busy);
            assertThat(turn.await(Duration.ZERO)).isEmpty();
            assertThat(turn.await(Duration.ofMillis(30))).isEmpty();
            go.countDown();
            assertThat(turn.await(Duration.ofSeconds(Long.MAX_VALUE))).isPresent();
            assertThat(turn.await()).isInstanceOf(Outcome.Done.class);
        }
    }

    @Test
    void waiting_isReportedAlthoughAnEarlierAwaitRanOutOfTime() {
        try (AgentRuntime runtime = AgentRuntime.open(store, asking())) {
            Turn turn = runtime.open(id, "a").send("hi");
            for (int i = 0; i < 2_000; i++) {
                if (turn.await(Duration.ZERO).isPresent()) {
                    return;
                }
            }
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Waiting.class);
        }
    }

    @Test
    void awaitAfterWaiting_neverReturnsTheOldWaiting_onceTheAnswerWasPosted() {
        for (int i = 0; i < 100; i++) {
            SessionId own = SessionId.of("acme", "w" + i);
            try (AgentRuntime runtime = Sessions.quick(store, asking()).build()) {
                Turn turn = runtime.open(own, "a").send("hi");
                Outcome.Waiting first = Sessions.await(turn).findWaiting().orElseThrow();
                Operator.of(store).answer(first.questions().get(0).id(), Answer.accept(""), ANN);
                Outcome.Waiting second = Sessions.await(turn).findWaiting().orElseThrow();
                assertThat(second.questions()).isNotEmpty().doesNotContainAnyElementsOf(first.questions());
                runtime.operator().answer(second.questions().get(0).id(), Answer.deny(""), ANN);
                assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
            }
        }
    }

    @Test
    void awaitAfterWaiting_waitsForTheAnswer_whileFindTurnTellsOfTheQuestionAgain() {
        try (AgentRuntime runtime = AgentRuntime.open(store, asking())) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Outcome waiting = Sessions.await(turn);
            assertThat(turn.await(Duration.ofMillis(50))).isEmpty();
            assertThat(Sessions.await(session.findTurn().orElseThrow())).isEqualTo(waiting);
        }
    }

    @Test
    void findTurn_ofAWaitingTurn_tellsOfTheQuestion_andOfWhatFollows() {
        try (AgentRuntime runtime = AgentRuntime.open(store, asking())) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send("hi"));
            Turn found = session.findTurn().orElseThrow();
            Outcome.Waiting waiting = Sessions.await(found).findWaiting().orElseThrow();
            runtime.operator().answer(waiting.questions().get(0).id(), Answer.deny(""), ANN);
            assertThat(Sessions.await(found).findWaiting().orElseThrow().questions())
                    .isNotEqualTo(waiting.questions());
        }
    }

    @Test
    void findTurn_ofAnIdleSession_isEmpty() {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(FakeModel.steps(text("x"))))) {
            AgentSession session = runtime.open(id, "a");
            assertThat(session.findTurn()).isEmpty();
            Sessions.await(session.send("hi"));
            assertThat(session.findTurn()).isEmpty();
        }
    }

    @Test
    void whoJoinsInTheMiddleOfAReply_getsItWhole() {
        ModelClient model = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                scope.deltas().text("one ");
                busy.countDown();
                Sessions.await(go);
                scope.deltas().text("two");
                return text("one two");
            }
        };
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(model))) {
            AgentSession session = runtime.open(id, "a");
            Heard early = new Heard();
            Turn sent = session.send(Input.text("hi"), early);
            Sessions.await(busy);
            Heard late = new Heard();
            Turn found = session.findTurn(late).orElseThrow();
            go.countDown();
            Sessions.await(sent);
            Sessions.await(found);
            assertThat(early.text).containsExactly("one ", "two");
            assertThat(late.text).containsExactly("one two");
        }
    }

    @Test
    void senderThatLosesItsLeaseInTheMiddleOfAReply_isToldToDiscard_andGetsTheOthersReplyWhole() {
        AtomicInteger asked = new AtomicInteger();
        ModelClient model = new ModelClient() {
            @Override
            public ModelReply call(ModelRequest request, CallScope scope) {
                if (asked.incrementAndGet() > 1) {
                    return text("hello there");
                }
                scope.deltas().text("hel");
                busy.countDown();
                // Deaf to interruption: it ends long after the other worker has answered.
                Sessions.await(go);
                scope.deltas().text("lo");
                return text("hello");
            }
        };
        FaultyStore stale = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew")) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        try (AgentRuntime former =
                        Sessions.quick(stale, agent(model)).workers(0).build();
                AgentRuntime next = Sessions.quick(store, agent(model)).build()) {
            Heard heard = new Heard();
            Turn turn = former.open(id, "a").send(Input.text("hi"), heard);
            Sessions.await(busy);
            assertThat(Sessions.await(turn).findDone().orElseThrow().text()).isEqualTo("hello there");
            go.countDown();
            assertThat(heard.text).containsExactly("hel", "-", "hello there");
            assertThat(next.find(id)).isPresent();
        }
        assertThat(Sessions.count(store, id, Event.ModelReplied.class)).isEqualTo(1);
    }
}

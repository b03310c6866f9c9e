package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.Message;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import dev.perdure.tool.Toolbox;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Interleavings that somebody who wants to break the engine thinks of. */
@Timeout(30)
class AttackTest {
    private final AtomicLong ahead = new AtomicLong();
    private final InMemorySessionStore store = InMemorySessionStore.create(() -> Instant.now().plusMillis(ahead.get()));
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

    private static Decision.CallModel ask() {
        return new Decision.CallModel(
                ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text("go")))), List.of()),
                Event.Purpose.ANSWER,
                0);
    }

    /** The leave given for one step must not be taken for the next one's. */
    @Test
    void agentThatRefusesTheCallsOfItsSecondStep_isAskedBeforeTheyRun() {
        FakeModel model = new FakeModel(request -> calls(call("t", "{}")));
        Agent agent = agent("a", model, view -> {
            int steps = view.findTurn().orElseThrow().steps();
            if (!view.hasUnfinishedCalls()) {
                return steps < 2 ? ask() : new Decision.Finish("ran");
            }
            return steps == 1 ? new Decision.CallTools() : new Decision.Finish("refused");
        });
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(Sessions.await(runtime.open(id, "a").send("hi"))
                            .findDone())
                    .isPresent();
        }
        assertThat(ran).hasSize(1);
    }

    /** A process that only sends must not use up the claims that its session has. */
    @Test
    void senderThatDoesNotServeTheAgent_doesNotQuarantineItsSession() {
        try (AgentRuntime worker = AgentRuntime.builder(store)
                .agents(agent("a", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok")))
                .workers(0)
                .build()) {
            worker.open(id, "a");
        }
        try (AgentRuntime sender = AgentRuntime.builder(store)
                .agents(agent("b", FakeModel.steps(FakeModel.text("done")), view -> new Decision.Finish("ok")))
                .build()) {
            AgentSession session = sender.find(id).orElseThrow();
            for (int i = 0; i < 10; i++) {
                session.send("message " + i);
                ahead.addAndGet(120_000);
                Sessions.eventually(
                        "nobody holds it",
                        () -> store.find(id).orElseThrow().status() != SessionStatus.RUNNING);
            }
        }
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.READY);
    }

    /** Words to a session that waits for a human are queued; each wakes it, and none is a failure. */
    @Test
    void messagesWhileAQuestionIsOpen_doNotQuarantineTheSession() {
        Tool refund = Tool.idempotent("refund", "", Json.class, (in, call) -> {
                    ran.add(in.text());
                    return "ok";
                })
                .approval(Approval.required());
        FakeModel model = FakeModel.steps(calls(call("refund", "{}")), FakeModel.text("done"));
        try (AgentRuntime runtime = Sessions.quick(
                        store, Agent.builder("a").model(model).tool(refund).build())
                .build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("refund me");
            Sessions.await(turn);
            for (int i = 1; i <= 8; i++) {
                session.send("are you there? " + i);
                Sessions.eventually(
                        "it waits again", () -> store.find(id).orElseThrow().status() == SessionStatus.WAITING);
                ahead.addAndGet(120_000);
            }
            Question question = runtime.operator().questions(id.tenant()).get(0);
            runtime.operator().answer(question.id(), Answer.accept(""), Actor.user("ann"));
            assertThat(Sessions.await(turn).findDone()).isPresent();
        }
    }
}

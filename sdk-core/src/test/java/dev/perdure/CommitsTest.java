package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many commits a step costs, and what shares one. */
@Timeout(30)
class CommitsTest {
    private final FaultyStore store = new FaultyStore(InMemorySessionStore.create());
    private final SessionId id = SessionId.of("acme", "s");

    private List<List<String>> commits() {
        return store.batches.stream().map(Sessions::types).toList();
    }

    private Outcome run(Agent agent) {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            return Sessions.await(runtime.open(id, "a").send("hi"));
        }
    }

    @Test
    void textTurn_isTwoCommits_theLastGivesTheLeaseBack() {
        run(Agent.builder("a").model(FakeModel.steps(text("hello"))).build());

        assertThat(commits())
                .containsExactly(List.of("TurnStarted", "InputReceived"), List.of("ModelReplied", "TurnEnded"));
        assertThat(store.batches.get(0).release()).isNull();
        assertThat(store.batches.get(0).consumed()).hasSize(1);
        assertThat(store.batches.get(1).release()).isEqualTo(new SessionStore.Release(SessionStatus.IDLE, 1));
    }

    @Test
    void toolStepWithOneCall_isTwoCommits() {
        run(Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ok"))
                .build());

        assertThat(commits())
                .containsExactly(
                        List.of("TurnStarted", "InputReceived"),
                        List.of("ModelReplied", "ToolStarted"),
                        List.of("ToolFinished"),
                        List.of("ModelReplied", "TurnEnded"));
    }

    /** The last result may end the run while its thread still hands it over: it must not be reported a second time. */
    @RepeatedTest(200)
    void resultsThatComeAtTheSameMoment_areCommittedOnce_andNotReportedAgain() {
        CyclicBarrier together = new CyclicBarrier(3);
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            together.await(10, TimeUnit.SECONDS);
            return "ok";
        });
        run(Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}"), call("t", "{}"), call("t", "{}")), text("done")))
                .tool(tool)
                .build());

        assertThat(commits().get(1)).containsExactly("ModelReplied", "ToolStarted", "ToolStarted", "ToolStarted");
        List<List<String>> results = commits().subList(2, commits().size() - 1);
        assertThat(results)
                .hasSizeLessThanOrEqualTo(3)
                .allSatisfy(batch -> assertThat(batch).containsOnly("ToolFinished"));
        assertThat(results.stream().mapToInt(List::size).sum()).isEqualTo(3);
        assertThat(commits().get(commits().size() - 1)).containsExactly("ModelReplied", "TurnEnded");
    }

    @Test
    void resultsThatWaitWhileAnotherIsCommitted_shareTheNextCommit() {
        CountDownLatch firstIn = new CountDownLatch(1);
        CountDownLatch othersDone = new CountDownLatch(2);
        store.hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null && Sessions.types(batch).equals(List.of("ToolFinished"))) {
                    firstIn.countDown();
                    Sessions.await(othersDone);
                    // Their bodies have returned; what is left is to hand the results over.
                    Sessions.eventually(
                            "results handed over",
                            () -> Thread.getAllStackTraces().keySet().stream()
                                    .noneMatch(thread -> thread.getName().equals("other-body")));
                }
            }
        });
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            if (call.id().value().endsWith("/0")) {
                return "first";
            }
            Sessions.await(firstIn);
            othersDone.countDown();
            return "other";
        });
        run(Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}"), call("t", "{}"), call("t", "{}")), text("done")))
                .tool(tool)
                .build());

        assertThat(commits().get(2)).containsExactly("ToolFinished");
        assertThat(commits().stream()
                        .filter(batch -> batch.contains("ToolFinished"))
                        .mapToInt(List::size)
                        .sum())
                .isEqualTo(3);
    }

    @Test
    void approval_isOneCommit_thatAsksAndGivesTheLeaseBack() {
        Outcome outcome = run(Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ok").approval(Approval.required()))
                .build());

        assertThat(outcome).isInstanceOf(Outcome.Waiting.class);
        assertThat(commits().get(1)).containsExactly("ModelReplied", "QuestionAsked", "WaitStarted");
        assertThat(store.batches.get(1).opened()).hasSize(1);
        assertThat(store.batches.get(1).release()).isEqualTo(new SessionStore.Release(SessionStatus.WAITING, 1));
        assertThat(commits()).hasSize(2);
    }

    @Test
    void queuedCall_startsInTheCommitOfTheResultThatMadeRoom() {
        CountDownLatch go = new CountDownLatch(1);
        Tool tool = Tool.pure("t", "", Json.class, (in, call) -> {
            if (!call.id().value().endsWith("/0")) {
                Sessions.await(go);
            }
            return "ok";
        });
        store.hook(new FaultyStore.Hook() {
            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null && Sessions.types(batch).contains("ToolFinished")) {
                    go.countDown();
                }
            }
        });
        dev.perdure.session.Part.ToolUse[] many = new dev.perdure.session.Part.ToolUse[17];
        java.util.Arrays.fill(many, call("t", "{}"));
        run(Agent.builder("a")
                .model(FakeModel.steps(calls(many), text("done")))
                .tool(tool)
                .build());

        assertThat(commits().get(1)).hasSize(1 + 16);
        assertThat(commits().get(2)).containsExactly("ToolFinished", "ToolStarted");
        LogRules.check(Sessions.log(store, id));
    }
}

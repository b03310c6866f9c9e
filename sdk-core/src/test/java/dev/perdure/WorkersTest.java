package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.internal.engine.Bodies;
import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.PerdureException;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import dev.perdure.tool.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who takes up what, and what happens when workers stop or their store does. */
@Timeout(40)
class WorkersTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "s");

    private static Agent agent(ModelClient model) {
        return Agent.builder("a").model(model).build();
    }

    /** What a process without agents does. */
    private void post(SessionId session, String key) {
        store.open(new SessionStore.NewSession(
                session, "a", Map.of(), Draft.of(EventId.random(), 0, new Event.SessionOpened("a", Map.of()))));
        store.post(
                session,
                new SessionStore.Post(
                        key,
                        Event.InputKind.MESSAGE,
                        Actor.user("ann"),
                        Json.of(new Bodies.Message(List.of(new Part.Text("hi")), Input.When.NEXT_TURN))));
    }

    private boolean ended(SessionId session) {
        return Sessions.count(store, session, Event.TurnEnded.class) == 1;
    }

    /** As while a server restarts: by this process's clock the lease would be over when it begins, and by the store's nobody else could have it. */
    @ParameterizedTest
    @ValueSource(strings = {"claimReady", "postAndClaim"})
    void claimThatWaitedForTheStore_longerThanALease_isGood(String verb) {
        AtomicInteger lost = new AtomicInteger();
        AtomicBoolean waited = new AtomicBoolean();
        FaultyStore slow = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String called, SessionStore.@Nullable Batch batch) {
                if (called.equals(verb) && waited.compareAndSet(false, true)) {
                    LockSupport.parkNanos(Duration.ofMillis(1_100).toNanos());
                }
            }
        });
        AgentRuntime.Builder builder = AgentRuntime.builder(slow)
                .agents(agent(FakeModel.steps(text("x"))))
                .lease(Duration.ofSeconds(1))
                .poll(Duration.ofMillis(10))
                .listener(new RuntimeListener() {
                    @Override
                    public void onLeaseLost(SessionId session) {
                        lost.incrementAndGet();
                    }
                });
        if (verb.equals("claimReady")) {
            post(id, "k");
        }
        try (AgentRuntime runtime = builder.build()) {
            if (verb.equals("postAndClaim")) {
                runtime.open(id, "a").send("hi");
            }
            Sessions.eventually("run", () -> ended(id));
        }
        assertThat(waited).isTrue();
        assertThat(lost).hasValue(0);
        assertThat(Sessions.types(store, id)).doesNotContain("TakenOver");
    }

    @Test
    void sessionPostedElsewhere_isClaimed() {
        post(id, "k");
        try (AgentRuntime runtime =
                Sessions.quick(store, agent(FakeModel.steps(text("x")))).build()) {
            Sessions.eventually("claimed and run", () -> ended(id));
            assertThat(runtime.find(id)).isPresent();
        }
    }

    @Test
    void runtimeWithoutWorkers_claimsNothing_butRunsWhatIsSentToHere() {
        post(SessionId.of("acme", "other"), "k");
        try (AgentRuntime runtime = Sessions.quick(store, agent(FakeModel.steps(text("x"))))
                .workers(0)
                .build()) {
            assertThat(Sessions.await(runtime.open(id, "a").send("hi"))).isInstanceOf(Outcome.Done.class);
        }
        assertThat(ended(SessionId.of("acme", "other"))).isFalse();
    }

    @Test
    void sendersToARuntimeWithoutWorkers_areAllAnswered_howeverTheyRace() {
        try (AgentRuntime runtime = Sessions.quick(store, agent(FakeModel.steps(text("x"))))
                .workers(0)
                .build()) {
            AgentSession session = runtime.open(id, "a");
            for (int i = 0; i < 300; i++) {
                Turn first = session.send("one");
                Turn second = session.send("two");
                assertThat(Sessions.await(second)).isInstanceOf(Outcome.Done.class);
                assertThat(Sessions.await(first)).isInstanceOf(Outcome.Done.class);
            }
        }
    }

    @Test
    void sessionThatKillsItsWorkers_isQuarantined_whichIsLoggedAndReportedOnce_andAnOperatorResumesIt() {
        List<SessionId> quarantined = new CopyOnWriteArrayList<>();
        String logged = Logged.during(() -> quarantineAndResume(quarantined));

        assertThat(quarantined).containsExactly(id);
        assertThat(logged.lines().filter(line -> line.contains("set aside")))
                .singleElement()
                .asString()
                .contains("WARN", id.toString(), "2 claims", "Operator.resume");
    }

    private void quarantineAndResume(List<SessionId> quarantined) {
        AtomicBoolean poisonous = new AtomicBoolean(true);
        Agent agent = new Agent() {
            @Override
            public String name() {
                return "a";
            }

            @Override
            public Decision next(SessionView view) {
                if (poisonous.get()) {
                    throw new OutOfMemoryError("simulated");
                }
                return new Decision.Finish("survived");
            }

            @Override
            public ModelClient model() {
                return FakeModel.steps(text("x"));
            }
        };
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent)
                .lease(Duration.ofMillis(100))
                .poll(Duration.ofMillis(10))
                .quarantineAfter(2)
                .listener(new RuntimeListener() {
                    @Override
                    public void onQuarantined(SessionId session) {
                        quarantined.add(session);
                    }
                })
                .build()) {
            AgentSession session = runtime.open(id, "a");
            Turn turn = session.send("hi");
            Sessions.eventually(
                    "quarantined", () -> store.find(id).orElseThrow().status() == SessionStatus.QUARANTINED);
            Outcome outcome = null;
            while (outcome == null) {
                try {
                    outcome = Sessions.await(turn);
                } catch (PerdureException e) {
                    assertThat(e).hasMessageContaining("broke off");
                }
            }
            assertThat(outcome).isInstanceOf(Outcome.Quarantined.class);

            poisonous.set(false);
            runtime.operator().resume(id, Actor.user("ops"));
            Sessions.eventually("resumed", () -> ended(id));
            assertThat(Sessions.await(turn).findDone().orElseThrow().text()).isEqualTo("survived");
        }
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void tenant_getsNoMoreThanItsShareOfWorkers() {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch full = new CountDownLatch(2);
        CountDownLatch go = new CountDownLatch(1);
        Agent agent = agent(new FakeModel(request -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            full.countDown();
            Sessions.await(go);
            running.decrementAndGet();
            return text("x");
        }));
        List<SessionId> sessions = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            sessions.add(SessionId.of("acme", "s" + i));
        }
        post(sessions.get(0), "k");
        try (AgentRuntime runtime =
                Sessions.quick(store, agent).workers(8).workersPerTenant(2).build()) {
            // One runs when the others come: together they must not be more than two.
            Sessions.eventually("the first runs", () -> running.get() == 1);
            sessions.stream().skip(1).forEach(session -> post(session, "k"));
            Sessions.await(full);
            go.countDown();
            Sessions.eventually("all end", () -> sessions.stream().allMatch(this::ended));
            assertThat(runtime.find(id)).isEmpty();
        }
        assertThat(most.get()).isEqualTo(2);
    }

    @Test
    void sessionTakenUpAgain_restsWhenThereIsNothingToDo() {
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                    inTool.countDown();
                    Sessions.await(go);
                    return "ok";
                }))
                .build();
        AgentRuntime first = AgentRuntime.open(store, agent);
        first.open(id, "a").send("hi");
        Sessions.await(inTool);
        go.countDown();
        first.close();
        FaultyStore counted = new FaultyStore(store);
        try (AgentRuntime second = Sessions.quick(counted, agent).build()) {
            Sessions.eventually("idle", () -> store.find(id).orElseThrow().status() == SessionStatus.IDLE);
            assertThat(second.find(id)).isPresent();
        }
        // What was consumed before the session was handed over is not new: one more run, and no other.
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
        assertThat(Sessions.events(store, id, Event.HandedBack.class))
                .noneMatch(back -> back.reason().equals("nothing to do"));
    }

    @Test
    void closeDuringATool_letsItEnd_andAnotherGoesOnAtOnce() {
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.once("t", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Sessions.await(go);
                            return ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
        // Leases far longer than the test: only a session that was given back can go on.
        AgentRuntime first = AgentRuntime.open(store, agent);
        Turn turn = first.open(id, "a").send("hi");
        Sessions.await(inTool);
        Thread closing = new Thread(first::close);
        closing.start();
        // By then every run has been told to stop.
        Sessions.eventually(
                "close waits for the tool",
                () -> Stream.of(closing.getStackTrace())
                        .anyMatch(frame -> frame.getMethodName().equals("awaitEmpty")));
        go.countDown();
        try (AgentRuntime second = AgentRuntime.open(store, agent)) {
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
            assertThat(second.find(id)).isPresent();
        }
        assertThat(ran).hasValue(1);
        assertThat(Sessions.types(store, id)).contains("HandedBack").doesNotContain("TakenOver", "ToolInDoubt");
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void closeThatWillNotWait_leavesAOnceCallToItsEnd_andItsResultToTheInbox() {
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.once("t", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Sessions.await(go);
                            return "paid " + ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
        AgentRuntime first = AgentRuntime.builder(store)
                .agents(agent)
                .closeGrace(Duration.ZERO)
                .build();
        first.open(id, "a").send("hi");
        Sessions.await(inTool);
        first.close();
        assertThat(store.find(id).orElseThrow().status()).isEqualTo(SessionStatus.READY);
        go.countDown();
        Sessions.eventually(
                "the late result is posted", () -> !store.inbox(id, 0, 10).isEmpty());
        try (AgentRuntime second = AgentRuntime.open(store, agent)) {
            Sessions.eventually("the turn ends", () -> ended(id));
            assertThat(second.find(id)).isPresent();
        }
        assertThat(ran).hasValue(1);
        assertThat(Sessions.events(store, id, Event.ToolFinished.class))
                .singleElement()
                .extracting(Event.ToolFinished::output)
                .isEqualTo("paid 1");
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void closeDuringAModelCall_handsBack_andAnotherCallsAgain() {
        CountDownLatch inCall = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        ModelClient model = (request, scope) -> {
            if (asked.incrementAndGet() > 1) {
                return text("done");
            }
            CountDownLatch stop = new CountDownLatch(1);
            scope.interruption().onRequest(stop::countDown);
            inCall.countDown();
            Sessions.await(stop);
            throw dev.perdure.model.ModelException.of(dev.perdure.model.ModelException.Kind.INTERRUPTED, "interrupted");
        };
        AgentRuntime first = AgentRuntime.builder(store)
                .agents(agent(model))
                .closeGrace(Duration.ZERO)
                .build();
        Turn turn = first.open(id, "a").send("hi");
        Sessions.await(inCall);
        first.close();
        try (AgentRuntime second = AgentRuntime.open(store, agent(model))) {
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
            assertThat(second.find(id)).isPresent();
        }
        assertThat(Sessions.count(store, id, Event.HandedBack.class)).isEqualTo(1);
    }

    @Test
    void closedRuntime_refusesWhatIsSent() {
        AgentRuntime runtime = AgentRuntime.open(store, agent(FakeModel.steps(text("x"))));
        AgentSession session = runtime.open(id, "a");
        runtime.close();
        runtime.close();
        assertThatThrownBy(() -> session.send("hi")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void storeThatFailsForAWhile_losesNothing_andDoublesNothing() {
        AtomicInteger verbs = new AtomicInteger();
        FaultyStore shaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                fail(verb, 3);
            }

            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                fail(verb, 4);
            }

            private void fail(String verb, int each) {
                boolean writes = verb.equals("append") || verb.equals("renew") || verb.equals("claimReady");
                if (writes && verbs.incrementAndGet() % each == 0) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        AtomicInteger ran = new AtomicInteger();
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), calls(call("t", "{}"), call("t", "{}")), text("done")))
                .tool(Tool.once("t", "", Json.class, (in, call) -> ran.incrementAndGet())
                        .noProbe())
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(shaky, agent)) {
            AgentSession session = runtime.open(id, "a");
            for (int i = 1; i <= 3; i++) {
                assertThat(Sessions.await(session.send("hi"))).isInstanceOf(Outcome.Done.class);
                assertThat(ran).hasValue(3 * i);
            }
        }
        LogRules.check(Sessions.log(store, id));
    }

    @Test
    void storeThatNeverComesBack_endsTheRun_andItsSenderIsTold() {
        FaultyStore dying = new FaultyStore(store).dieBefore(FaultyStore.with(Event.ModelReplied.class));
        CountDownLatch failed = new CountDownLatch(1);
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                failed.countDown();
            }
        };
        try (AgentRuntime runtime = Sessions.quick(dying, agent(FakeModel.steps(text("x"))))
                .listener(listener)
                .build()) {
            Turn turn = runtime.open(id, "a").send("hi");
            assertThatThrownBy(() -> Sessions.await(turn))
                    .isInstanceOf(PerdureException.class)
                    .hasMessageContaining("this process is dead");
            Sessions.await(failed);
        }
    }

    @Test
    void leaseThatRanOutByTheOwnClock_stopsTheTools_althoughTheStoreIsSilent() {
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        AtomicBoolean silent = new AtomicBoolean();
        FaultyStore flaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (silent.get()) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> {
                    call.interruption().onRequest(stopped::countDown);
                    inTool.countDown();
                    never.await();
                    return "never";
                }))
                .build();
        try (AgentRuntime runtime = Sessions.quick(flaky, agent).workers(0).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.await(inTool);
            silent.set(true);
            Sessions.await(stopped);
        }
        assertThat(Sessions.count(store, id, Event.ToolFinished.class)).isZero();
    }

    @Test
    void errorInWhatAModelClientRegistered_doesNotStopTheRenewalOfOtherSessions() {
        SessionId other = SessionId.of("acme", "other");
        CountDownLatch busy = new CountDownLatch(2);
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger renewals = new AtomicInteger();
        FaultyStore counting = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void after(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew")) {
                    renewals.incrementAndGet();
                }
            }
        });
        AtomicInteger asked = new AtomicInteger();
        ModelClient model = (request, scope) -> {
            if (scope.session().equals(other)) {
                scope.interruption().onRequest(() -> {
                    told.countDown();
                    throw new NoClassDefFoundError("an optional library");
                });
            } else {
                asked.incrementAndGet();
            }
            busy.countDown();
            Sessions.await(go);
            return text("done");
        };
        try (AgentRuntime runtime = Sessions.quick(counting, agent(model)).build()) {
            AgentSession lost = runtime.open(other, "a");
            lost.send("hi");
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(busy);
            lost.delete();
            Sessions.await(told);
            int before = renewals.get();
            Sessions.eventually("leases are renewed on", () -> renewals.get() > before + 4);
            go.countDown();
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
        assertThat(asked).hasValue(1);
    }

    @Test
    void errorInWhatAToolRegistered_doesNotKeepItsRunFromEnding() {
        CountDownLatch inTool = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        AtomicBoolean fail = new AtomicBoolean();
        FaultyStore flaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (batch != null && fail.compareAndSet(true, false)) {
                    throw StoreException.unusable("disk full, once", null, null);
                }
            }
        });
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("waits", "{}"), call("ends", "{}")), text("done")))
                .tool(Tool.pure("waits", "", Json.class, (in, call) -> {
                    if (call.attempt() == 1) {
                        call.interruption().onRequest(() -> {
                            throw new NoClassDefFoundError("an optional library");
                        });
                        inTool.countDown();
                        never.await();
                    }
                    return "ok";
                }))
                .tool(Tool.pure("ends", "", Json.class, (in, call) -> {
                    inTool.await();
                    fail.set(true);
                    return "ok";
                }))
                .build();
        try (AgentRuntime runtime = Sessions.quick(flaky, agent).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.eventually("another run has ended the turn", () -> ended(id));
        }
    }

    @Test
    void closeDuringACommandInTheSandbox_leavesItRunning_andTheNextWorkerPicksItUp(@TempDir Path folder)
            throws IOException {
        Path began = folder.resolve("began");
        Path go = folder.resolve("go");
        String command = "echo x >> " + began + "; while [ ! -e " + go + " ]; do sleep 0.02; done; echo finished";
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(
                        calls(call("shell", Json.of(Map.of("command", command)).text())), text("done")))
                .sandbox(LocalSandbox.inFolder(folder.resolve("sandboxes")).isolation(LocalSandbox.Isolation.NONE))
                .build();
        try (AgentRuntime first = Sessions.quick(store, agent).build()) {
            first.open(id, "a").send("hi");
            Sessions.eventually("the command runs", () -> Files.exists(began));
        }
        assertThat(Sessions.count(store, id, Event.HandedBack.class)).isOne();
        try (AgentRuntime next = Sessions.quick(store, agent).build()) {
            assertThat(next.find(id)).isPresent();
            Sessions.eventually("taken up", () -> Sessions.count(store, id, Event.ToolStarted.class) == 2);
            Files.createFile(go);
            Sessions.eventually("the turn is over", () -> ended(id));
        }
        assertThat(Sessions.events(store, id, Event.ToolFinished.class).get(0).output())
                .contains("exit code 0", "finished");
        assertThat(Files.readAllLines(began)).hasSize(1);
    }

    /** Else its lease would be renewed for ever, with no run behind it. */
    @Test
    void runWhoseEndFailsToo_isOver_andAnotherGoesOn() {
        AtomicBoolean append = new AtomicBoolean();
        AtomicBoolean post = new AtomicBoolean();
        FaultyStore broken = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                boolean result = batch != null
                        && batch.events().stream().anyMatch(draft -> draft.event() instanceof Event.ToolFinished);
                if (result && append.compareAndSet(false, true)) {
                    throw new IllegalStateException("broken");
                } else if (verb.equals("post") && post.compareAndSet(false, true)) {
                    throw new NoClassDefFoundError("gone");
                }
            }
        });
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(calls(call("t", "{}")), text("done")))
                .tool(Tool.pure("t", "", Json.class, (in, call) -> "ran"))
                .build();
        try (AgentRuntime runtime = Sessions.quick(broken, agent).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.eventually("another run goes on", () -> Sessions.count(store, id, Event.TurnEnded.class) == 1);
        }
        assertThat(post).isTrue();
    }

    @Test
    void runtimeWithoutWorkers_goesOnWhenARunBrokeOffAtItsStart_whileSomebodyFollows() {
        AtomicBoolean once = new AtomicBoolean();
        FaultyStore flaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("read") && once.compareAndSet(false, true)) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        try (AgentRuntime runtime = Sessions.quick(flaky, agent(FakeModel.steps(text("done"))))
                .workers(0)
                .build()) {
            Turn turn = runtime.open(id, "a").send("hi");
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
        assertThat(once).isTrue();
    }

    @Test
    void runtimeWithoutWorkers_goesOnAfterAPassingFault_whileSomebodyFollows() {
        CountDownLatch busy = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        AtomicBoolean down = new AtomicBoolean();
        FaultyStore flaky = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (down.get()) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        FakeModel model = new FakeModel(request -> {
            busy.countDown();
            Sessions.await(go);
            return text("done");
        });
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }
        };
        try (AgentRuntime runtime = Sessions.quick(flaky, agent(model))
                .workers(0)
                .listener(listener)
                .build()) {
            Turn turn = runtime.open(id, "a").send("hi");
            Sessions.await(busy);
            down.set(true);
            go.countDown();
            Sessions.await(lost);
            down.set(false);
            assertThat(Sessions.await(turn)).isInstanceOf(Outcome.Done.class);
        }
    }

    @Test
    void sessionThatANewerVersionWrote_isLeftToIt_howeverOftenItIsClaimed() {
        AtomicInteger refused = new AtomicInteger();
        RuntimeListener listener = new RuntimeListener() {
            @Override
            public void onRunFailed(SessionId session, Throwable error) {
                refused.incrementAndGet();
            }
        };
        post(id, "k");
        SessionStore.Terms newer = SessionStore.Terms.of(WorkerId.random());
        Lease lease = ((SessionStore.Claimed.Held) store.claim(id, newer)).lease();
        Draft future = new Draft(
                EventId.random(),
                0,
                new Event.NoteKept("x", Json.NULL),
                "{\"v\":1,\"type\":\"TimerSet\",\"critical\":true}");
        // The store in memory gives back objects; a durable one would have to read this text.
        FaultyStore old = new FaultyStore(store).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("read")) {
                    throw new UnsupportedFormatException("the event type TimerSet is unknown to this version");
                }
            }
        });
        store.append(
                lease,
                store.head(id),
                new SessionStore.Batch(
                        List.of(future),
                        List.of(),
                        List.of(),
                        List.of(),
                        null,
                        new SessionStore.Release(SessionStatus.READY, 0)));
        try (AgentRuntime runtime = Sessions.quick(old, agent(FakeModel.steps(text("x"))))
                .quarantineAfter(3)
                .listener(listener)
                .build()) {
            assertThat(runtime.find(id)).isPresent();
            Sessions.eventually("claimed time and again", () -> refused.get() > 4);
        }
        assertThat(store.find(id).orElseThrow().status()).isNotEqualTo(SessionStatus.QUARANTINED);
    }

    @Test
    void deletedSession_leavesNoSandbox(@TempDir Path folder) throws IOException {
        Agent agent = Agent.builder("a")
                .model(FakeModel.steps(
                        calls(call("write_file", "{\"path\":\"secret.txt\",\"content\":\"x\"}")), text("done")))
                .sandbox(LocalSandbox.inFolder(folder).isolation(LocalSandbox.Isolation.NONE))
                .build();
        try (AgentRuntime runtime = Sessions.quick(store, agent).build()) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send("hi"));
            assertThat(secrets(folder)).isOne();
            assertThat(session.delete()).isTrue();
            assertThat(secrets(folder)).isZero();
        }
    }

    private static long secrets(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith("secret.txt")).count();
        }
    }
}

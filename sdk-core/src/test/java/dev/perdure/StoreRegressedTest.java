package dev.perdure;

import static dev.perdure.FakeModel.call;
import static dev.perdure.FakeModel.calls;
import static dev.perdure.FakeModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Tool;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A failover to a store that lacks the end of a log, which its holder has seen acknowledged. */
@Timeout(40)
class StoreRegressedTest {
    private final SessionId id = SessionId.of("acme", "s");
    private final InMemorySessionStore before = InMemorySessionStore.create();
    private final InMemorySessionStore after = InMemorySessionStore.create();
    private final AtomicReference<SessionStore> primary = new AtomicReference<>(before);
    /** What a process sees, whose pool follows the primary. */
    private final SessionStore store = following(primary);

    private final CountDownLatch inTool = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger ran = new AtomicInteger();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final RuntimeListener listener = new RuntimeListener() {
        @Override
        public void onStoreRegressed(SessionId session, long found, long acknowledged) {
            told.add(found + " of " + acknowledged);
        }
    };

    private static SessionStore following(AtomicReference<SessionStore> primary) {
        return (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(), new Class<?>[] {SessionStore.class}, (self, method, arguments) -> {
                    try {
                        return method.invoke(primary.get(), arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
    }

    private Agent paying() {
        return Agent.builder("a")
                .model(FakeModel.steps(calls(call("pay", "{}")), text("done")))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                            inTool.countDown();
                            Sessions.await(go);
                            return "paid " + ran.incrementAndGet();
                        })
                        .noProbe())
                .build();
    }

    /** The standby has the log up to event {@code last}, given back as {@code status}, and nothing of the inbox. */
    private void standbyHas(long last, SessionStatus status) {
        List<Recorded> log = Sessions.log(before, id);
        after.open(new SessionStore.NewSession(id, "a", Map.of(), draft(log.get(0))));
        List<Draft> rest = log.subList(1, (int) last).stream()
                .map(StoreRegressedTest::draft)
                .toList();
        if (!rest.isEmpty()) {
            Lease lease = claimed(after, WorkerId.random());
            after.append(
                    lease,
                    after.head(id),
                    new SessionStore.Batch(
                            rest, List.of(), List.of(), List.of(), null, new SessionStore.Release(status, 0)));
        }
    }

    private Lease claimed(SessionStore by, WorkerId worker) {
        return ((SessionStore.Claimed.Held) by.claim(id, SessionStore.Terms.of(worker))).lease();
    }

    private static Draft draft(Recorded recorded) {
        return new Draft(recorded.id(), recorded.turn(), recorded.event(), recorded.json());
    }

    private long seqOf(SessionStore in, Class<? extends Event> type) {
        return Sessions.log(in, id).stream()
                .filter(recorded -> type.isInstance(recorded.event()))
                .findFirst()
                .orElseThrow()
                .seq();
    }

    /** The reply and the intent to pay are lost; the holder has them, and nobody has written since. */
    @Test
    void lostTailOfItsHolder_isWrittenAgain_andReported_andNothingRunsTwice() {
        try (AgentRuntime runtime =
                Sessions.quick(store, paying()).listener(listener).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.await(inTool);
            List<Recorded> promised = Sessions.log(before, id);
            standbyHas(seqOf(before, Event.InputReceived.class), SessionStatus.IDLE);
            primary.set(after);
            Sessions.eventually("restored", () -> Sessions.count(after, id, Event.StoreRegressed.class) == 1);
            go.countDown();
            Sessions.eventually("the turn ends", () -> Sessions.count(after, id, Event.TurnEnded.class) == 1);

            assertThat(Sessions.log(after, id).subList(0, promised.size()))
                    .extracting(Recorded::id)
                    .isEqualTo(promised.stream().map(Recorded::id).toList());
            assertThat(Sessions.events(after, id, Event.StoreRegressed.class))
                    .containsExactly(new Event.StoreRegressed(3, promised.size(), true));
            assertThat(told).containsExactly("3 of " + promised.size());
        }
        assertThat(ran).hasValue(1);
        assertThat(Sessions.events(after, id, Event.ToolFinished.class))
                .extracting(Event.ToolFinished::output)
                .containsExactly("paid 1");
        LogRules.check(Sessions.log(after, id));
    }

    /** With the input its place in the inbox is lost, so the log alone would not be the whole truth. */
    @Test
    void lostTailThatIsMoreThanEvents_setsTheSessionAside_untilAnOperatorResumesIt() {
        try (AgentRuntime runtime =
                Sessions.quick(store, paying()).listener(listener).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.await(inTool);
            int promised = Sessions.log(before, id).size();
            standbyHas(1, SessionStatus.IDLE);
            primary.set(after);
            Sessions.eventually("set aside", () -> after.find(id).orElseThrow().status() == SessionStatus.QUARANTINED);
            go.countDown();
            assertThat(told).containsExactly("1 of " + promised);
            assertThat(Sessions.events(after, id, Event.StoreRegressed.class))
                    .containsExactly(new Event.StoreRegressed(1, promised, false));
            assertThat(Sessions.types(after, id)).doesNotContain("ToolStarted");

            runtime.operator().resume(id, Actor.user("ops"));
            Sessions.eventually("resumed", () -> after.find(id).orElseThrow().status() == SessionStatus.IDLE);
            // Said once: what the log says itself sets nothing aside again.
            assertThat(told).hasSize(1);
        }
        assertThat(ran.get()).isLessThanOrEqualTo(1);
    }

    @Test
    void anotherWorkerThatGoesOnWithTheShorterLog_isStopped_andTheSessionSetAside() {
        CountDownLatch secondInCall = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        Agent slow = Agent.builder("a")
                .model((request, scope) -> {
                    scope.interruption().onRequest(never::countDown);
                    secondInCall.countDown();
                    Sessions.await(never);
                    throw dev.perdure.model.ModelException.of(
                            dev.perdure.model.ModelException.Kind.INTERRUPTED, "interrupted");
                })
                .build();
        try (AgentRuntime first = AgentRuntime.builder(store)
                .agents(paying())
                .workers(0)
                .lease(Duration.ofSeconds(3))
                .closeGrace(Duration.ofSeconds(1))
                .listener(listener)
                .build()) {
            first.open(id, "a").send("hi");
            Sessions.await(inTool);
            standbyHas(seqOf(before, Event.InputReceived.class), SessionStatus.READY);
            try (AgentRuntime second = Sessions.quick(after, slow).build()) {
                Sessions.await(secondInCall);
                primary.set(after);
                go.countDown();
                Sessions.eventually(
                        "set aside", () -> after.find(id).orElseThrow().status() == SessionStatus.QUARANTINED);
                assertThat(second.find(id)).isPresent();
            }
        }
        assertThat(Sessions.events(after, id, Event.StoreRegressed.class))
                .singleElement()
                .matches(event -> !event.restored());
        assertThat(told).hasSize(1);
    }

    /** Nobody held the session when its end was lost: the process that had seen it still knows. */
    @Test
    void endThatWasLostAfterTheSessionWasGivenBack_isFoundByTheProcessThatRemembersIt() {
        go.countDown();
        try (AgentRuntime runtime =
                Sessions.quick(store, paying()).listener(listener).build()) {
            AgentSession session = runtime.open(id, "a");
            Sessions.await(session.send("hi"));
            int promised = Sessions.log(before, id).size();
            standbyHas(seqOf(before, Event.ModelReplied.class), SessionStatus.READY);
            primary.set(after);
            Sessions.eventually("set aside", () -> after.find(id).orElseThrow().status() == SessionStatus.QUARANTINED);
            assertThat(told).hasSize(1);
            assertThat(Sessions.events(after, id, Event.StoreRegressed.class))
                    .containsExactly(new Event.StoreRegressed(4, promised, false));
        }
        assertThat(ran).hasValue(1);
    }

    /** The log is as long as it was, and another: what a later run of the same process finds is the loss that the log tells of. */
    @Test
    void resumedSession_whoseLogGrewBehindTheLoss_isNotSetAsideAgain() {
        go.countDown();
        try (AgentRuntime runtime =
                Sessions.quick(store, paying()).listener(listener).build()) {
            Sessions.await(runtime.open(id, "a").send("hi"));
            int promised = Sessions.log(before, id).size();
            standbyHas(seqOf(before, Event.ModelReplied.class), SessionStatus.WAITING);
            Lease lease = claimed(after, WorkerId.random());
            List<Draft> others = new ArrayList<>();
            for (int i = 0; i < promised; i++) {
                others.add(Draft.of(EventId.random(), 1, new Event.NoteKept("by", Json.of("another"))));
            }
            after.append(
                    lease,
                    after.head(id),
                    new SessionStore.Batch(
                            others,
                            List.of(),
                            List.of(),
                            List.of(),
                            null,
                            new SessionStore.Release(SessionStatus.READY, 0)));
            primary.set(after);
            Sessions.eventually("set aside", () -> after.find(id).orElseThrow().status() == SessionStatus.QUARANTINED);

            runtime.operator().resume(id, Actor.user("ops"));
            Sessions.eventually("goes on", () -> after.find(id).orElseThrow().status() == SessionStatus.IDLE);
            assertThat(told).containsExactly((promised - 1) + " of " + promised);
        }
    }

    @Test
    void ordinaryTakeover_andADeletedSession_areNoLoss() {
        CountDownLatch lost = new CountDownLatch(2);
        RuntimeListener both = listener.andThen(new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }
        });
        SessionId other = SessionId.of("acme", "other");
        FaultyStore unrenewed = new FaultyStore(before).hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.@Nullable Batch batch) {
                if (verb.equals("renew")) {
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        try (AgentRuntime runtime =
                Sessions.quick(unrenewed, paying()).workers(0).listener(both).build()) {
            runtime.open(id, "a").send("hi");
            runtime.open(other, "a").send("hi");
            Sessions.eventually(
                    "both run",
                    () -> Sessions.count(before, id, Event.ToolStarted.class)
                                    + Sessions.count(before, other, Event.ToolStarted.class)
                            == 2);
            before.delete(other);
            SessionStore.Terms terms = new SessionStore.Terms(
                    WorkerId.random(), Duration.ofSeconds(15), 100, Duration.ZERO, Duration.ZERO);
            Lease lease = claimed(before, terms);
            before.append(
                    lease,
                    before.head(id),
                    SessionStore.Batch.of(
                            List.of(Draft.of(EventId.random(), 1, new Event.NoteKept("by", Json.of("another"))))));
            go.countDown();
            Sessions.await(lost);
        }
        assertThat(told).isEmpty();
        assertThat(Sessions.types(before, id)).doesNotContain("StoreRegressed");
        assertThat(before.find(id).orElseThrow().status()).isEqualTo(SessionStatus.RUNNING);
    }

    /** Whoever ran the one before cannot tell an erasure from a loss; the new one has nothing to do with either. */
    @Test
    void nameThatWasErasedAndTakenAgain_isAnotherSession_whichGoesOn() {
        CountDownLatch lost = new CountDownLatch(1);
        RuntimeListener both = listener.andThen(new RuntimeListener() {
            @Override
            public void onLeaseLost(SessionId session) {
                lost.countDown();
            }
        });
        SessionStore.Post message = Input.text("hi").key("k").post();
        try (AgentRuntime runtime =
                Sessions.quick(before, paying()).workers(0).listener(both).build()) {
            runtime.open(id, "a").send("hi");
            Sessions.await(inTool);
            runtime.operator().erase(id.tenant());
            before.open(new SessionStore.NewSession(
                    id, "a", Map.of(), Draft.of(EventId.random(), 0, new Event.SessionOpened("a", Map.of()))));
            before.post(id, message);
            Sessions.await(lost);
            go.countDown();
        }
        List<InboxItem> inbox = before.inbox(id, 0, 10);
        assertThat(inbox).extracting(InboxItem::kind).doesNotContain(Event.InputKind.SET_ASIDE);
        assertThat(Sessions.types(before, id)).doesNotContain("StoreRegressed");
        assertThat(before.find(id).orElseThrow().status()).isIn(SessionStatus.READY, SessionStatus.RUNNING);
        // The late result of the old run may have made this process claim the new session, and begin with it.
        boolean waits = inbox.stream().anyMatch(item -> item.kind() == Event.InputKind.MESSAGE);
        boolean taken = Sessions.events(before, id, Event.InputReceived.class).stream()
                .anyMatch(input ->
                        input.kind() == Event.InputKind.MESSAGE && input.key().equals("k"));
        assertThat(waits || taken).isTrue();
    }

    private Lease claimed(SessionStore by, SessionStore.Terms terms) {
        AtomicReference<Lease> lease = new AtomicReference<>();
        Sessions.eventually("claimed", () -> {
            if (by.claim(id, terms) instanceof SessionStore.Claimed.Held held) {
                lease.set(held.lease());
            }
            return lease.get() != null;
        });
        return lease.get();
    }
}

package dev.perdure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.PerdureException;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.spi.Lease;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Snapshot;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A long session goes on from its snapshot as if its whole log had been read, and a snapshot that is of no use does no harm. */
@Timeout(60)
class SnapshotTest {
    private final InMemorySessionStore store = InMemorySessionStore.create();
    private final SessionId id = SessionId.of("acme", "long");

    /** What was read of the store through {@link #watched}: "read after limit" and the like. */
    private final List<String> reads = Collections.synchronizedList(new ArrayList<>());

    private final AtomicInteger rows = new AtomicInteger();

    private SessionStore watched(SessionStore of) {
        return (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(), new Class<?>[] {SessionStore.class}, (proxy, verb, arguments) -> {
                    try {
                        Object answer = verb.invoke(of, arguments);
                        if (verb.getName().equals("read")) {
                            rows.addAndGet(((List<?>) answer).size());
                            reads.add("read " + arguments[1] + " " + arguments[2]);
                        } else if (verb.getName().equals("snapshot")) {
                            reads.add("snapshot");
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** An agent whose model takes so many messages, and then asks for a summary. */
    private static Agent agent(int window) {
        return Agent.builder("a").model(model(window)).build();
    }

    private static Agent deciding(Function<SessionView, Decision> next) {
        return new Agent() {
            @Override
            public String name() {
                return "a";
            }

            @Override
            public Decision next(SessionView view) {
                return next.apply(view);
            }

            @Override
            public ModelClient model() {
                return FakeModel.steps(FakeModel.text("unused"));
            }
        };
    }

    private static FakeModel model(int window) {
        return new FakeModel(request -> {
            boolean compacts = request.instructions().startsWith("Sum up");
            if (!compacts && request.messages().size() > window) {
                throw ModelException.of(ModelException.Kind.CONTEXT_WINDOW, "too long");
            }
            return FakeModel.text(
                    compacts
                            ? "the story so far"
                            : "reply " + request.messages().size());
        });
    }

    private static ModelRequest lastRequest(Agent agent) {
        List<ModelRequest> requests = ((FakeModel) agent.model()).requests;
        return requests.get(requests.size() - 1);
    }

    /** Four events a turn. */
    private void chat(SessionStore through, Agent agent, int turns) {
        try (AgentRuntime runtime = AgentRuntime.open(through, agent)) {
            for (int i = 0; i < turns; i++) {
                Sessions.await(runtime.open(id, "a").send("input " + i));
            }
        }
    }

    /** A session of some 600 events, and where its snapshot is. */
    private Position longSession(int window) {
        chat(store, agent(window), 150);
        // Then none is on its way any more: the next is due after 200 events.
        long end = store.head(id).seq();
        Sessions.eventually(
                "a snapshot near the end",
                () -> store.snapshot(id).filter(s -> s.at().seq() > end - 200).isPresent());
        return store.snapshot(id).orElseThrow().at();
    }

    /** What an agent asks its model for when it has read the whole log up to the last input. */
    private ModelRequest expectedRequest(Agent agent) {
        List<Recorded> log = Sessions.log(store, id);
        int replied = log.size() - 2;
        assertThat(log.get(replied).event()).isInstanceOf(Event.ModelReplied.class);
        return ((Decision.CallModel) agent.next(SessionView.of(id, log.subList(0, replied)))).request();
    }

    @Test
    void resume_withASnapshot_readsOnlyTheTail_whenASummaryStandsForThePast() {
        Position at = longSession(100);
        int length = Sessions.log(store, id).size();
        List<Integer> atModelCall = new ArrayList<>();
        FakeModel model = new FakeModel(request -> {
            atModelCall.add(rows.get());
            return FakeModel.text("done");
        });
        Agent agent = Agent.builder("a").model(model).build();

        chat(watched(store), agent, 1);

        assertThat(lastRequest(agent)).isEqualTo(expectedRequest(agent));
        long covered = Sessions.events(store, id, Event.ModelReplied.class).stream()
                .filter(reply -> reply.purpose() == Event.Purpose.COMPACT)
                .mapToLong(reply -> reply.covers())
                .max()
                .orElseThrow();
        // The event of the snapshot and what came after it; what the summary leaves of what came before, once; nothing
        // else.
        assertThat(reads.subList(0, 2)).containsExactly("snapshot", "read " + (at.seq() - 1) + " 1000");
        assertThat(atModelCall).containsExactly((int) (length - at.seq() + 1 + Math.max(0, at.seq() - covered)));
    }

    @Test
    void resume_withoutASummary_readsThePastWhenTheAgentLooks_andAsksTheSame() {
        longSession(10_000);
        Agent agent = agent(10_000);

        chat(watched(store), agent, 1);

        assertThat(lastRequest(agent)).isEqualTo(expectedRequest(agent));
        assertThat(lastRequest(agent).messages()).hasSize(301);
        assertThat(reads).startsWith("snapshot");
    }

    @Test
    void resume_ofAShortSession_asksForNoSnapshot() {
        chat(watched(store), agent(100), 20);

        assertThat(reads).isNotEmpty().doesNotContain("snapshot");
        assertThat(store.snapshot(id)).isEmpty();
    }

    @Test
    void snapshots_areTakenEverySoManyEvents_andAreWhatTheLogComesTo() {
        Position at = longSession(100);

        List<Recorded> before = Sessions.log(store, id).subList(0, (int) at.seq());
        Snapshot kept = store.snapshot(id).orElseThrow();
        assertThat(kept).isEqualTo(new Snapshot(at, SessionView.of(id, before).snapshot()));
    }

    /** Of a session whose state is large and whose events are small there are fewer. */
    @Test
    void snapshots_neverTakeMoreThanTheLog() {
        AtomicInteger kept = new AtomicInteger();
        FaultyStore counted = new FaultyStore(store) {
            @Override
            public boolean saveSnapshot(Lease lease, Snapshot snapshot) {
                boolean saved = super.saveSnapshot(lease, snapshot);
                kept.addAndGet(saved ? snapshot.body().length() : 0);
                return saved;
            }
        };
        Agent noting = deciding(view -> view.notes().isEmpty()
                ? new Decision.KeepNote("big", Json.of("x".repeat(20_000)))
                : new Decision.Finish("done"));
        try (AgentRuntime runtime =
                AgentRuntime.builder(counted).agents(noting).snapshotEvery(2).build()) {
            for (int i = 0; i < 200; i++) {
                Sessions.await(runtime.open(id, "a").send("input " + i));
            }
        }
        long written = Sessions.log(store, id).stream()
                .mapToLong(event -> event.json().length())
                .sum();
        assertThat(kept.get()).isPositive().isLessThan((int) (written + 20_500));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "no json", "{}", "[]", "{\"foldedBy\":\"0\"}", "TRUNCATED", "NULLED"})
    void snapshotThatIsDamagedOrOfAnotherVersion_isIgnored_andTheLogIsRead(String body) {
        Position at = longSession(100);
        String good = store.snapshot(id).orElseThrow().body();
        String bad = body.equals("TRUNCATED")
                ? good.substring(0, good.length() / 2)
                : body.equals("NULLED") ? good.replaceFirst("\"calls\":\\[.*?\\]", "\"calls\":null") : body;
        assertThat(bad).isNotEqualTo(good);

        resumesWithoutSnapshot(new Snapshot(at, bad));
    }

    @Test
    void snapshotOfALogThatLostItsEnd_isIgnored_andTheLogIsRead() {
        Position at = longSession(100);
        String good = store.snapshot(id).orElseThrow().body();

        resumesWithoutSnapshot(new Snapshot(new Position(at.seq(), EventId.random()), good));
        resumesWithoutSnapshot(new Snapshot(new Position(100_000, EventId.random()), good));
    }

    private void resumesWithoutSnapshot(Snapshot bad) {
        FaultyStore other = new FaultyStore(store) {
            @Override
            public java.util.Optional<Snapshot> snapshot(SessionId session) {
                return java.util.Optional.of(bad);
            }
        };
        int length = Sessions.log(store, id).size();
        Agent agent = agent(100);
        reads.clear();

        chat(watched(other), agent, 1);

        assertThat(lastRequest(agent)).isEqualTo(expectedRequest(agent));
        assertThat(reads).contains("snapshot", "read 0 1000");
        // It is made anew from the log.
        Sessions.eventually(
                "a new snapshot", () -> store.snapshot(id).orElseThrow().at().seq() >= length);
    }

    @Test
    void snapshotsThatCannotBeReadOrKept_areNoFault() {
        longSession(100);
        AtomicInteger failed = new AtomicInteger();
        FaultyStore shaky = new FaultyStore(store);
        shaky.hook(new FaultyStore.Hook() {
            @Override
            public void before(String verb, SessionStore.Batch batch) {
                if (verb.endsWith("napshot")) {
                    failed.incrementAndGet();
                    throw FaultyStore.unavailable(verb);
                }
            }
        });
        Agent agent = agent(100);

        chat(shaky, agent, 2);

        assertThat(lastRequest(agent)).isEqualTo(expectedRequest(agent));
        Sessions.eventually("two reads and two writes that failed", () -> failed.get() >= 4);
    }

    @Test
    void pastThatCannotBeRead_breaksTheRunOff_whateverTheAgentMakesOfIt_andFailsNoTurn() {
        longSession(100);
        AtomicInteger tries = new AtomicInteger();
        Agent curious = deciding(view -> {
            try {
                return new Decision.Finish(
                        "first of all: " + view.events().get(0).event().type());
            } catch (RuntimeException e) {
                return new Decision.Finish("nobody knows what came first");
            }
        });
        FaultyStore down = new FaultyStore(store) {
            @Override
            public List<Recorded> read(SessionId session, long after, int limit) {
                if (after == 0 && tries.incrementAndGet() == 1) {
                    throw FaultyStore.unavailable("read");
                }
                return super.read(session, after, limit);
            }
        };
        try (AgentRuntime runtime = Sessions.quick(down, curious).build()) {
            Outcome outcome = Sessions.await(runtime.open(id, "a").send("what came first?"));
            assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("first of all: SessionOpened");
        }
        assertThat(tries).hasValue(2);
    }

    // ---- the view itself

    private List<Recorded> notes(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> Recorded.of(
                        i,
                        EventId.random(),
                        0,
                        0,
                        java.time.Instant.EPOCH,
                        "{\"v\":1,\"type\":\"NoteKept\",\"name\":\"n\",\"value\":" + i + "}"))
                .toList();
    }

    @Test
    void past_isReadWhenItIsLookedAt_once_andInGrowingPages() {
        List<Recorded> log = notes(5_000);
        SessionView before = SessionView.of(id, log.subList(0, 4_990));
        SessionView view = SessionView.of(id, before.position(), before.snapshot(), (after, limit) -> {
                    reads.add("read " + after + " " + limit);
                    return Resumed.past(log).read(after, limit);
                })
                .orElseThrow();
        for (Recorded event : log.subList(4_990, 5_000)) {
            view = view.with(event);
        }
        assertThat(view.position()).isEqualTo(log.get(4_999).position());
        assertThat(view.events().get(4_995)).isEqualTo(log.get(4_995));
        assertThat(view.notes()).containsEntry("n", Json.of(5_000));
        assertThat(reads).isEmpty();

        assertThat(view.events().get(0)).isEqualTo(log.get(0));
        assertThat(reads).containsExactly("read 0 100");

        assertThat(view.events()).isEqualTo(log);
        assertThat(view.events()).isEqualTo(log);
        assertThat(reads).hasSizeLessThan(9).doesNotHaveDuplicates();
        reads.clear();

        SessionView backwards = SessionView.of(id, before.position(), before.snapshot(), (after, limit) -> {
                    reads.add("read " + after + " " + limit);
                    return Resumed.past(log).read(after, limit);
                })
                .orElseThrow();
        for (int i = 4_989; i >= 0; i--) {
            assertThat(backwards.events().get(i)).isEqualTo(log.get(i));
        }
        assertThat(reads).startsWith("read 4890 100", "read 4590 300").hasSizeLessThan(9);
    }

    @Test
    void past_thatIsGone_isSaid_notMadeUp() {
        SessionView before = SessionView.of(id, notes(10));
        SessionView view = SessionView.of(id, before.position(), before.snapshot(), (after, limit) -> List.of())
                .orElseThrow();

        assertThatThrownBy(() -> view.events().get(3))
                .isInstanceOf(PerdureException.class)
                .hasMessageContaining("acme/long");
        assertThat(view.position()).isEqualTo(before.position());
    }
}

package dev.perdure.testkit.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Input;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.ToolCall;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is checked after a run is found when it is wrong: in a session that went well, one thing at a time is changed. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RoundCheckTest {
    private static final int INPUTS = 12;
    private static final int SESSIONS = 2;

    @TempDir
    Path folder;

    private final SessionStore store = InMemorySessionStore.create();
    private Settings settings;
    private Round round;
    private SessionId session;
    private Ledgers ledgers;
    private Witness witness;
    private Watch watch;

    @BeforeEach
    void live() {
        settings = new Settings("none", folder);
        settings.sessions = SESSIONS;
        settings.lease = Duration.ofSeconds(10);
        round = new Round(folder, 1);
        session = round.sessions(SESSIONS).get(0);
        ledgers = new Ledgers(folder);
        witness = new Witness(folder, 0);
        Outside outside = new Outside(store, ledgers);
        watch = new Watch(store, outside, SESSIONS);
        watch.add(round);
        Agent agent = witness.watching(CrashAgent.of(outside, point -> {}, settings.lease), point -> {});
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent)
                .listener(witness)
                .poll(Duration.ofMillis(10))
                .build()) {
            round.sessions(SESSIONS).forEach(to -> send(runtime.open(to, Orders.AGENT)));
            while (watch.unfinished(round).isPresent()) {
                watch.look();
                Thread.onSpinWait();
            }
        }
        assertThat(watch.found()).isEmpty();
    }

    private void send(AgentSession to) {
        for (int i = 1; i <= INPUTS; i++) {
            String key = "w0-" + i;
            to.send(Input.text(key + " to " + to.id()).key(key).from(Actor.user("w0")));
            witness.sent(to.id(), key);
        }
    }

    @AfterEach
    void close() {
        witness.close();
        ledgers.close();
        store.close();
    }

    @Test
    void nothingIsFound_whenNothingIsWrong() {
        assertThat(check(store)).isEmpty();
        assertThat(log()).hasSizeGreaterThan(INPUTS * 5);
    }

    @Test
    void lostTail_isP1() {
        assertThat(properties(log -> log.subList(0, log.size() - 3))).contains("P1");
    }

    @Test
    void lostInput_isP1() {
        assertThat(properties(log -> without(
                        log,
                        event -> event.event() instanceof Event.InputReceived input
                                && input.key().equals("w0-3"))))
                .contains("P1");
    }

    @Test
    void hole_isP2() {
        assertThat(properties(
                        log -> log.stream().filter(event -> event.seq() != 7).toList()))
                .contains("P2");
    }

    @Test
    void fenceThatFalls_isP2() {
        assertThat(properties(log -> changed(
                        log,
                        event -> event.seq() == 3,
                        event -> Recorded.of(
                                event.seq(),
                                event.id(),
                                event.turn(),
                                event.fence() + 1_000,
                                event.at(),
                                json(event)))))
                .contains("P2");
    }

    @Test
    void inputAppliedTwice_isP3() {
        assertThat(properties(log -> {
                    Recorded first = log.stream()
                            .filter(event -> event.event() instanceof Event.InputReceived)
                            .findFirst()
                            .orElseThrow();
                    List<Recorded> more = new ArrayList<>(log);
                    more.add(Recorded.of(
                            log.size() + 1,
                            EventId.random(),
                            0,
                            log.get(log.size() - 1).fence(),
                            first.at(),
                            json(first)));
                    return more;
                }))
                .contains("P3");
    }

    @Test
    void secondEffectOfAOnceCall_isP4() {
        EffectLedger.Entry done = ledgers.of(round).entries().stream()
                .filter(entry -> entry.session().equals(session) && entry.effect() == Effect.ONCE)
                .findFirst()
                .orElseThrow();
        ledgers.of(round).perform(Effect.ONCE, call(done), done.intent());

        assertThat(check(store)).extracting(Violation::property).containsOnly("P4");
    }

    @Test
    void effectBeforeItsIntent_isP4() {
        EffectLedger.Entry done = ledgers.of(round).entries().get(0);
        ledgers.of(round).perform(Effect.IDEMPOTENT, call(done), 0);

        assertThat(check(store)).extracting(Violation::property).contains("P4");
    }

    @Test
    void callWithoutResult_isP5() {
        assertThat(properties(log -> without(log, event -> event.event() instanceof Event.ToolFinished)))
                .contains("P5");
    }

    @Test
    void otherRequest_isP6() {
        assertThat(properties(log -> changed(
                        log,
                        event -> event.event() instanceof Event.InputReceived,
                        event -> Recorded.of(
                                event.seq(),
                                event.id(),
                                event.turn(),
                                event.fence(),
                                event.at(),
                                json(event).replace("w0-2 to", "w0-2  to")))))
                .contains("P6");
    }

    @Test
    void eventOfAnEarlierHolderAfterAClaim_isP7() {
        Recorded last = log().get(log().size() - 1);
        witness.claimed(
                new Lease(session, 1, WorkerId.random(), last.fence() + 1, Orders.AGENT, 0, 0, last.at(), null),
                last.seq() - 1);

        assertThat(check(store)).extracting(Violation::property).containsOnly("P7");
    }

    @Test
    void eventUnderAnotherFenceThanItsWriters_isP7() {
        assertThat(properties(log -> changed(
                        log,
                        event -> event.seq() > 5,
                        event -> Recorded.of(
                                event.seq(), event.id(), event.turn(), event.fence() + 1, event.at(), json(event)))))
                .contains("P7");
    }

    @Test
    void lostAnswer_isP8() {
        assertThat(properties(log -> without(log, event -> event.event() instanceof Event.QuestionAnswered)))
                .contains("P8");
    }

    @Test
    void secondAnswer_isP8() {
        assertThat(properties(log -> {
                    Recorded answer = log.stream()
                            .filter(event -> event.event() instanceof Event.QuestionAnswered)
                            .findFirst()
                            .orElseThrow();
                    List<Recorded> more = new ArrayList<>(log);
                    more.add(Recorded.of(
                            log.size() + 1,
                            EventId.random(),
                            0,
                            log.get(log.size() - 1).fence(),
                            answer.at(),
                            json(answer)));
                    return more;
                }))
                .contains("P8");
    }

    @Test
    void inputOfAnotherTenant_isP9() {
        assertThat(properties(log -> changed(
                        log,
                        event -> event.event() instanceof Event.InputReceived,
                        event -> Recorded.of(
                                event.seq(),
                                event.id(),
                                event.turn(),
                                event.fence(),
                                event.at(),
                                json(event).replace("crash-a", "crash-b")))))
                .contains("P9");
    }

    @Test
    void bytesOfAnotherTenant_areP9() {
        SessionStore shared = changed("blobs", answer -> {
            BlobStore blobs = (BlobStore) answer;
            return Proxy.newProxyInstance(
                    BlobStore.class.getClassLoader(),
                    new Class<?>[] {BlobStore.class},
                    (proxy, method, arguments) -> round.sessions(SESSIONS).stream()
                            .map(any -> blobs.find(any, (BlobRef) arguments[1]))
                            .flatMap(Optional::stream)
                            .findFirst());
        });

        assertThat(check(shared)).extracting(Violation::property).containsOnly("P9");
    }

    @Test
    void inputThatNobodyTakesUp_isP10() {
        store.post(session, new SessionStore.Post("later", Event.InputKind.RESUME, Actor.user("ann"), Json.EMPTY));

        assertThat(watch.unfinished(round)).map(Violation::property).contains("P10");
    }

    private List<Recorded> log() {
        return LogChecker.of(store).read(session);
    }

    /** What is found when the log of the session reads as this makes it. */
    private List<String> properties(UnaryOperator<List<Recorded>> change) {
        List<Recorded> changed = change.apply(log());
        SessionStore doctored = (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(),
                new Class<?>[] {SessionStore.class},
                (proxy, method, arguments) -> {
                    if (!method.getName().equals("read") || !session.equals(arguments[0])) {
                        return call(method, arguments);
                    }
                    long after = (Long) arguments[1];
                    return changed.stream().filter(event -> event.seq() > after).toList();
                });
        return check(doctored).stream().map(Violation::property).toList();
    }

    private SessionStore changed(String verb, UnaryOperator<Object> change) {
        return (SessionStore) Proxy.newProxyInstance(
                SessionStore.class.getClassLoader(),
                new Class<?>[] {SessionStore.class},
                (proxy, method, arguments) -> {
                    Object answer = call(method, arguments);
                    return method.getName().equals(verb) ? change.apply(answer) : answer;
                });
    }

    private Object call(Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(store, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private List<Violation> check(SessionStore seen) {
        return new RoundCheck(settings, seen, ledgers, new Outside(store, ledgers), watch).check(round);
    }

    private static List<Recorded> changed(
            List<Recorded> log, Predicate<Recorded> which, UnaryOperator<Recorded> change) {
        return log.stream()
                .map(event -> which.test(event) ? change.apply(event) : event)
                .toList();
    }

    /** Numbered anew, so that there is no hole. */
    private static List<Recorded> without(List<Recorded> log, Predicate<Recorded> which) {
        List<Recorded> left = new ArrayList<>();
        for (Recorded event : log) {
            if (!which.test(event)) {
                left.add(
                        Recorded.of(left.size() + 1, event.id(), event.turn(), event.fence(), event.at(), json(event)));
            }
        }
        return left;
    }

    private static String json(Recorded event) {
        return event.event().json().text();
    }

    private static ToolCall call(EffectLedger.Entry entry) {
        return (ToolCall) Proxy.newProxyInstance(
                ToolCall.class.getClassLoader(),
                new Class<?>[] {ToolCall.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "session" -> entry.session();
                    case "id" -> entry.call();
                    case "idempotencyKey" -> entry.key();
                    case "attempt" -> entry.attempt();
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }
}

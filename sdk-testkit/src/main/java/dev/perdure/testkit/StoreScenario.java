package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Actor;
import dev.perdure.session.CallId;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.SessionStore.Appended;
import dev.perdure.spi.SessionStore.Batch;
import dev.perdure.spi.SessionStore.Claimed;
import dev.perdure.spi.SessionStore.NewSession;
import dev.perdure.spi.SessionStore.Post;
import dev.perdure.spi.SessionStore.Posted;
import dev.perdure.spi.SessionStore.Ready;
import dev.perdure.spi.SessionStore.Release;
import dev.perdure.spi.SessionStore.Terms;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A fresh store and the words the parts of the contract are written in. */
abstract class StoreScenario {
    static final Duration TTL = Duration.ofSeconds(15);
    static final String AGENT = "support";
    static final SessionId ID = SessionId.of("acme", "ticket-1");

    final TestClock clock = TestClock.create();
    final WorkerId ann = WorkerId.random();
    final WorkerId bob = WorkerId.random();

    @SuppressWarnings("NullAway.Init")
    SessionStore store;

    abstract SessionStoreContract contract();

    @BeforeEach
    void openStore() {
        store = contract().open(clock);
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    void elapse(Duration time) {
        contract().elapse(clock, time);
    }

    // ---- sessions and leases

    SessionId opened(SessionId id) {
        assertThat(store.open(session(id))).isInstanceOf(SessionStore.Opened.Created.class);
        return id;
    }

    SessionId opened(String tenant, String name) {
        return opened(SessionId.of(tenant, name));
    }

    static NewSession session(SessionId id) {
        Event first = new Event.SessionOpened(AGENT, Map.of());
        return new NewSession(id, AGENT, Map.of(), Draft.of(EventId.random(), 0, first));
    }

    Lease held(SessionId id, WorkerId worker) {
        Claimed claimed = store.claim(id, Terms.of(worker));
        assertThat(claimed).isInstanceOf(Claimed.Held.class);
        return ((Claimed.Held) claimed).lease();
    }

    List<Lease> ready(WorkerId worker) {
        return store.claimReady(Terms.of(worker), Ready.of(Set.of(AGENT)), 100).leases();
    }

    SessionInfo info(SessionId id) {
        return store.find(id).orElseThrow();
    }

    SessionStatus status(SessionId id) {
        return info(id).status();
    }

    // ---- events

    /** Moves nothing forward. */
    static Draft note(String text) {
        return Draft.of(EventId.random(), 1, new Event.NoteKept("note", Json.of(text)));
    }

    /** Moves the session forward. */
    static Draft progress() {
        return Draft.of(
                EventId.random(),
                1,
                new Event.InputReceived(
                        "key", Event.InputKind.MESSAGE, Event.Disposition.APPLIED, Actor.user("ann"), List.of()));
    }

    static Batch batch(Draft... events) {
        return Batch.of(List.of(events));
    }

    static Batch release(SessionStatus target, long seen, Draft... events) {
        return new Batch(List.of(events), List.of(), List.of(), List.of(), null, new Release(target, seen));
    }

    static Batch consume(long position, Draft... events) {
        return new Batch(List.of(events), List.of(position), List.of(), List.of(), null, null);
    }

    static Batch ask(Question... questions) {
        return new Batch(List.of(note("asked")), List.of(), List.of(questions), List.of(), null, null);
    }

    static Batch close(String... keys) {
        return new Batch(List.of(note("answered")), List.of(), List.of(), List.of(keys), null, null);
    }

    static Question question(SessionId id, String key) {
        return new Question(
                new QuestionId(id, key),
                Question.Kind.APPROVAL,
                new CallId(EventId.random() + "/0"),
                "refund",
                "{\"cents\":1}",
                "refund 1 cent?",
                Instant.EPOCH);
    }

    List<Recorded> log(SessionId id) {
        return store.read(id, 0, 10_000);
    }

    Position end(SessionId id) {
        List<Recorded> log = log(id);
        return log.get(log.size() - 1).position();
    }

    /** Appends at the end, which has to succeed. */
    Position append(Lease lease, Draft... events) {
        return append(lease, batch(events));
    }

    Position append(Lease lease, Batch batch) {
        Appended appended = store.append(lease, end(lease.session()), batch);
        assertThat(appended).isInstanceOf(Appended.Ok.class);
        return ((Appended.Ok) appended).last();
    }

    static List<EventId> ids(Draft... drafts) {
        return Arrays.stream(drafts).map(Draft::id).toList();
    }

    List<EventId> ids(SessionId id) {
        return log(id).stream().map(Recorded::id).toList();
    }

    // ---- inbox

    static Post message(String key) {
        return message(key, "hello");
    }

    static Post message(String key, String text) {
        return new Post(key, Event.InputKind.MESSAGE, Actor.user("ann"), Json.of(Map.of("text", text)));
    }

    static Post resume(String key) {
        return new Post(key, Event.InputKind.RESUME, Actor.user("op"), Json.EMPTY);
    }

    long accepted(SessionId id, Post item) {
        Posted posted = store.post(id, item);
        assertThat(posted).isInstanceOf(Posted.Accepted.class);
        return ((Posted.Accepted) posted).position();
    }
}

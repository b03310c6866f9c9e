package dev.perdure.internal.engine;

import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The log of one session under one lease: what is committed, and what goes into the next commit. {@link #view()} shows both, so that
 * decisions are made on what will be true when they are carried out. Confined to the thread of its run.
 */
final class Journal {
    /** Commits that are kept in case the store forgets them. */
    private static final int KEPT = 64;

    private final SessionStore store;
    private final Lease lease;
    private final Lifeline lifeline;
    private final Supplier<EventId> ids;
    private final Snapshots snapshots;
    private SessionView committed;
    private SessionView view;
    private final List<Draft> drafts = new ArrayList<>();
    private final List<Long> consumed = new ArrayList<>();
    private final List<Question> opened = new ArrayList<>();
    private final List<String> closed = new ArrayList<>();
    private final Deque<Written> written = new ArrayDeque<>();
    private @Nullable String agent;
    private long characters;

    /** One commit of this run, and the position that it follows. */
    record Written(Position before, SessionStore.Batch batch) {}

    /** How long the lease is good for, by this process's own clock. */
    interface Lifeline {
        boolean alive();

        /** Waits before another try; throws {@link RunEnded} when the run must end. */
        void pause(long millis);
    }

    private Journal(
            SessionStore store,
            Lease lease,
            Lifeline lifeline,
            Supplier<EventId> ids,
            Snapshots snapshots,
            SessionView log) {
        this.store = store;
        this.lease = lease;
        this.lifeline = lifeline;
        this.ids = ids;
        this.snapshots = snapshots;
        this.committed = log;
        this.view = log;
    }

    static Journal empty(
            SessionStore store, Lease lease, Lifeline lifeline, Supplier<EventId> ids, Snapshots snapshots) {
        return new Journal(store, lease, lifeline, ids, snapshots, SessionView.empty(lease.session()));
    }

    static Journal load(
            SessionStore store, Lease lease, Lifeline lifeline, Supplier<EventId> ids, Snapshots snapshots) {
        return new Journal(store, lease, lifeline, ids, snapshots, Patience.with(lifeline, snapshots::load));
    }

    /** The log with what is about to be committed. */
    SessionView view() {
        return view;
    }

    boolean dirty() {
        return !drafts.isEmpty();
    }

    /** What was added and not committed. */
    List<Event> drafted() {
        return drafts.stream().map(Draft::event).toList();
    }

    /** How many items of the inbox the next commit consumes. */
    int consumedCount() {
        return consumed.size();
    }

    int draftCount() {
        return drafts.size();
    }

    /** How many characters of events the next commit has. */
    long draftCharacters() {
        return characters;
    }

    /** Number of the last event that is committed. */
    long committedSeq() {
        return committed.position().seq();
    }

    EventId newId() {
        return ids.get();
    }

    void add(Event event) {
        add(newId(), event);
    }

    void add(EventId id, Event event) {
        int turn = turnOf(event);
        Draft draft = Draft.of(id, turn, event);
        drafts.add(draft);
        characters += draft.json().length();
        view = view.with(Recorded.of(view.position().seq() + 1, lease.fence(), lease.claimedAt(), draft));
        if (event instanceof Event.QuestionAsked asked) {
            QuestionId question = new QuestionId(lease.session(), asked.key());
            opened.add(new Question(
                    question,
                    asked.kind(),
                    asked.call(),
                    asked.tool(),
                    asked.arguments(),
                    asked.text(),
                    lease.claimedAt()));
        } else if (event instanceof Event.QuestionAnswered answered) {
            closed.add(answered.key());
        } else if (event instanceof Event.HandedOff handedOff) {
            agent = handedOff.to();
        }
    }

    private int turnOf(Event event) {
        int newest = view.findTurn().map(turn -> turn.number()).orElse(0);
        if (event instanceof Event.TurnStarted) {
            return newest + 1;
        }
        boolean open = view.findTurn().filter(turn -> turn.open()).isPresent();
        return open ? newest : 0;
    }

    /** The event added next consumes this item of the inbox. */
    void consume(long position) {
        consumed.add(position);
    }

    /** Commits what was added, if anything. */
    List<Recorded> commit() {
        return drafts.isEmpty() ? List.of() : commit(null);
    }

    /** Commits what was added and gives the lease back. */
    List<Recorded> release(SessionStatus target, long seenInbox) {
        if (drafts.isEmpty()) {
            add(new Event.HandedBack(lease.owner(), "nothing to do"));
        }
        return commit(new SessionStore.Release(target, seenInbox));
    }

    private List<Recorded> commit(SessionStore.@Nullable Release release) {
        SessionStore.Batch batch = new SessionStore.Batch(drafts, consumed, opened, closed, agent, release);
        Position before = committed.position();
        // The ids make a repeat harmless when the outcome is not known.
        SessionStore.Appended answer = Patience.with(lifeline, () -> store.append(lease, before, batch));
        List<Recorded> events;
        if (answer instanceof SessionStore.Appended.Ok ok) {
            events = recorded(ok.at());
        } else if (answer instanceof SessionStore.Appended.Duplicate) {
            events = Patience.with(lifeline, () -> store.read(lease.session(), before.seq(), drafts.size()));
        } else {
            throw new RunEnded(RunEnded.Why.LEASE_LOST, "append answered " + answer);
        }
        for (Recorded event : events) {
            committed = committed.with(event);
        }
        keep(new Written(before, batch));
        forget();
        snapshots.committed(committed, events);
        return events;
    }

    private void keep(Written commit) {
        if (written.size() == KEPT) {
            written.remove();
        }
        written.add(commit);
    }

    /** Repeats a verb of the store as long as the lease is good. */
    <T> T patiently(Supplier<T> verb) {
        return Patience.with(lifeline, verb);
    }

    /** The end of the log, as the store acknowledged it. */
    Position acknowledged() {
        return committed.position();
    }

    /** The first event of the log, if it was read. */
    Optional<EventId> findFirst() {
        return snapshots.findFirst();
    }

    /** The newest commits of this run, oldest first. */
    List<Written> written() {
        return List.copyOf(written);
    }

    private List<Recorded> recorded(Instant at) {
        List<Recorded> events = new ArrayList<>(drafts.size());
        long seq = committed.position().seq();
        for (Draft draft : drafts) {
            events.add(Recorded.of(++seq, lease.fence(), at, draft));
        }
        return events;
    }

    /** Drops what was added and not committed. */
    void forget() {
        view = committed;
        drafts.clear();
        consumed.clear();
        opened.clear();
        closed.clear();
        agent = null;
        characters = 0;
    }
}

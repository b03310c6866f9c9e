package dev.perdure.internal.engine;

import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.TurnListener;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Json;
import dev.perdure.session.PerdureException;
import dev.perdure.session.Problem;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Follows a turn by its log, whoever runs it. A run in this process hands its events and its text over at once; else the store is read every now and then.
 * Everything is delivered on the thread that waits.
 */
public final class Following implements Turn, Hub.Follower {
    private static final int PAGE = 500;
    /** How far before the end of the log the input of a turn that another worker runs is looked for first. */
    private static final int LOOK_BACK = 200;

    private static final Duration LONGEST = Duration.ofDays(36_500);
    private static final long FIRST_POLL = 20;
    private static final long LONGEST_POLL = 250;

    /** What a local run hands over. */
    private sealed interface Item {
        record Events(List<Recorded> events) implements Item {}

        record Text(int turn, long after, int offset, String more) implements Item {}

        record Discard(long after) implements Item {}

        record RunEnded(@Nullable Throwable error) implements Item {}
    }

    private final Engine engine;
    private final SessionId session;
    private final String key;
    private final List<TurnListener> listeners;
    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
    private long cursor = -1;
    private boolean wholeLog;
    private volatile int turn;
    /** How many characters of the reply at hand the listeners have. */
    private int streamed;
    /** The wait that is on and was not reported yet. */
    private Event.@Nullable WaitStarted waiting;

    private @Nullable Outcome over;

    /** Follows the turn that applies the input {@code key}. */
    public Following(Engine engine, SessionId session, String key, List<TurnListener> listeners) {
        this.engine = engine;
        this.session = session;
        this.key = key;
        this.listeners = List.copyOf(listeners);
        engine.hub().follow(session, this);
    }

    /** Follows an open turn from its event number {@code seq} on. */
    public static Following open(Engine engine, SessionId session, int turn, long seq, List<TurnListener> listeners) {
        Following following = new Following(engine, session, "turn " + turn, listeners);
        following.turn = turn;
        following.cursor = seq;
        return following;
    }

    /** Gives up following. */
    public void stop() {
        engine.hub().unfollow(session, this);
    }

    @Override
    public String key() {
        return key;
    }

    @Override
    public Outcome await() {
        return await(LONGEST).orElseThrow();
    }

    @Override
    public Optional<Outcome> await(Duration atMost) {
        long end = System.nanoTime() + (atMost.compareTo(LONGEST) < 0 ? atMost : LONGEST).toNanos();
        long poll = FIRST_POLL;
        while (true) {
            Outcome known = over;
            if (known != null) {
                return Optional.of(known);
            }
            Item item = next(Math.min(poll, Math.max(0, (end - System.nanoTime()) / 1_000_000)));
            boolean news = item == null ? look() : deliver(item);
            poll = news ? FIRST_POLL : Math.min(poll * 2, LONGEST_POLL);
            Optional<Outcome> settled = news ? Optional.empty() : settled();
            if (settled.isPresent()) {
                return settled;
            }
            if (over == null && System.nanoTime() - end > 0) {
                return Optional.empty();
            }
        }
    }

    private @Nullable Item next(long millis) {
        try {
            return items.poll(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(
                    "interrupted while waiting for a turn of " + session + "; the turn goes on");
        }
    }

    private boolean deliver(Item item) {
        if (item instanceof Item.Events events) {
            begin(events.events());
            for (Recorded event : events.events()) {
                if (event.seq() == cursor + 1) {
                    accept(event);
                } else if (event.seq() > cursor + 1) {
                    catchUp(event.seq() - 1);
                    accept(event);
                }
            }
        } else if (item instanceof Item.Text text) {
            // Text of a reply that was read from the log meanwhile, or that this follower joined too late for, comes
            // whole with its event.
            if (text.turn() == turn && text.after() == cursor && text.offset() == streamed) {
                streamed += text.more().length();
                listeners.forEach(listener -> listener.onText(text.more()));
            }
        } else if (item instanceof Item.Discard discard) {
            if (discard.after() == cursor) {
                discard();
            }
        } else if (item instanceof Item.RunEnded ended) {
            discard();
            brokeOff(ended.error());
            return false;
        }
        return true;
    }

    /** The input may have been taken up before this process got the session: then its turn is found by looking back. */
    private void begin(List<Recorded> events) {
        if (cursor >= 0) {
            return;
        }
        long before = events.get(0).seq() - 1;
        boolean here = events.stream()
                .anyMatch(recorded -> recorded.event() instanceof Event.InputReceived input
                        && input.key().equals(key));
        cursor = here ? before : Math.max(0, before - LOOK_BACK);
    }

    private void discard() {
        if (streamed > 0) {
            streamed = 0;
            listeners.forEach(TurnListener::onDiscard);
        }
    }

    private static void brokeOff(@Nullable Throwable error) {
        if (error == null || (error instanceof PerdureException expected && expected.retryable())) {
            return;
        }
        throw new PerdureException("the run in this process broke off: " + error.getMessage(), true, null, error);
    }

    /** Reads the store, unless a run in this process hands everything over anyway; whether there was something. */
    private boolean look() {
        if (engine.hub().runsHere(session)) {
            return false;
        }
        if (cursor < 0) {
            cursor = Math.max(0, engine.store().head(session).seq() - LOOK_BACK);
        }
        List<Recorded> page = engine.store().read(session, cursor, PAGE);
        page.forEach(this::accept);
        return !page.isEmpty();
    }

    private void catchUp(long last) {
        while (cursor < last) {
            List<Recorded> page = engine.store().read(session, cursor, (int) Math.min(PAGE, last - cursor));
            if (page.isEmpty()) {
                return;
            }
            page.forEach(this::accept);
        }
    }

    private void accept(Recorded recorded) {
        cursor = recorded.seq();
        Event event = recorded.event();
        if (turn == 0
                && event instanceof Event.InputReceived input
                && input.key().equals(key)) {
            if (input.disposition() == Event.Disposition.APPLIED) {
                turn = recorded.turn();
            } else {
                over(new Outcome.Failed(
                        input.disposition() == Event.Disposition.REJECTED
                                ? Problem.of("rejected", "a turn was open, and the input was to be refused then")
                                : Problem.of("ended", "the session was closed before the input's turn began")));
            }
        }
        waiting = event instanceof Event.WaitStarted wait ? wait : null;
        if (!(event instanceof Event.ModelReplied)) {
            // A reply directly follows what its text came after; anything else means that it was never written.
            discard();
        }
        if (turn == 0 || recorded.turn() != turn) {
            return;
        }
        tell(recorded);
        if (event instanceof Event.TurnEnded end) {
            over(outcome(end));
        }
    }

    private void tell(Recorded recorded) {
        if (recorded.event() instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
            if (streamed == 0 && !reply.text().isEmpty()) {
                listeners.forEach(listener -> listener.onText(reply.text()));
            }
            streamed = 0;
        }
        listeners.forEach(listener -> listener.onEvent(recorded));
    }

    private void over(Outcome outcome) {
        over = outcome;
        stop();
    }

    private static Outcome outcome(Event.TurnEnded end) {
        Problem problem = end.problem() == null ? Problem.of("unknown", "no reason recorded") : end.problem();
        return switch (end.outcome()) {
            case DONE -> new Outcome.Done(end.output(), end.usage(), end.cost());
            case FAILED -> new Outcome.Failed(problem);
            case INTERRUPTED -> new Outcome.Interrupted(problem.message());
        };
    }

    /** How the turn stands when nothing is going on; empty while something is. */
    private Optional<Outcome> settled() {
        if (over != null) {
            return Optional.ofNullable(over);
        }
        if (engine.hub().runsHere(session)) {
            return Optional.empty();
        }
        SessionInfo info = engine.store().find(session).orElse(null);
        SessionStatus status = info == null ? SessionStatus.DELETED : info.status();
        return switch (status) {
            case WAITING -> look() ? Optional.empty() : waitingNow();
            case QUARANTINED -> Optional.of(new Outcome.Quarantined());
            case DELETED -> Optional.of(new Outcome.Failed(Problem.of("deleted", "the session was deleted")));
            case ENDED ->
                look() || missed()
                        ? Optional.empty()
                        : Optional.of(new Outcome.Failed(Problem.of("ended", "the session is closed")));
            case IDLE -> {
                missed();
                yield Optional.empty();
            }
            default -> Optional.empty();
        };
    }

    private Optional<Outcome> waitingNow() {
        Event.WaitStarted wait = waiting;
        if (missed() || wait == null) {
            return Optional.empty();
        }
        List<Question> questions = wait.questions().stream()
                .map(question -> engine.store().findQuestion(new QuestionId(session, question)))
                .flatMap(Optional::stream)
                .toList();
        if (questions.isEmpty() && wait.waitFor() == Event.WaitFor.ANSWER) {
            // Answered in this moment: what follows is on its way.
            return Optional.empty();
        }
        waiting = null;
        return Optional.of(new Outcome.Waiting(questions));
    }

    /** When the input is not in the part of the log that was looked at, nor on its way, looks at the whole log, once. */
    private boolean missed() {
        if (turn != 0 || over != null || wholeLog) {
            return false;
        }
        List<InboxItem> open = engine.store().inbox(session, 0, 10_000);
        if (open.stream().anyMatch(item -> item.key().equals(key))) {
            return false;
        }
        wholeLog = true;
        cursor = 0;
        return true;
    }

    @Override
    public void interrupt(String reason) {
        engine.post(
                session,
                new SessionStore.Post(
                        "interrupt:" + engine.newId(),
                        Event.InputKind.INTERRUPT,
                        Actor.UNNAMED,
                        Json.of(new Bodies.Interrupt(turn, reason, turn == 0 ? key : null))));
    }

    @Override
    public void events(List<Recorded> events) {
        items.add(new Item.Events(events));
    }

    @Override
    public void text(int ofTurn, long after, int offset, String more) {
        items.add(new Item.Text(ofTurn, after, offset, more));
    }

    @Override
    public void discard(long after) {
        items.add(new Item.Discard(after));
    }

    @Override
    public void runEnded(@Nullable Throwable error) {
        items.add(new Item.RunEnded(error));
    }
}

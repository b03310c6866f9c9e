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

    private static final long FIRST_POLL = 20;
    private static final long LONGEST_POLL = 250;

    /** What a local run hands over. */
    private sealed interface Item {
        record Events(List<Recorded> events) implements Item {}

        record Text(int turn, String more) implements Item {}

        record Discard(int turn) implements Item {}

        record RunEnded(@Nullable Throwable error) implements Item {}
    }

    private final Engine engine;
    private final SessionId session;
    private final String key;
    private final List<TurnListener> listeners;
    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
    private long cursor = -1;
    private volatile int turn;
    private boolean streamed;
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
        return await(Duration.ofDays(36_500)).orElseThrow();
    }

    @Override
    public Optional<Outcome> await(Duration atMost) {
        long end = System.nanoTime() + Math.min(atMost.toNanos(), Long.MAX_VALUE / 2);
        long poll = FIRST_POLL;
        waiting = null;
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
            for (Recorded event : events.events()) {
                if (cursor < 0 || event.seq() == cursor + 1) {
                    accept(event);
                } else if (event.seq() > cursor + 1) {
                    look();
                }
            }
        } else if (item instanceof Item.Text text && text.turn() == turn) {
            streamed = true;
            listeners.forEach(listener -> listener.onText(text.more()));
        } else if (item instanceof Item.Discard discard && discard.turn() == turn) {
            streamed = false;
            listeners.forEach(TurnListener::onDiscard);
        } else if (item instanceof Item.RunEnded ended) {
            brokeOff(ended.error());
            return false;
        }
        return true;
    }

    private static void brokeOff(@Nullable Throwable error) {
        if (error == null || error instanceof PerdureException expected && expected.retryable()) {
            return;
        }
        throw new PerdureException("the run in this process broke off: " + error.getMessage(), true, null, error);
    }

    /** Reads the store, unless a run in this process hands everything over anyway; whether there was something. */
    private boolean look() {
        if (engine.hub().runsHere(session) && cursor < 0) {
            return false;
        }
        if (cursor < 0) {
            cursor = Math.max(0, engine.store().head(session).seq() - LOOK_BACK);
        }
        List<Recorded> page = engine.store().read(session, cursor, PAGE);
        page.forEach(this::accept);
        return !page.isEmpty();
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
                        Problem.of("rejected", "a turn was open, and the input was to be refused then")));
            }
        }
        if (turn == 0 || recorded.turn() != turn) {
            return;
        }
        waiting = event instanceof Event.WaitStarted wait ? wait : null;
        tell(recorded);
        if (event instanceof Event.TurnEnded end) {
            over(outcome(end));
        }
    }

    private void tell(Recorded recorded) {
        if (recorded.event() instanceof Event.ModelReplied reply && reply.purpose() == Event.Purpose.ANSWER) {
            if (!streamed && !reply.text().isEmpty()) {
                listeners.forEach(listener -> listener.onText(reply.text()));
            }
            streamed = false;
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
                look()
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
        if (wait == null) {
            missed();
            return Optional.empty();
        }
        List<Question> questions = wait.questions().stream()
                .map(question -> engine.store().findQuestion(new QuestionId(session, question)))
                .flatMap(Optional::stream)
                .toList();
        return Optional.of(new Outcome.Waiting(questions));
    }

    /** The input is not in the part of the log that was looked at, nor on its way: looks at the whole log. */
    private void missed() {
        if (turn != 0 || over != null) {
            return;
        }
        List<InboxItem> open = engine.store().inbox(session, 0, 10_000);
        if (open.stream().noneMatch(item -> item.key().equals(key))) {
            cursor = 0;
        }
    }

    @Override
    public void interrupt(String reason) {
        engine.post(
                session,
                new SessionStore.Post(
                        "interrupt:" + engine.newId(),
                        Event.InputKind.INTERRUPT,
                        Actor.UNNAMED,
                        Json.of(new Bodies.Interrupt(turn, reason))));
    }

    @Override
    public void events(List<Recorded> events) {
        items.add(new Item.Events(events));
    }

    @Override
    public void text(int ofTurn, String more) {
        items.add(new Item.Text(ofTurn, more));
    }

    @Override
    public void discard(int ofTurn) {
        items.add(new Item.Discard(ofTurn));
    }

    @Override
    public void runEnded(@Nullable Throwable error) {
        items.add(new Item.RunEnded(error));
    }
}

package dev.perdure.internal.engine;

import dev.perdure.Input;
import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.InboxItem;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes what was sent to a session into its log, in order. Confined to the thread of its run, but for {@link #wantsInterrupt}. */
final class Inbox {
    private static final Logger LOG = LoggerFactory.getLogger(Inbox.class);
    private static final int PAGE = 200;
    /** Most items that one commit consumes: a statement of a database has a bound. */
    private static final int SLICE = 500;
    /** Characters of events from which on a commit takes no further item: a statement that holds any one of them must hold them together. */
    private static final int CHARACTERS = 256 * 1024;

    private final SessionStore store;
    private final Lease lease;
    private final SessionId session;
    private final Journal journal;
    private final CallDesk desk;
    /** Seen and not consumed, oldest first. */
    private final Deque<InboxItem> queue = new ArrayDeque<>();

    private boolean setAside;
    private volatile long seen;

    /** Keys of the inputs of the open turn. */
    private volatile Set<String> inTurn = Set.of();

    Inbox(SessionStore store, Lease lease, Journal journal, CallDesk desk) {
        this.store = store;
        this.lease = lease;
        this.session = lease.session();
        this.journal = journal;
        this.desk = desk;
    }

    /** Newest position that was read. */
    long seen() {
        return seen;
    }

    /** Reads what was not consumed when the session was claimed. Begins after the claim, so nothing up to its head is missed. */
    void readFirst() {
        read();
        seen = Math.max(seen, lease.inboxHead());
    }

    /** Reads what is new. */
    void read() {
        List<InboxItem> page;
        do {
            long after = seen;
            page = journal.patiently(() -> store.inbox(session, after, PAGE));
            for (InboxItem item : page) {
                queue.add(item);
                seen = Math.max(seen, item.position());
            }
        } while (page.size() == PAGE);
    }

    /** Whether something that nobody has read yet wants the open turn to stop. Any thread. */
    boolean wantsInterrupt(int turn) {
        List<InboxItem> page;
        long after = seen;
        do {
            page = store.inbox(session, after, PAGE);
            if (page.stream().anyMatch(item -> wantsInterrupt(item, turn))) {
                return true;
            }
            after = page.isEmpty() ? after : page.get(page.size() - 1).position();
        } while (page.size() == PAGE);
        return false;
    }

    private boolean wantsInterrupt(InboxItem item, int turn) {
        return switch (item.kind()) {
            case INTERRUPT -> {
                Bodies.Interrupt body = item.body().as(Bodies.Interrupt.class);
                yield fits(body, turn);
            }
            case MESSAGE -> item.body().as(Bodies.Message.class).when() == Input.When.INTERRUPT;
            case END, SET_ASIDE -> true;
            default -> false;
        };
    }

    private boolean fits(Bodies.Interrupt body, int turn) {
        return body.input() == null ? body.turn() == turn : inTurn.contains(body.input());
    }

    /**
     * Applies everything that can be applied now; messages for later turns stay, until the session ends.
     *
     * @return true when it stopped because one commit takes no more: commit and call again
     */
    boolean apply() {
        inTurn = inputsOfTurn();
        boolean full = pass();
        // What had been left for later turns has none to come.
        return full || (journal.view().ended() && pass());
    }

    private boolean pass() {
        Iterator<InboxItem> items = queue.iterator();
        while (items.hasNext()) {
            if (journal.consumedCount() >= SLICE || journal.draftCharacters() >= CHARACTERS) {
                return true;
            }
            InboxItem item = items.next();
            if (apply(item)) {
                items.remove();
            }
        }
        return false;
    }

    private Set<String> inputsOfTurn() {
        SessionView view = journal.view();
        return view.findTurn().filter(TurnView::open).isPresent() ? Set.copyOf(view.inputs()) : Set.of();
    }

    private boolean apply(InboxItem item) {
        SessionView view = journal.view();
        Optional<TurnView> open = view.findTurn().filter(TurnView::open);
        try {
            if (view.ended()) {
                boolean message = item.kind() == Event.InputKind.MESSAGE;
                return take(
                        item, Event.Disposition.STALE, message ? message(item).parts() : List.of());
            }
            return switch (item.kind()) {
                case MESSAGE -> message(item, item.body().as(Bodies.Message.class), view, open);
                case ANSWER -> answer(item, item.body().as(Bodies.Answered.class));
                case INTERRUPT -> interrupt(item, item.body().as(Bodies.Interrupt.class), open);
                case LATE_RESULT -> late(item, item.body().as(Bodies.LateResult.class));
                case END -> end(item, item.body().as(Bodies.End.class), open);
                case RESUME -> take(item, Event.Disposition.APPLIED, List.of());
                case SET_ASIDE -> setAside(item, item.body().as(Bodies.Regressed.class));
            };
        } catch (IllegalArgumentException e) {
            LOG.warn("{}: inbox item {} cannot be read and is set aside", session, item.key(), e);
            return take(item, Event.Disposition.STALE, List.of());
        }
    }

    private boolean message(InboxItem item, Bodies.Message body, SessionView view, Optional<TurnView> open) {
        if (open.isEmpty()) {
            return false;
        }
        TurnView turn = open.get();
        boolean interrupted = turn.findInterrupted().isPresent();
        boolean awaited = turn.findWaitingFor()
                .filter(wait -> wait.waitFor() == Event.WaitFor.INPUT)
                .isPresent();
        if (awaited && !interrupted) {
            return take(item, Event.Disposition.APPLIED, body.parts());
        }
        switch (body.when()) {
            case STEER -> {
                // Between a reply and its results no message may stand.
                if (!interrupted && !view.hasUnfinishedCalls()) {
                    return take(item, Event.Disposition.APPLIED, body.parts());
                }
            }
            case INTERRUPT -> {
                if (!interrupted) {
                    journal.add(new Event.Interrupted(item.from(), "a new input came in"));
                }
            }
            case REJECT -> {
                return take(item, Event.Disposition.REJECTED, body.parts());
            }
            default -> {}
        }
        return false;
    }

    /** Starts a turn with the oldest message that interrupts, or else the oldest; false when there is none. */
    boolean startTurn(Event.TurnStarted start) {
        InboxItem next = queue.stream()
                .filter(item -> item.kind() == Event.InputKind.MESSAGE)
                .min(Comparator.comparing((InboxItem item) -> message(item).when() != Input.When.INTERRUPT))
                .orElse(null);
        if (next == null) {
            return false;
        }
        journal.add(start);
        take(next, Event.Disposition.APPLIED, message(next).parts());
        queue.remove(next);
        return true;
    }

    private static Bodies.Message message(InboxItem item) {
        return item.body().as(Bodies.Message.class);
    }

    boolean hasMessage() {
        return queue.stream().anyMatch(item -> item.kind() == Event.InputKind.MESSAGE);
    }

    private boolean answer(InboxItem item, Bodies.Answered body) {
        if (!desk.answer(body.question(), body.answer(), item.from())) {
            return take(item, Event.Disposition.STALE, List.of());
        }
        journal.consume(item.position());
        return true;
    }

    private boolean interrupt(InboxItem item, Bodies.Interrupt body, Optional<TurnView> open) {
        String input = body.input();
        if (input != null) {
            if (queue.stream().anyMatch(waiting -> waiting.key().equals(input))) {
                // The turn it is meant for has yet to begin.
                return false;
            }
            inTurn = inputsOfTurn();
        }
        boolean fits = open.isPresent()
                && fits(body, open.get().number())
                && open.get().findInterrupted().isEmpty();
        if (!fits) {
            return take(item, Event.Disposition.STALE, List.of());
        }
        journal.add(new Event.Interrupted(item.from(), body.reason()));
        journal.consume(item.position());
        return true;
    }

    private boolean late(InboxItem item, Bodies.LateResult body) {
        if (!desk.late(body)) {
            return take(item, Event.Disposition.STALE, List.of());
        }
        journal.consume(item.position());
        return true;
    }

    private boolean end(InboxItem item, Bodies.End body, Optional<TurnView> open) {
        if (open.isPresent()) {
            if (open.get().findInterrupted().isEmpty()) {
                journal.add(new Event.Interrupted(item.from(), "the session is closed: " + body.reason()));
            }
            return false;
        }
        journal.add(new Event.SessionEnded(item.from(), body.reason()));
        journal.consume(item.position());
        return true;
    }

    private boolean setAside(InboxItem item, Bodies.Regressed body) {
        if (Acknowledged.isKnownToBeLost(journal.view(), body.acknowledged())) {
            return take(item, Event.Disposition.STALE, List.of());
        }
        journal.add(new Event.StoreRegressed(body.found(), body.acknowledged(), false));
        journal.consume(item.position());
        setAside = true;
        return true;
    }

    /** Whether something was applied after which nobody may go on before an operator has looked. */
    boolean setAside() {
        return setAside;
    }

    private boolean take(InboxItem item, Event.Disposition disposition, List<Part> parts) {
        Actor from = item.from();
        journal.add(new Event.InputReceived(item.key(), item.kind(), disposition, from, new ArrayList<>(parts)));
        journal.consume(item.position());
        return true;
    }
}

package dev.perdure.litellm;

import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A session's log beside the gateway's ledger. Immutable. Made by {@link Spend#reconcile}.
 *
 * <p>A call is known by the id that it had at the gateway. A failure without one, such as that of a worker that died in the middle of its call ({@code lost}), is given the earliest
 * row that nobody else claims and that began before the failure was written down: such a row is real money, whichever attempt it was.
 *
 * @param calls of the log that have cost something or may have, in the log's order
 * @param unlogged rows that the log knows nothing of, oldest first: of a worker that died and whose call was not asked again, of a call that was interrupted, of calls that other
 *     programs made under the session's name
 */
public record Reconciliation(SessionId session, List<Call> calls, List<Spend.Row> unlogged) {
    /** How far the clocks of store and gateway may differ. */
    private static final Duration SKEW = Duration.ofMinutes(1);

    public Reconciliation {
        Objects.requireNonNull(session, "session");
        calls = List.copyOf(calls);
        unlogged = List.copyOf(unlogged);
    }

    static Reconciliation of(SessionId session, Iterable<Recorded> log, List<Spend.Row> rows) {
        List<Spend.Row> left = new ArrayList<>(rows);
        left.sort(Comparator.comparing(Spend.Row::startedAt));
        List<Call> calls = new ArrayList<>();
        Map<Long, Recorded> events = new HashMap<>();
        for (Recorded recorded : log) {
            Call call = callOrNull(recorded, left);
            if (call != null) {
                calls.add(call);
                events.put(call.seq(), recorded);
            }
        }
        // Only when each call with an id has its rows, is what is left anybody's.
        calls.replaceAll(call -> call.isUnknown()
                ? call.with(takeEarliest(left, Objects.requireNonNull(events.get(call.seq()))))
                : call);
        calls.removeIf(call -> call.rows().isEmpty() && call.logged().equals(Cost.NONE));
        return new Reconciliation(session, calls, left);
    }

    /** The sum by the log. */
    public Cost logged() {
        return calls.stream().map(Call::logged).reduce(Cost.NONE, Cost::plus);
    }

    /** US dollars by the ledger, with what the log knows nothing of. */
    public BigDecimal ledger() {
        return calls.stream()
                .map(Call::ledger)
                .reduce(BigDecimal.ZERO, BigDecimal::add)
                .add(sum(unlogged));
    }

    /**
     * What the session really cost: the ledger's sum, and for calls that it lacks what the log says of them. The source is {@link Cost.Source#LEDGER} when it lacks none, else that of
     * the least certain part.
     */
    public Cost cost() {
        Cost known = new Cost(sum(unlogged), Cost.Source.LEDGER);
        return calls.stream().map(Call::cost).reduce(known, Cost::plus);
    }

    /** Whether the ledger has a row for each reply of the log. A row of the ledger that is still to come and that the log knows nothing of cannot be missed. */
    public boolean complete() {
        return calls.stream().noneMatch(call -> call.isReply() && call.rows().isEmpty());
    }

    private static @Nullable Call callOrNull(Recorded recorded, List<Spend.Row> left) {
        if (recorded.event() instanceof Event.ModelReplied reply) {
            // The event has the id under which the call was made.
            String id = reply.gatewayCallId() == null ? recorded.id().toString() : reply.gatewayCallId();
            return new Call(recorded.seq(), recorded.turn(), "", id, reply.cost(), take(left, id));
        }
        if (recorded.event() instanceof Event.ModelFailed failure) {
            Cost cost = failure.cost() == null ? Cost.NONE : failure.cost();
            String id = failure.problem().gatewayCallId();
            List<Spend.Row> rows = id == null ? List.of() : take(left, id);
            return new Call(recorded.seq(), recorded.turn(), failure.problem().kind(), id, cost, rows);
        }
        return null;
    }

    private static List<Spend.Row> take(List<Spend.Row> left, String id) {
        List<Spend.Row> taken =
                left.stream().filter(row -> row.callId().equals(id)).toList();
        left.removeAll(taken);
        return taken;
    }

    private static List<Spend.Row> takeEarliest(List<Spend.Row> left, Recorded failure) {
        Comparator<Spend.Row> paidFirst = Comparator.comparing(Spend.Row::failed);
        Optional<Spend.Row> earliest = left.stream()
                .filter(row -> row.startedAt().isBefore(failure.at().plus(SKEW)))
                .min(paidFirst.thenComparing(Spend.Row::startedAt));
        earliest.ifPresent(left::remove);
        return earliest.map(List::of).orElse(List.of());
    }

    private static BigDecimal sum(List<Spend.Row> rows) {
        return rows.stream().map(Spend.Row::usd).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    /**
     * A model call of the log.
     *
     * @param seq number of its event
     * @param problem kind of its failure, such as {@code lost}; empty for a reply
     * @param callId at the gateway; null when the log does not have it
     * @param logged what the log says
     * @param rows of the ledger; empty when it has none
     */
    public record Call(
            long seq, int turn, String problem, @Nullable String callId, Cost logged, List<Spend.Row> rows) {
        public Call {
            rows = List.copyOf(rows);
        }

        public boolean isReply() {
            return problem.isEmpty();
        }

        public Optional<String> findCallId() {
            return Optional.ofNullable(callId);
        }

        /** US dollars by the ledger; zero without a row. */
        public BigDecimal ledger() {
            return sum(rows);
        }

        /** US dollars that the ledger has more than the log, below zero when it has less; empty without a row. */
        public Optional<BigDecimal> findDifference() {
            return rows.isEmpty() ? Optional.empty() : Optional.of(ledger().subtract(logged.usd()));
        }

        /** By the ledger where it has a row, else by the log. */
        public Cost cost() {
            return rows.isEmpty() ? logged : new Cost(ledger(), Cost.Source.LEDGER);
        }

        private boolean isUnknown() {
            return callId == null && !logged.equals(Cost.NONE);
        }

        private Call with(List<Spend.Row> found) {
            return new Call(seq, turn, problem, callId, logged, found);
        }
    }
}

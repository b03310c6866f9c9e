package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.model.ModelException;
import dev.perdure.session.CallView;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.PerdureException;
import dev.perdure.session.Position;
import dev.perdure.session.Problem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.session.UnsupportedFormatException;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Toolbox;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt to advance one session under one lease, on one thread: takes the inbox into the log, asks the agent, carries its decisions out,
 * commits, until there is nothing to do or the lease is gone. Everything it knows comes from the log, so that it can start at any prefix of it: there is no
 * other recovery.
 */
final class SessionRun implements Runnable, Journal.Lifeline {
    private static final Logger LOG = LoggerFactory.getLogger(SessionRun.class);
    /** Most decisions without a commit: an agent that keeps notes for ever must not spin. */
    private static final int MOST_DECISIONS = 200;
    /** Most hand-offs for one input: agents that hand a session to each other must not go on for ever, in however many workers. */
    private static final int MOST_HAND_OFFS = 20;
    /** Most failures in a row that an agent may answer with another call. */
    private static final int MOST_FAILURES = 3;

    private final Engine engine;
    private final Lease lease;
    private final SessionId session;
    private final LeaseClock clock;
    private final RunDesk bodies;
    private final ModelStep model;
    private final Snapshots snapshots;
    private volatile boolean draining;
    private volatile boolean stopping;
    private volatile boolean stoppingNow;
    private volatile boolean lost;
    private volatile @Nullable Thread thread;
    private Journal journal;
    private CallDesk desk;
    private Inbox inbox;
    private SandboxHolder sandbox;
    private Context span = Context.root();
    private Telemetry.@Nullable Timed turnSpan;
    private int decisions;
    private boolean released;

    SessionRun(Engine engine, Lease lease, LeaseClock clock) {
        this.engine = engine;
        this.lease = lease;
        this.session = lease.session();
        this.clock = clock;
        this.bodies = new RunDesk(engine, session, () -> !lost && clock.alive());
        this.model = new ModelStep(engine, session);
        this.snapshots = engine.snapshots(lease);
        this.journal = Journal.empty(engine.store(), lease, this, engine.ids(), snapshots);
        this.desk = new CallDesk(session, journal, bodies);
        this.inbox = new Inbox(engine.store(), lease, journal, desk);
        this.sandbox = new SandboxHolder(session, lease.fence(), Optional.empty(), bodies::offer);
    }

    SessionId session() {
        return session;
    }

    Lease lease() {
        return lease;
    }

    LeaseClock clock() {
        return clock;
    }

    // ------------------------------------------------------------------ from other threads

    /** The inbox may have something new. */
    void inboxNews() {
        bodies.offer(new Signal.News());
        int turn = model.turn();
        if (turn > 0) {
            engine.execute(() -> interruptModelIfWanted(turn));
        }
    }

    private void interruptModelIfWanted(int turn) {
        try {
            if (model.turn() == turn && inbox.wantsInterrupt(turn)) {
                model.interrupt("the turn was interrupted");
            }
        } catch (RuntimeException e) {
            LOG.debug("{}: inbox could not be read during a model call", session, e);
        }
    }

    /** A renewal told how far the inbox goes. */
    void renewed(long inboxHead) {
        if (inboxHead > inbox.seen()) {
            inboxNews();
        }
    }

    void leaseLost() {
        lost = true;
        bodies.offer(new Signal.Lost());
        model.interrupt("the lease was lost");
    }

    /** Begins no other turn: gives the session back when the one at hand is over or waits. */
    void stopAfterTurn() {
        draining = true;
    }

    /** Gives the session back at the next step. */
    void stop() {
        stopping = true;
        bodies.offer(new Signal.Stop());
    }

    /** Gives the session back now: what is running is stopped. */
    void stopNow() {
        stoppingNow = true;
        stop();
        model.interrupt("the worker stops");
    }

    /** Wakes a run whose model client does not stop when asked to. */
    void interruptThread() {
        Thread running = thread;
        if (running != null) {
            running.interrupt();
        }
    }

    // ------------------------------------------------------------------ the run

    @Override
    public void run() {
        Throwable error = null;
        thread = Thread.currentThread();
        try {
            advance();
        } catch (RunEnded e) {
            LOG.debug("{}: run ended: {}", session, e.getMessage());
            if (e.why() == RunEnded.Why.LEASE_LOST) {
                engine.listeners().onLeaseLost(session);
            }
        } catch (Throwable e) {
            error = e;
            failed(e);
        } finally {
            bodies.close();
            thread = null;
            lastly(() -> desk.abandon("its worker lost the session"));
            lastly(this::checkStore);
            lastly(this::salvage);
            lastly(bodies::refuseRest);
            lastly(this::closeTurnSpan);
            engine.runEnded(this, error);
        }
    }

    /** One step of a run's end; whatever it throws, the next is made: a run that is not ended has its lease renewed for ever. */
    private void lastly(Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            LOG.error("{}: the end of the run failed in part", session, e);
        }
    }

    /** A store that took the session away may have lost what it had acknowledged, as after a failover. */
    private void checkStore() {
        if (!released) {
            Regression look = new Regression(engine, lease, journal);
            bodies.afterwards().owe("the look whether the store kept what it acknowledged", look::check);
        }
    }

    /** Results that this run had in hand and could not write: whoever goes on finds them in the inbox. */
    private void salvage() {
        for (Event event : journal.drafted()) {
            // What nobody knew is no result: it would stand in the way of the one that its former worker may still
            // report.
            if (event instanceof Event.ToolFinished finished
                    && finished.attempt() > 0
                    && finished.outcome() != Event.CallOutcome.UNKNOWN) {
                bodies.post(Bodies.LateResult.of(finished));
            }
        }
    }

    private void failed(Throwable e) {
        engine.telemetry().runFailed(session, e);
        engine.listeners().onRunFailed(session, e);
        if (e instanceof PerdureException expected && expected.retryable()) {
            LOG.warn("{}: run broke off, another goes on later: {}", session, e.getMessage());
        } else {
            LOG.error("{}: run broke off", session, e);
        }
    }

    private void advance() {
        try {
            journal = Journal.load(engine.store(), lease, this, engine.ids(), snapshots);
        } catch (UnsupportedFormatException e) {
            leaveToANewerVersion();
            throw e;
        }
        desk = new CallDesk(session, journal, bodies);
        inbox = new Inbox(engine.store(), lease, journal, desk);
        requireAllThatIsRemembered();
        sandbox = new SandboxHolder(session, lease.fence(), journal.view().findSandbox(), bodies::offer);
        bodies.bind(sandbox);
        inbox.readFirst();
        takeOver();
        while (step()) {
            requireLease();
        }
    }

    /**
     * Notes a hand-back after what this version cannot read, so that the claim does not count as fruitless: a rolling deploy must not quarantine what
     * the newer version has begun. The lease is left to run out, for a session given back would be claimed again at once.
     */
    private void leaveToANewerVersion() {
        Event.HandedBack note = new Event.HandedBack(lease.owner(), "only a newer version can read this session");
        SessionStore.Appended answer = engine.store()
                .append(
                        lease,
                        engine.store().head(session),
                        SessionStore.Batch.of(List.of(Draft.of(engine.newId(), 0, note))));
        LOG.debug("{}: left to a newer version: {}", session, answer);
    }

    /** Nothing is done on a log that lacks what this process had acknowledged in a former run. */
    private void requireAllThatIsRemembered() {
        Position end = journal.acknowledged();
        Position remembered = engine.remembered(lease);
        if (isThere(remembered, end) || Acknowledged.isKnownToBeLost(journal.view(), remembered.seq())) {
            engine.remember(lease, end);
            return;
        }
        // Others may have written since, so that the log is longer and yet another.
        long kept = Math.min(end.seq(), remembered.seq() - 1);
        engine.regressed(lease, kept, remembered.seq());
        journal.add(new Event.StoreRegressed(kept, remembered.seq(), false));
        setAside();
    }

    private boolean isThere(Position wanted, Position end) {
        if (wanted.seq() == 0 || wanted.seq() >= end.seq()) {
            return wanted.seq() == 0 || wanted.equals(end);
        }
        // Others have written since; what they built on is not read whole for this.
        return journal.patiently(() -> engine.store().read(session, wanted.seq() - 1, 1)).stream()
                .anyMatch(recorded -> recorded.position().equals(wanted));
    }

    private void setAside() {
        release(SessionStatus.QUARANTINED);
        engine.setAside(session);
        throw new RunEnded(RunEnded.Why.STOPPED, "the session is set aside");
    }

    private void takeOver() {
        Optional<Lease.Previous> previous = lease.findPrevious();
        engine.listeners().onClaimed(session, lease.fence(), previous.isPresent());
        previous.ifPresent(before -> {
            LOG.info("{}: taken over from worker {}", session, before.owner());
            engine.telemetry().takenOver(session);
            SessionView left = journal.view();
            journal.add(new Event.TakenOver(before.owner(), before.fence(), lease.owner(), lease.fence()));
            Agent current = engine.agents().get(left.agent());
            if (current != null) {
                LostCall.find(left, current).ifPresent(journal::add);
            }
        });
    }

    /** Takes what came in into the log; in several commits when it is much. */
    private void applyInbox() {
        while (inbox.apply()) {
            commit();
            requireLease();
        }
        if (inbox.setAside()) {
            setAside();
        }
    }

    /** One round; false when the lease was given back. */
    private boolean step() {
        drain();
        applyInbox();
        SessionView view = journal.view();
        if (view.ended()) {
            closeSandbox();
            release(SessionStatus.ENDED);
            return false;
        }
        Optional<TurnView> open = view.findTurn().filter(TurnView::open);
        Agent current = engine.agents().get(view.agent());
        bodies.serves(current);
        if (current == null) {
            journal.add(new Event.HandedBack(lease.owner(), "agent \"" + view.agent() + "\" is not served here"));
            release(SessionStatus.READY);
            return false;
        }
        if (open.isEmpty()) {
            return startTurn(current);
        }
        try (Telemetry.Timed timed = turnSpan(current, open.get())) {
            span = Context.current();
            turnSpan = null;
            boolean more = true;
            int turn = open.get().number();
            while (more && isOpen(turn) && journal.view().agent().equals(current.name())) {
                more = stepInTurn(current);
                if (more && isOpen(turn)) {
                    drain();
                    applyInbox();
                }
                requireLease();
            }
            journal.view().findTurn().map(TurnView::ended).ifPresent(end -> ended(timed, end));
            return more;
        }
    }

    private static void ended(Telemetry.Timed timed, Event.TurnEnded end) {
        timed.outcome(end.outcome().name());
        Problem problem = end.problem();
        if (end.outcome() == Event.TurnOutcome.FAILED && problem != null) {
            timed.failed(problem.kind());
        }
    }

    private boolean isOpen(int turn) {
        return journal.view()
                .findTurn()
                .filter(t -> t.open() && t.number() == turn)
                .isPresent();
    }

    private Telemetry.Timed turnSpan(Agent current, TurnView turn) {
        Telemetry.Timed started = turnSpan;
        if (started != null) {
            return started;
        }
        String trace = Telemetry.firstTrace(turn, journal.view().events());
        return engine.telemetry().turn(session, current.name(), current.version(), turn.number(), trace);
    }

    private void closeTurnSpan() {
        Telemetry.Timed started = turnSpan;
        if (started != null) {
            started.close();
        }
    }

    private boolean startTurn(Agent current) {
        if (stopping || draining || !inbox.hasMessage()) {
            release(inbox.hasMessage() ? SessionStatus.READY : SessionStatus.IDLE);
            return false;
        }
        decisions = 0;
        int number = journal.view().findTurn().map(TurnView::number).orElse(0) + 1;
        // The span comes first, because the log keeps its trace for later runs to link to.
        turnSpan = engine.telemetry().turn(session, current.name(), current.version(), number, null);
        return inbox.startTurn(new Event.TurnStarted(current.name(), current.version(), Telemetry.currentTrace()));
    }

    /** One round in an open turn; false when the lease was given back. */
    private boolean stepInTurn(Agent current) {
        SessionView view = journal.view();
        TurnView turn = view.findTurn().orElseThrow();
        Toolbox tools = current.tools();
        if (turn.findInterrupted().isPresent()) {
            return settle(tools, turn.findInterrupted().get());
        }
        if (view.hasUnfinishedCalls() && !desk.needsDecision(view)) {
            desk.advance(tools);
            return afterCalls();
        }
        Optional<CallView> fatal = desk.fatalDoubt(tools);
        if (fatal.isPresent()) {
            end(
                    Event.TurnOutcome.FAILED,
                    "",
                    Problem.of(
                            "in_doubt",
                            "nobody knows whether the call " + fatal.get().id() + " of tool "
                                    + fatal.get().tool() + " took effect"));
            return endOrGoOn();
        }
        if (stopping) {
            handBack("the worker stops");
            return false;
        }
        return decide(current, view, turn);
    }

    private boolean afterCalls() {
        if (desk.hasReady()) {
            launch();
            return true;
        }
        if (desk.running()) {
            if (stoppingNow) {
                handBack("the worker stops");
                return false;
            }
            commit();
            await();
            return true;
        }
        SessionView view = journal.view();
        boolean onlyQuestions = view.hasUnfinishedCalls()
                && view.calls().stream().allMatch(call -> call.finished() || call.waitsForAnswer());
        if (onlyQuestions) {
            waitFor(Event.WaitFor.ANSWER);
            return false;
        }
        return true;
    }

    /** Brings an interrupted turn to its end. */
    private boolean settle(Toolbox tools, Event.Interrupted interrupted) {
        if (desk.running()) {
            commit();
            desk.interruptAll(interrupted.reason());
            desk.giveUpAfterGrace();
            await();
            return true;
        }
        desk.closeUnstarted(tools, interrupted.reason());
        SessionView view = journal.view();
        if (!view.hasUnfinishedCalls()) {
            end(Event.TurnOutcome.INTERRUPTED, "", Problem.of("interrupted", interrupted.reason()));
            return endOrGoOn();
        }
        if (view.calls().stream().allMatch(call -> call.finished() || call.waitsForAnswer())) {
            waitFor(Event.WaitFor.ANSWER);
            return false;
        }
        return true;
    }

    private boolean decide(Agent current, SessionView view, TurnView turn) {
        @Nullable Decision decision;
        try {
            decision = current.next(view);
            if (decision == null) {
                decision = new Decision.Fail(Problem.of("agent", "the agent decided nothing: next(view) gave null"));
            }
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            LOG.warn("{}: agent {} failed to decide", session, current.name(), e);
            decision = new Decision.Fail(Problem.of("agent", "the agent failed to decide: " + e));
        }
        snapshots.requireRead();
        if (++decisions > MOST_DECISIONS) {
            decision = new Decision.Fail(Problem.of(
                    "agent",
                    "the agent made " + MOST_DECISIONS + " decisions without a model call, a tool call or an end"));
        }
        return carryOut(current, decision, view, turn);
    }

    private boolean carryOut(Agent current, Decision decision, SessionView view, TurnView turn) {
        if (view.hasUnfinishedCalls() && overtakes(decision)) {
            return fail(Problem.of(
                    "agent",
                    "the agent wants " + decision.getClass().getSimpleName()
                            + " while calls of the last step have no result: CallTools comes first"));
        }
        if (decision instanceof Decision.CallModel call) {
            return callModel(current, call, view, turn);
        } else if (decision instanceof Decision.CallTools) {
            if (!view.hasUnfinishedCalls()) {
                return fail(Problem.of("agent", "the agent wants calls to run, but the last reply asked for none"));
            }
            desk.dispatch();
            return true;
        } else if (decision instanceof Decision.RunTools run) {
            journal.add(new Event.CallsRequested(run.calls(), run.visibility() == Decision.Visibility.HIDDEN));
            desk.dispatch();
            return true;
        } else if (decision instanceof Decision.KeepNote note) {
            journal.add(new Event.NoteKept(note.name(), note.value()));
            return true;
        } else if (decision instanceof Decision.Await) {
            return awaitInput();
        } else if (decision instanceof Decision.HandOff handOff) {
            if (handOffs(view, turn) >= MOST_HAND_OFFS) {
                return fail(Problem.of("agent", "the agents handed the turn off " + MOST_HAND_OFFS + " times"));
            }
            journal.add(new Event.HandedOff(current.name(), handOff.agent()));
            return true;
        } else if (decision instanceof Decision.Finish finish) {
            end(Event.TurnOutcome.DONE, finish.output(), null);
            return endOrGoOn();
        }
        return fail(((Decision.Fail) decision).problem());
    }

    /** Whether open calls would lose their results by this. A check of what a model wants is made before it happens. */
    private static boolean overtakes(Decision decision) {
        return decision instanceof Decision.RunTools
                || decision instanceof Decision.Await
                || (decision instanceof Decision.CallModel call && call.purpose() != Event.Purpose.CHECK);
    }

    /** Hand-offs since the newest input of the turn. */
    private static int handOffs(SessionView view, TurnView turn) {
        int count = 0;
        for (Recorded recorded :
                view.events().subList((int) turn.startedAt(), view.events().size())) {
            if (recorded.event() instanceof Event.HandedOff) {
                count++;
            } else if (recorded.event() instanceof Event.InputReceived input
                    && input.kind() == Event.InputKind.MESSAGE
                    && input.disposition() == Event.Disposition.APPLIED) {
                count = 0;
            }
        }
        return count;
    }

    private boolean awaitInput() {
        long asked = journal.view().position().seq();
        drain();
        applyInbox();
        if (journal.view().position().seq() > asked) {
            // The agent did not know of this.
            return true;
        }
        journal.add(new Event.WaitStarted(Event.WaitFor.INPUT, List.of()));
        applyInbox();
        TurnView turn = journal.view().findTurn().orElseThrow();
        if (turn.findWaitingFor().isEmpty()) {
            // What it waits for had been sent while it was busy.
            return true;
        }
        release(SessionStatus.WAITING);
        return false;
    }

    private boolean fail(Problem problem) {
        end(Event.TurnOutcome.FAILED, "", problem);
        return endOrGoOn();
    }

    private void end(Event.TurnOutcome outcome, String output, @Nullable Problem problem) {
        // Every shown call has a result, whatever the agent decided: the next turn's conversation must be whole.
        desk.closeUnstarted("the turn ended before it ran");
        TurnView turn = journal.view().findTurn().orElseThrow();
        journal.add(new Event.TurnEnded(
                outcome, output, problem, turn.steps(), turn.toolCalls(), turn.usage(), turn.cost()));
    }

    /** The turn is over: gives the lease back in the same commit, unless more is to be done. */
    private boolean endOrGoOn() {
        drain();
        applyInbox();
        if ((inbox.hasMessage() && !stopping && !draining) || journal.view().ended()) {
            return true;
        }
        release(inbox.hasMessage() ? SessionStatus.READY : SessionStatus.IDLE);
        return false;
    }

    // ------------------------------------------------------------------ model calls

    private boolean callModel(Agent current, Decision.CallModel call, SessionView view, TurnView turn) {
        if (turn.failures() >= MOST_FAILURES) {
            return fail(Problem.of("model", turn.failures() + " model calls in a row failed"));
        }
        Optional<Problem> limit = LimitCheck.exceeded(current.limits(), view, turn);
        if (limit.isPresent()) {
            return fail(limit.get());
        }
        if (journal.dirty()) {
            // The agent is asked once more on what is committed: a request follows from the log alone, the store's
            // times included.
            commit();
            return true;
        }
        EventId id = journal.newId();
        ModelStep.Attempt attempt = model.call(
                current, call, view, turn, id, journal.committedSeq(), () -> interruptModelIfDue(turn.number()));
        requireLease();
        if (attempt.result() instanceof ModelCaller.Result.Replied replied) {
            decisions = 0;
            journal.add(id, replied.event());
            return true;
        }
        ModelException failure = ((ModelCaller.Result.Failed) attempt.result()).failure();
        return afterFailure(current, call, turn.attempts() + 1, failure, attempt.received());
    }

    /** Something that came in before a call could be interrupted would otherwise be seen only after it. */
    private void interruptModelIfDue(int turn) {
        if (lost || stoppingNow) {
            model.interrupt("the worker stops");
        } else if (bodies.hasNews()) {
            interruptModelIfWanted(turn);
        }
    }

    private boolean afterFailure(
            Agent current, Decision.CallModel call, int attempt, ModelException failure, int received) {
        if (failure.kind() == ModelException.Kind.INTERRUPTED && model.interrupted()) {
            requireLease();
            if (received > 0) {
                // What had come is paid for.
                journal.add(ModelCaller.failed(current, call, attempt, failure, true, received));
            }
            // Whoever asked for it is in the inbox, or this worker stops: the next round sees which.
            inbox.read();
            return true;
        }
        boolean again = failure.retryable() && attempt < engine.modelAttempts();
        journal.add(ModelCaller.failed(current, call, attempt, failure, again, received));
        if (again) {
            LOG.info(
                    "{}: model call failed ({}), attempt {} of {}, trying again",
                    session,
                    failure.kind(),
                    attempt,
                    engine.modelAttempts());
            commit();
            pauseBeforeRetry(attempt, failure);
        }
        return true;
    }

    private void pauseBeforeRetry(int attempt, ModelException failure) {
        long end = System.nanoTime()
                + ModelStep.pause(attempt, failure.findRetryAfter().orElse(Duration.ZERO))
                        .toNanos();
        long left = end - System.nanoTime();
        while (left > 0 && !stopping && !interrupted()) {
            awaitSignal(left / 1_000_000 + 1);
            applyInbox();
            left = end - System.nanoTime();
        }
    }

    private boolean interrupted() {
        return journal.view().findTurn().flatMap(TurnView::findInterrupted).isPresent();
    }

    // ------------------------------------------------------------------ tools

    private void launch() {
        commit();
        for (RunningCall call : desk.takeReady()) {
            if (call.tool().effect() == Effect.ONCE && !alive()) {
                throw new RunEnded(
                        RunEnded.Why.LEASE_LOST, "the lease is too old to start a call that must not happen twice");
            }
            call.watch(engine.schedule(call::timeOut, call.tool().timeout()));
            call.watch(engine.schedule(call::giveUp, call.tool().timeout().plus(RunningCall.GRACE)));
            Context parent = span;
            engine.execute(() -> call.run(() ->
                    engine.telemetry().tool(session, call.id(), call.tool().name(), call.attempt(), parent)));
        }
        decisions = 0;
    }

    private void closeSandbox() {
        Agent current = engine.agents().get(journal.view().agent());
        if (current != null) {
            try {
                sandbox.close(current);
            } catch (RuntimeException e) {
                LOG.warn("{}: the sandbox could not be removed", session, e);
            }
        }
    }

    // ------------------------------------------------------------------ signals

    private void await() {
        awaitSignal(60_000);
    }

    private void awaitSignal(long millis) {
        try {
            Signal signal = bodies.poll(millis);
            if (signal != null) {
                handle(signal);
            }
        } catch (InterruptedException e) {
            LOG.debug("{}: run thread interrupted", session);
        }
        requireLease();
    }

    /** Handles all that is there, so that results ready at the same time share a commit. */
    private void drain() {
        for (Signal signal = bodies.poll(); signal != null; signal = bodies.poll()) {
            handle(signal);
        }
    }

    private void handle(Signal signal) {
        if (signal instanceof Signal.ToolDone done) {
            desk.done(done);
        } else if (signal instanceof Signal.Probed probed) {
            desk.probed(probed);
        } else if (signal instanceof Signal.News) {
            inbox.read();
        } else if (signal instanceof Signal.Note note) {
            journal.add(note.event());
        } else if (signal instanceof Signal.Save save) {
            save(save);
        }
        requireLease();
    }

    private void save(Signal.Save save) {
        if (!desk.runs(save.call(), save.attempt())) {
            save.saved().completeExceptionally(new IllegalStateException("its call is over"));
            return;
        }
        Event.ArtifactSaved before = journal.view().artifacts().get(save.name());
        Event.ArtifactSaved same = before != null
                        && before.content().equals(save.content())
                        && before.mediaType().equals(save.mediaType())
                ? before
                : null;
        Event.ArtifactSaved event = same != null
                ? same
                : new Event.ArtifactSaved(
                        save.name(), before == null ? 1 : before.version() + 1, save.content(), save.mediaType());
        try {
            if (same == null) {
                journal.add(event);
            }
            commit();
            save.saved().complete(event);
        } catch (RuntimeException e) {
            save.saved().completeExceptionally(e);
            throw e;
        }
    }

    // ------------------------------------------------------------------ commits

    private void commit() {
        if (journal.dirty()) {
            long sent = System.nanoTime();
            List<Recorded> written;
            try (Telemetry.Timed append = engine.telemetry().append(session, journal.draftCount())) {
                written = journal.commit();
                append.outcome("ok");
            }
            engine.pressure().answered(System.nanoTime() - sent);
            publish(written);
        }
    }

    private void release(SessionStatus target) {
        long sent = System.nanoTime();
        List<Recorded> written = new ArrayList<>();
        try (Telemetry.Timed append = engine.telemetry().append(session, journal.draftCount())) {
            written.addAll(journal.release(target, inbox.seen()));
            append.outcome("ok");
        }
        released = true;
        engine.pressure().answered(System.nanoTime() - sent);
        publish(written);
    }

    private void waitFor(Event.WaitFor what) {
        List<String> keys =
                journal.view().questions().stream().map(q -> q.id().key()).toList();
        journal.add(new Event.WaitStarted(what, keys));
        release(SessionStatus.WAITING);
    }

    private void handBack(String reason) {
        journal.add(new Event.HandedBack(lease.owner(), reason));
        release(SessionStatus.READY);
    }

    private void publish(List<Recorded> written) {
        engine.remember(lease, journal.acknowledged());
        for (Recorded event : written) {
            if (event.event() instanceof Event.ToolInDoubt doubt) {
                engine.telemetry().doubted(session, doubt.tool());
            }
            engine.listeners().onEvent(session, event);
        }
        engine.followers(session).forEach(follower -> follower.events(written));
    }

    @Override
    public boolean alive() {
        return bodies.alive();
    }

    @Override
    public void pause(long millis) {
        bodies.pause(millis);
    }

    private void requireLease() {
        if (!alive()) {
            throw new RunEnded(RunEnded.Why.LEASE_LOST, "the lease ran out or was taken");
        }
    }
}

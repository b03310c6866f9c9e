package dev.perdure.internal.engine;

import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.CallId;
import dev.perdure.session.CallView;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolResult;
import dev.perdure.tool.Toolbox;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the calls of a step to their results: starts, asks, recovers, interrupts. Writes to the journal only; what is to run is handed out by
 * {@link #takeReady} after the commit that holds its intent. Confined to the thread of its run.
 */
final class CallDesk {
    private static final Logger LOG = LoggerFactory.getLogger(CallDesk.class);
    /** Most calls of one session that run at a time; the others are queued. */
    static final int PARALLEL = 16;

    private final SessionId session;
    private final Journal journal;
    private final RunningCall.Desk bodies;
    private final Map<CallId, RunningCall> running = new HashMap<>();
    private final List<RunningCall> ready = new ArrayList<>();
    /** Calls in doubt whose probes have not answered. */
    private final Map<CallId, Probing> probing = new HashMap<>();
    /** The first call of the step that the agent lets run; leave is given for one step, never for the next. */
    private @Nullable CallId dispatched;

    CallDesk(SessionId session, Journal journal, RunningCall.Desk bodies) {
        this.session = session;
        this.journal = journal;
        this.bodies = bodies;
    }

    /** The agent wants the calls of the step at hand to run. */
    void dispatch() {
        dispatched = firstCall(journal.view());
    }

    /** Whether a body or a probe has yet to answer. */
    boolean running() {
        return !running.isEmpty() || !probing.isEmpty();
    }

    /** An attempt that was given up may live on beside the next one; it has no say any more. */
    boolean runs(CallId call, int attempt) {
        RunningCall now = running.get(call);
        return now != null && now.attempt() == attempt;
    }

    /** Calls whose intent is about to be committed; they count as running from here on. */
    List<RunningCall> takeReady() {
        List<RunningCall> taken = List.copyOf(ready);
        ready.clear();
        return taken;
    }

    boolean hasReady() {
        return !ready.isEmpty();
    }

    /** Whether the agent has to say that the open calls may run. */
    boolean needsDecision(SessionView view) {
        return view.hasUnfinishedCalls() && !dispatched(view);
    }

    /** Once one call of a step has left its first state the agent has said so, perhaps to a worker before this one: the others follow. */
    private boolean dispatched(SessionView view) {
        CallId first = firstCall(view);
        return (first != null && first.equals(dispatched))
                || view.calls().stream().anyMatch(call -> call.state() != CallView.State.REQUESTED);
    }

    private static @Nullable CallId firstCall(SessionView view) {
        return view.calls().isEmpty() ? null : view.calls().get(0).id();
    }

    /** Takes every call as far as it goes without waiting. */
    void advance(Toolbox tools) {
        boolean dispatched = dispatched(journal.view());
        for (CallView call : journal.view().calls()) {
            switch (call.state()) {
                case REQUESTED -> {
                    if (dispatched) {
                        begin(call, tools, true);
                    }
                }
                case APPROVED -> begin(call, tools, false);
                case STARTED -> {
                    if (!running.containsKey(call.id())) {
                        recover(call, tools);
                    }
                }
                case IN_DOUBT -> resolve(call, tools);
                case REVOKED -> start(call, tools, call.attempt() + 1);
                default -> {}
            }
        }
    }

    private void begin(CallView call, Toolbox tools, boolean mayAsk) {
        Optional<Tool> tool = tools.find(call.tool());
        if (mayAsk && tool.isPresent() && tool.get().approval().isRequired()) {
            // What cannot run anyway is not worth a human's time.
            if (prepared(call, tool.get(), 1) != null) {
                ask(call, Question.Kind.APPROVAL, "May " + journal.view().agent() + " call " + shown(call) + "?");
            }
            return;
        }
        start(call, tools, 1);
    }

    private void start(CallView call, Toolbox tools, int attempt) {
        if (running.size() >= PARALLEL) {
            return;
        }
        Optional<Tool> tool = tools.find(call.tool());
        if (tool.isEmpty()) {
            String names =
                    tools.names().isEmpty() ? "there are none" : "there are: " + String.join(", ", tools.names());
            finish(call, 0, Event.CallOutcome.ERROR, "there is no tool \"" + call.tool() + "\"; " + names);
            return;
        }
        RunningCall prepared = prepared(call, tool.get(), attempt);
        if (prepared != null) {
            journal.add(new Event.ToolStarted(
                    call.id(),
                    call.tool(),
                    attempt,
                    tool.get().effect(),
                    prepared.idempotencyKey(),
                    Hashes.sha256(call.arguments().getBytes(StandardCharsets.UTF_8))));
            running.put(call.id(), prepared);
            ready.add(prepared);
        }
    }

    private @Nullable RunningCall prepared(CallView call, Tool tool, int attempt) {
        Actor actor = journal.view().findTurn().map(TurnView::actor).orElse(Actor.UNNAMED);
        RunningCall prepared = new RunningCall(session, call, attempt, actor, tool, bodies);
        try {
            prepared.prepare(Json.parse(call.arguments().isBlank() ? "{}" : call.arguments()));
            return prepared;
        } catch (IllegalArgumentException e) {
            unusable(call, String.valueOf(e.getMessage()));
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            // A check that the tool's input makes of itself; the arguments are a model's and may be anything.
            LOG.warn("{}: the arguments of tool {} could not be read", session, tool.name(), RunningCall.place(e));
            unusable(call, e.toString());
        }
        return null;
    }

    private void unusable(CallView call, String why) {
        finish(call, 0, Event.CallOutcome.ERROR, "the arguments of " + call.tool() + " cannot be used: " + why);
    }

    private static String shown(CallView call) {
        String arguments = call.arguments().strip();
        return call.tool() + " " + (arguments.length() <= 200 ? arguments : arguments.substring(0, 200) + "…");
    }

    private void ask(CallView call, Question.Kind kind, String text) {
        String key = call.id() + (kind == Question.Kind.APPROVAL ? "" : "#" + call.attempt());
        journal.add(new Event.QuestionAsked(key, kind, call.id(), call.tool(), call.arguments(), text));
    }

    private void recover(CallView call, Toolbox tools) {
        if (call.effect() == Effect.ONCE) {
            doubt(call, "its worker was gone before it had a result");
        } else {
            start(call, tools, call.attempt() + 1);
        }
    }

    private void doubt(CallView call, String reason) {
        journal.add(new Event.ToolInDoubt(call.id(), call.tool(), call.attempt(), reason));
        CallView now = journal.view().findCall(call.id()).orElseThrow();
        if (now.state() != CallView.State.IN_DOUBT) {
            throw new IllegalStateException("call " + call.id() + " is not in doubt but " + now.state());
        }
    }

    private void resolve(CallView call, Toolbox tools) {
        if (probing.containsKey(call.id())) {
            return;
        }
        Optional<Tool> tool = tools.find(call.tool());
        if (tool.isEmpty()) {
            resolve(call, Probe.unknown(), InDoubt.ASK);
            return;
        }
        Probing question = new Probing(
                tool.get(),
                RunningCall.key(session, call),
                answer -> bodies.offer(new Signal.Probed(call.id(), call.attempt(), answer)));
        probing.put(call.id(), question);
        question.watch(bodies.schedule(() -> question.cancel(true), tool.get().timeout()));
        bodies.aside(question);
    }

    /** A probe has answered; a late result of the call may have been quicker. */
    void probed(Signal.Probed probed) {
        Probing question = probing.remove(probed.call());
        CallView call = journal.view().findCall(probed.call()).orElse(null);
        if (question != null
                && call != null
                && call.state() == CallView.State.IN_DOUBT
                && call.attempt() == probed.attempt()) {
            resolve(call, probed.answer(), question.tool().inDoubt());
        }
    }

    private void resolve(CallView call, Probe answer, InDoubt otherwise) {
        if (answer instanceof Probe.Done done) {
            settled(call, Event.Resolution.HAPPENED, Actor.PERDURE, "the tool's probe knows the result");
            finish(call, call.attempt(), Event.CallOutcome.OK, told(call, done.result()));
        } else if (answer instanceof Probe.Revoked) {
            settled(call, Event.Resolution.DID_NOT_HAPPEN, Actor.PERDURE, "the tool's probe revoked the key");
        } else if (otherwise == InDoubt.ASK) {
            ask(
                    call,
                    Question.Kind.IN_DOUBT,
                    "Did the call " + shown(call) + " by " + journal.view().agent() + " take effect?");
        } else {
            unknown(call, Actor.PERDURE, "nobody can say");
        }
    }

    /** What a probe says the result was. */
    private String told(CallView call, @Nullable Object result) {
        try {
            return ToolResult.of(result).text();
        } catch (IllegalArgumentException | StackOverflowError e) {
            LOG.warn("{}: the result that the probe of {} gave has no JSON form", session, call.tool(), e);
            return "done; its result cannot be shown";
        }
    }

    private void unknown(CallView call, Actor by, String reason) {
        settled(call, Event.Resolution.UNKNOWN, by, reason);
        finish(
                call,
                call.attempt(),
                Event.CallOutcome.UNKNOWN,
                "outcome unknown: this call may or may not have taken effect, and is not run again");
    }

    private void settled(CallView call, Event.Resolution resolution, Actor by, String reason) {
        journal.add(new Event.ToolResolved(call.id(), call.tool(), call.attempt(), resolution, by, reason));
    }

    private void finish(CallView call, int attempt, Event.CallOutcome outcome, String output) {
        ToolOutput kept = bodies.kept(ToolOutput.of(outcome, output, 0));
        journal.add(new Event.ToolFinished(
                call.id(), call.tool(), attempt, outcome, noted(call, kept.text()), kept.full(), 0));
    }

    /** The model must not take what a human wrote for its own. */
    private static String noted(CallView call, String output) {
        String note = "[a human changed the arguments to " + call.arguments() + "]\n";
        return call.edited() && !output.startsWith(note) ? note + output : output;
    }

    /** Whether a call ended in a doubt that its tool wants to fail the turn. */
    Optional<CallView> fatalDoubt(Toolbox tools) {
        return journal.view().calls().stream()
                .filter(call -> call.findResult()
                        .filter(result -> result.outcome() == Event.CallOutcome.UNKNOWN)
                        .isPresent())
                .filter(call -> tools.find(call.tool())
                        .filter(tool -> tool.inDoubt() == InDoubt.FAIL)
                        .isPresent())
                .findFirst();
    }

    /** A body is over. */
    void done(Signal.ToolDone done) {
        running.remove(done.call());
        CallView call = journal.view().findCall(done.call()).orElse(null);
        if (call == null || call.state() != CallView.State.STARTED || call.attempt() != done.attempt()) {
            return;
        }
        ToolOutput output = done.output();
        if (!output.returned() && call.effect() == Effect.ONCE) {
            doubt(call, output.text());
            return;
        }
        journal.add(new Event.ToolFinished(
                call.id(),
                call.tool(),
                call.attempt(),
                output.outcome(),
                noted(call, output.text()),
                output.full(),
                output.millis()));
    }

    /** Whether an answer could be applied. */
    boolean answer(String key, Answer given, Actor by) {
        Question question = journal.view().findQuestion(key).orElse(null);
        if (question == null) {
            return false;
        }
        Answer answer = understood(question, given);
        if (!question.allows(answer)) {
            return false;
        }
        journal.add(new Event.QuestionAnswered(key, question.kind(), question.call(), answer, by));
        CallView call = journal.view().findCall(question.call()).orElseThrow();
        if (answer instanceof Answer.Deny deny) {
            String why = deny.reason().isEmpty() ? "" : ": " + deny.reason();
            finish(call, 0, Event.CallOutcome.DENIED, "not allowed by " + by + why);
        } else if (answer instanceof Answer.Happened happened) {
            settled(call, Event.Resolution.HAPPENED, by, happened.reason());
            finish(call, call.attempt(), Event.CallOutcome.OK, happened.result());
        } else if (answer instanceof Answer.DidNotHappen no) {
            settled(call, Event.Resolution.DID_NOT_HAPPEN, by, no.reason());
        } else if (answer instanceof Answer.GiveUp giveUp) {
            unknown(call, by, giveUp.reason());
        }
        return true;
    }

    /** An answer of a later version counts as the careful one: its key is used up, so nobody could answer again. */
    private static Answer understood(Question question, Answer given) {
        if (!(given instanceof Answer.Other)) {
            return given;
        }
        return question.kind() == Question.Kind.APPROVAL ? Answer.deny(given.reason()) : Answer.giveUp(given.reason());
    }

    /** Whether a result of a former worker still helps. */
    boolean late(Bodies.LateResult late) {
        CallView call = journal.view().findCall(late.call()).orElse(null);
        if (call == null || call.finished() || running.containsKey(call.id()) || call.attempt() != late.attempt()) {
            return false;
        }
        Event.ToolFinished finished = new Event.ToolFinished(
                call.id(),
                call.tool(),
                late.attempt(),
                late.outcome(),
                noted(call, late.output()),
                late.full(),
                late.millis());
        if (call.state() == CallView.State.STARTED && call.effect() != Effect.ONCE) {
            journal.add(finished);
            return true;
        }
        if (call.state() == CallView.State.STARTED) {
            doubt(call, "its worker was gone before it had a result");
        }
        String reason = "its former worker reported the result";
        if (late.outcome() == Event.CallOutcome.INTERRUPTED) {
            closeQuestions(call, Answer.didNotHappen(reason));
            settled(call, Event.Resolution.DID_NOT_HAPPEN, Actor.PERDURE, reason);
        } else {
            closeQuestions(call, Answer.happened(finished.output(), reason));
            settled(call, Event.Resolution.HAPPENED, Actor.PERDURE, reason);
        }
        journal.add(finished);
        return true;
    }

    private void closeQuestions(CallView call, Answer answer) {
        for (Question question : journal.view().questions()) {
            if (question.call().equals(call.id())) {
                journal.add(new Event.QuestionAnswered(
                        question.id().key(), question.kind(), call.id(), answer, Actor.PERDURE));
            }
        }
    }

    /** Asks all bodies to stop. */
    void interruptAll(String reason) {
        running.values().forEach(call -> call.interrupt(reason));
    }

    /** What does not stop by itself is left behind after a while. */
    void giveUpAfterGrace() {
        running.values().forEach(call -> call.watch(bodies.schedule(call::giveUp, RunningCall.GRACE)));
        probing.values()
                .forEach(question -> question.watch(bodies.schedule(() -> question.cancel(true), RunningCall.GRACE)));
    }

    /** Ends what has not started, because the turn is over. */
    void closeUnstarted(String reason) {
        for (CallView call : journal.view().calls()) {
            if (!call.finished()) {
                closeQuestions(call, Answer.deny(reason));
                finish(call, call.attempt(), Event.CallOutcome.INTERRUPTED, reason);
            }
        }
    }

    /** Ends what has not started or cannot be waited for, because the turn is to stop. Calls in doubt stay. */
    void closeUnstarted(Toolbox tools, String reason) {
        for (CallView call : journal.view().calls()) {
            switch (call.state()) {
                case REQUESTED, APPROVED, REVOKED, ASKED -> {
                    closeQuestions(call, Answer.deny("the turn was interrupted"));
                    finish(call, call.attempt(), Event.CallOutcome.INTERRUPTED, "interrupted before it ran: " + reason);
                }
                case STARTED -> {
                    if (!running.containsKey(call.id()) && call.effect() == Effect.ONCE) {
                        doubt(call, "its worker was gone before it had a result");
                    } else if (!running.containsKey(call.id())) {
                        finish(call, call.attempt(), Event.CallOutcome.INTERRUPTED, "interrupted: " + reason);
                    }
                }
                default -> {}
            }
        }
        for (CallView call : journal.view().calls()) {
            if (call.state() == CallView.State.IN_DOUBT) {
                resolve(call, tools);
            }
        }
    }

    /** The run is over: bodies that must not be repeated go on and report to the inbox, the others are stopped. */
    void abandon(String reason) {
        for (RunningCall call : running.values()) {
            call.orphan();
            if (call.tool().effect() != Effect.ONCE) {
                call.leave(reason);
            }
        }
        running.clear();
        probing.values().forEach(question -> question.cancel(true));
        probing.clear();
    }
}

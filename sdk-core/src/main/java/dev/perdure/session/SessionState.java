package dev.perdure.session;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a log came to: everything of a view but the log itself. Small, so that a copy is cheap. Whoever changes what {@link #with} makes of an event raises
 * {@link SnapshotJson#FOLD}.
 *
 * @param inputs keys of what was applied since the newest turn began
 * @param covered number of the last event that the newest summary stands for; 0 without one
 */
record SessionState(
        String agent,
        @Nullable TurnView turn,
        boolean ended,
        List<CallView> calls,
        Map<String, Question> questions,
        Map<String, Json> notes,
        Map<String, Event.ArtifactSaved> artifacts,
        Event.@Nullable SandboxBound sandbox,
        int steps,
        Usage usage,
        Cost cost,
        List<String> inputs,
        long covered) {
    static final SessionState EMPTY = new SessionState(
            "", null, false, List.of(), Map.of(), Map.of(), Map.of(), null, 0, Usage.NONE, Cost.NONE, List.of(), 0);

    SessionState {
        Objects.requireNonNull(agent, "agent");
        Objects.requireNonNull(calls, "calls");
        Objects.requireNonNull(questions, "questions");
        Objects.requireNonNull(notes, "notes");
        Objects.requireNonNull(artifacts, "artifacts");
        Objects.requireNonNull(usage, "usage");
        Objects.requireNonNull(cost, "cost");
        Objects.requireNonNull(inputs, "inputs");
    }

    SessionState with(SessionId id, Recorded recorded) {
        Event event = recorded.event();
        if (event instanceof Event.SessionOpened e) {
            return agent(e.agent());
        } else if (event instanceof Event.HandedOff e) {
            return agent(e.to());
        } else if (event instanceof Event.TurnStarted e) {
            return turn(TurnView.started(recorded.turn(), recorded.seq(), e))
                    .calls(List.of())
                    .inputs(List.of());
        } else if (event instanceof Event.NoteKept e) {
            return notes(put(notes, e.name(), e.value()));
        } else if (event instanceof Event.ArtifactSaved e) {
            return artifacts(put(artifacts, e.name(), e));
        } else if (event instanceof Event.SandboxBound e) {
            return sandbox(e);
        } else if (event instanceof Event.SandboxLost) {
            return sandbox(null);
        } else if (event instanceof Event.SessionEnded) {
            return over();
        }
        return turn == null ? this : inTurn(id, turn, recorded, event);
    }

    private SessionState inTurn(SessionId id, TurnView now, Recorded recorded, Event event) {
        if (event instanceof Event.InputReceived e) {
            return e.disposition() == Event.Disposition.APPLIED ? applied(now, recorded, e) : this;
        } else if (event instanceof Event.ModelReplied e) {
            return replied(now.replied(e), recorded, e);
        } else if (event instanceof Event.ModelFailed e) {
            return failed(now.failed(e), e);
        } else if (event instanceof Event.CallsRequested e) {
            return calls(requested(recorded, e));
        } else if (event instanceof Event.Interrupted e) {
            return turn(now.interrupted(e));
        } else if (event instanceof Event.WaitStarted e) {
            return turn(now.waiting(e));
        } else if (event instanceof Event.TurnEnded e) {
            return turn(now.over(e));
        }
        return inCall(id, now, recorded, event);
    }

    private SessionState inCall(SessionId id, TurnView now, Recorded recorded, Event event) {
        if (event instanceof Event.ToolStarted e) {
            return turn(now.toolStarted(e)).call(e.call(), call -> call.started(e));
        } else if (event instanceof Event.ToolFinished e) {
            return call(e.call(), call -> call.finished(e));
        } else if (event instanceof Event.ToolInDoubt e) {
            return call(e.call(), call -> call.in(CallView.State.IN_DOUBT));
        } else if (event instanceof Event.ToolResolved e) {
            return e.resolution() == Event.Resolution.DID_NOT_HAPPEN
                    ? call(e.call(), call -> notHappened(call, e))
                    : this;
        } else if (event instanceof Event.QuestionAsked e) {
            return asked(id, recorded, e);
        } else if (event instanceof Event.QuestionAnswered e) {
            return answered(now, e);
        }
        return this;
    }

    /** A human's word leaves the key as it is: if it is wrong, the outside may still see that it is a repeat. */
    private static CallView notHappened(CallView call, Event.ToolResolved resolved) {
        return resolved.by().equals(Actor.PERDURE) ? call.revoked() : call.in(CallView.State.REVOKED);
    }

    private SessionState applied(TurnView now, Recorded recorded, Event.InputReceived input) {
        List<String> keys = new ArrayList<>(inputs);
        keys.add(input.key());
        SessionState next = inputs(Collections.unmodifiableList(keys));
        return input.kind() == Event.InputKind.MESSAGE
                ? next.turn(now.input(input, recorded.seq() == now.startedAt() + 1))
                : next;
    }

    private SessionState replied(TurnView next, Recorded recorded, Event.ModelReplied reply) {
        List<CallView> asked = reply.purpose() == Event.Purpose.ANSWER ? requested(recorded, reply) : calls;
        return new SessionState(
                agent,
                next,
                ended,
                asked,
                questions,
                notes,
                artifacts,
                sandbox,
                steps + 1,
                usage.plus(reply.usage()),
                cost.plus(reply.cost()),
                inputs,
                reply.purpose() == Event.Purpose.COMPACT ? Objects.requireNonNullElse(reply.covers(), 0L) : covered);
    }

    private SessionState failed(TurnView next, Event.ModelFailed failure) {
        return new SessionState(
                agent,
                next,
                ended,
                calls,
                questions,
                notes,
                artifacts,
                sandbox,
                steps,
                failure.usage() == null ? usage : usage.plus(failure.usage()),
                failure.cost() == null ? cost : cost.plus(failure.cost()),
                inputs,
                covered);
    }

    private static List<CallView> requested(Recorded recorded, Event.ModelReplied reply) {
        List<CallView> calls = new ArrayList<>();
        for (Part.ToolUse use : reply.toolUses()) {
            calls.add(CallView.requested(
                    CallId.of(recorded.id(), calls.size()), use.providerId(), use.name(), use.arguments(), false));
        }
        return List.copyOf(calls);
    }

    private static List<CallView> requested(Recorded recorded, Event.CallsRequested request) {
        List<CallView> calls = new ArrayList<>();
        for (Event.CallsRequested.Requested call : request.calls()) {
            CallId id = CallId.of(recorded.id(), calls.size());
            calls.add(CallView.requested(id, "", call.tool(), call.arguments().text(), request.hidden()));
        }
        return List.copyOf(calls);
    }

    private SessionState asked(SessionId id, Recorded recorded, Event.QuestionAsked e) {
        Question question = new Question(
                new QuestionId(id, e.key()), e.kind(), e.call(), e.tool(), e.arguments(), e.text(), recorded.at());
        CallView.State next = e.kind() == Question.Kind.APPROVAL ? CallView.State.ASKED : CallView.State.DOUBT_ASKED;
        return questions(put(questions, e.key(), question)).call(e.call(), call -> call.in(next));
    }

    private SessionState answered(TurnView now, Event.QuestionAnswered e) {
        Map<String, Question> open = new LinkedHashMap<>(questions);
        open.remove(e.key());
        SessionState next = turn(now.answered()).questions(Collections.unmodifiableMap(open));
        if (e.answer() instanceof Answer.Accept) {
            return next.call(e.call(), call -> call.in(CallView.State.APPROVED));
        } else if (e.answer() instanceof Answer.Edit edit) {
            return next.call(e.call(), call -> call.edited(edit.arguments()));
        }
        return next;
    }

    private SessionState call(CallId id, UnaryOperator<CallView> change) {
        return calls(calls.stream()
                .map(call -> call.id().equals(id) ? change.apply(call) : call)
                .toList());
    }

    private static <V> Map<String, V> put(Map<String, V> map, String name, V value) {
        Map<String, V> next = new LinkedHashMap<>(map);
        next.put(name, value);
        return Collections.unmodifiableMap(next);
    }

    private SessionState agent(String next) {
        return new SessionState(
                next, turn, ended, calls, questions, notes, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState turn(TurnView next) {
        return new SessionState(
                agent, next, ended, calls, questions, notes, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState calls(List<CallView> next) {
        return new SessionState(
                agent, turn, ended, next, questions, notes, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState questions(Map<String, Question> next) {
        return new SessionState(
                agent, turn, ended, calls, next, notes, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState inputs(List<String> next) {
        return new SessionState(
                agent, turn, ended, calls, questions, notes, artifacts, sandbox, steps, usage, cost, next, covered);
    }

    private SessionState notes(Map<String, Json> next) {
        return new SessionState(
                agent, turn, ended, calls, questions, next, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState artifacts(Map<String, Event.ArtifactSaved> next) {
        return new SessionState(
                agent, turn, ended, calls, questions, notes, next, sandbox, steps, usage, cost, inputs, covered);
    }

    private SessionState sandbox(Event.@Nullable SandboxBound next) {
        return new SessionState(
                agent, turn, ended, calls, questions, notes, artifacts, next, steps, usage, cost, inputs, covered);
    }

    private SessionState over() {
        return new SessionState(
                agent, turn, true, calls, questions, notes, artifacts, sandbox, steps, usage, cost, inputs, covered);
    }
}

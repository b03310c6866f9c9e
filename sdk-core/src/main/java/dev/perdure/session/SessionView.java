package dev.perdure.session;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.RandomAccess;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the log of a session says up to some event. A pure function of those events: the same events give the same view, in any
 * process. Immutable; {@link #with} gives the next one without copying the log.
 */
public final class SessionView {
    private final SessionId id;
    private final Log log;
    private final int length;
    private final State state;

    private SessionView(SessionId id, Log log, int length, State state) {
        this.id = id;
        this.log = log;
        this.length = length;
        this.state = state;
    }

    /** The view of an empty log. */
    public static SessionView empty(SessionId id) {
        return new SessionView(id, new Log(), 0, State.EMPTY);
    }

    /** The view of a log, whole or from its start. */
    public static SessionView of(SessionId id, Iterable<Recorded> events) {
        SessionView view = empty(id);
        for (Recorded event : events) {
            view = view.with(event);
        }
        return view;
    }

    /** @throws IllegalArgumentException when {@code next} is not the event after this view's last */
    public SessionView with(Recorded next) {
        if (next.seq() != length + 1L) {
            throw new IllegalArgumentException(
                    "the log of " + id + " ends at event " + length + ", so event " + next.seq() + " does not follow");
        }
        return new SessionView(id, log.append(length, next), length + 1, state.with(id, next));
    }

    public SessionId id() {
        return id;
    }

    /** All events, oldest first; the event with number {@code seq} is at index {@code seq - 1}. Unmodifiable. */
    public List<Recorded> events() {
        return new Prefix(log, length);
    }

    /** After the last event. */
    public Position position() {
        return length == 0 ? Position.START : log.get(length - 1).position();
    }

    /** The agent that answers now; empty before the first event. */
    public String agent() {
        return state.agent;
    }

    /** The newest turn, open or ended. */
    public Optional<TurnView> findTurn() {
        return Optional.ofNullable(state.turn);
    }

    public boolean ended() {
        return state.ended;
    }

    /** The calls of the newest step in the order of their ordinals; empty before the first and when a turn has begun anew. */
    public List<CallView> calls() {
        return state.calls;
    }

    public Optional<CallView> findCall(CallId call) {
        return state.calls.stream().filter(c -> c.id().equals(call)).findFirst();
    }

    /** Whether some call of the newest step has no result. */
    public boolean hasUnfinishedCalls() {
        return state.calls.stream().anyMatch(call -> !call.finished());
    }

    /** Questions that nobody has answered, oldest first. */
    public List<Question> questions() {
        return List.copyOf(state.questions.values());
    }

    public Optional<Question> findQuestion(String key) {
        return Optional.ofNullable(state.questions.get(key));
    }

    /** What the agent keeps, by name. Unmodifiable. */
    public Map<String, Json> notes() {
        return state.notes;
    }

    /** The newest version of each artifact, by name. Unmodifiable. */
    public Map<String, Event.ArtifactSaved> artifacts() {
        return state.artifacts;
    }

    /** The session's sandbox, as long as it is not lost. */
    public Optional<Event.SandboxBound> findSandbox() {
        return Optional.ofNullable(state.sandbox);
    }

    /** Model calls answered in all turns. */
    public int steps() {
        return state.steps;
    }

    /** Tokens of all turns. */
    public Usage usage() {
        return state.usage;
    }

    /** Money of all turns. */
    public Cost cost() {
        return state.cost;
    }

    @Override
    public String toString() {
        return "SessionView[" + id + ", " + length + " events]";
    }

    /** Everything but the log itself. Small, so that a copy is cheap. */
    private record State(
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
            Cost cost) {
        static final State EMPTY =
                new State("", null, false, List.of(), Map.of(), Map.of(), Map.of(), null, 0, Usage.NONE, Cost.NONE);

        State with(SessionId id, Recorded recorded) {
            Event event = recorded.event();
            if (event instanceof Event.SessionOpened e) {
                return agent(e.agent());
            } else if (event instanceof Event.HandedOff e) {
                return agent(e.to());
            } else if (event instanceof Event.TurnStarted e) {
                return turn(TurnView.started(recorded.turn(), recorded.seq(), e))
                        .calls(List.of());
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

        private State inTurn(SessionId id, TurnView now, Recorded recorded, Event event) {
            if (event instanceof Event.InputReceived e) {
                boolean applied = e.kind() == Event.InputKind.MESSAGE && e.disposition() == Event.Disposition.APPLIED;
                return applied ? turn(now.input(e, recorded.seq() == now.startedAt() + 1)) : this;
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

        private State inCall(SessionId id, TurnView now, Recorded recorded, Event event) {
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

        private State replied(TurnView next, Recorded recorded, Event.ModelReplied reply) {
            List<CallView> asked = reply.purpose() == Event.Purpose.ANSWER ? requested(recorded, reply) : calls;
            return new State(
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
                    cost.plus(reply.cost()));
        }

        private State failed(TurnView next, Event.ModelFailed failure) {
            return new State(
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
                    failure.cost() == null ? cost : cost.plus(failure.cost()));
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
                calls.add(
                        CallView.requested(id, "", call.tool(), call.arguments().text(), request.hidden()));
            }
            return List.copyOf(calls);
        }

        private State asked(SessionId id, Recorded recorded, Event.QuestionAsked e) {
            Question question = new Question(
                    new QuestionId(id, e.key()), e.kind(), e.call(), e.tool(), e.arguments(), e.text(), recorded.at());
            CallView.State next =
                    e.kind() == Question.Kind.APPROVAL ? CallView.State.ASKED : CallView.State.DOUBT_ASKED;
            return questions(put(questions, e.key(), question)).call(e.call(), call -> call.in(next));
        }

        private State answered(TurnView now, Event.QuestionAnswered e) {
            Map<String, Question> open = new LinkedHashMap<>(questions);
            open.remove(e.key());
            State next = turn(now.answered()).questions(java.util.Collections.unmodifiableMap(open));
            if (e.answer() instanceof Answer.Accept) {
                return next.call(e.call(), call -> call.in(CallView.State.APPROVED));
            } else if (e.answer() instanceof Answer.Edit edit) {
                return next.call(e.call(), call -> call.edited(edit.arguments()));
            }
            return next;
        }

        private State call(CallId id, UnaryOperator<CallView> change) {
            return calls(calls.stream()
                    .map(call -> call.id().equals(id) ? change.apply(call) : call)
                    .toList());
        }

        private static <V> Map<String, V> put(Map<String, V> map, String name, V value) {
            Map<String, V> next = new LinkedHashMap<>(map);
            next.put(name, value);
            return java.util.Collections.unmodifiableMap(next);
        }

        private State agent(String next) {
            return new State(next, turn, ended, calls, questions, notes, artifacts, sandbox, steps, usage, cost);
        }

        private State turn(TurnView next) {
            return new State(agent, next, ended, calls, questions, notes, artifacts, sandbox, steps, usage, cost);
        }

        private State calls(List<CallView> next) {
            return new State(agent, turn, ended, next, questions, notes, artifacts, sandbox, steps, usage, cost);
        }

        private State questions(Map<String, Question> next) {
            return new State(agent, turn, ended, calls, next, notes, artifacts, sandbox, steps, usage, cost);
        }

        private State notes(Map<String, Json> next) {
            return new State(agent, turn, ended, calls, questions, next, artifacts, sandbox, steps, usage, cost);
        }

        private State artifacts(Map<String, Event.ArtifactSaved> next) {
            return new State(agent, turn, ended, calls, questions, notes, next, sandbox, steps, usage, cost);
        }

        private State sandbox(Event.@Nullable SandboxBound next) {
            return new State(agent, turn, ended, calls, questions, notes, artifacts, next, steps, usage, cost);
        }

        private State over() {
            return new State(agent, turn, true, calls, questions, notes, artifacts, sandbox, steps, usage, cost);
        }
    }

    /** Append-only array that views of one log share; each view reads only below its own length. */
    private static final class Log {
        private Recorded[] items = new Recorded[16];
        private int size;

        /** This log with {@code next} at {@code length}; a copy when another view has gone on from there already. */
        synchronized Log append(int length, Recorded next) {
            if (length < size && items[length].equals(next)) {
                // Shared already, perhaps as a draft that did not have the store's time yet.
                items[length] = next;
                return this;
            }
            if (size != length) {
                Log copy = new Log();
                copy.items = java.util.Arrays.copyOf(items, Math.max(16, length * 2));
                copy.size = length;
                return copy.append(length, next);
            }
            if (size == items.length) {
                items = java.util.Arrays.copyOf(items, size * 2);
            }
            items[size++] = next;
            return this;
        }

        synchronized Recorded get(int index) {
            return items[index];
        }
    }

    private static final class Prefix extends AbstractList<Recorded> implements RandomAccess {
        private final Log log;
        private final int length;

        Prefix(Log log, int length) {
            this.log = log;
            this.length = length;
        }

        @Override
        public Recorded get(int index) {
            java.util.Objects.checkIndex(index, length);
            return log.get(index);
        }

        @Override
        public int size() {
            return length;
        }
    }
}

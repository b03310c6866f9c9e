package dev.perdure;

import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Problem;
import java.util.List;
import java.util.Objects;

/** What an {@link Agent} wants next. Immutable. */
public sealed interface Decision {

    /**
     * Call the model.
     *
     * @param covers for {@link Event.Purpose#COMPACT}: number of the last event that the reply stands for; else 0
     */
    record CallModel(ModelRequest request, Event.Purpose purpose, long covers) implements Decision {
        public CallModel {
            Objects.requireNonNull(request, "request");
            if ((purpose == Event.Purpose.COMPACT) != (covers > 0)) {
                throw new IllegalArgumentException(
                        "a compaction, and nothing else, covers events: " + purpose + ", " + covers);
            }
        }
    }

    /** Run the calls that the last reply asked for. */
    record CallTools() implements Decision {}

    /**
     * Run calls that no model asked for.
     *
     * @param visibility whether the model is shown them
     */
    record RunTools(List<Event.CallsRequested.Requested> calls, Visibility visibility) implements Decision {
        public RunTools {
            calls = List.copyOf(calls);
            Objects.requireNonNull(visibility, "visibility");
            if (calls.isEmpty()) {
                throw new IllegalArgumentException("no calls to run");
            }
        }
    }

    /** Whether a model is shown a call. */
    enum Visibility {
        SHOWN,
        HIDDEN
    }

    /** Keep a fact under a name, durably; go on. */
    record KeepNote(String name, Json value) implements Decision {
        public KeepNote {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(value, "value");
        }
    }

    /** Wait for the next input, without a thread, a lease or a write. It continues this turn. */
    record Await() implements Decision {}

    /** Let another agent go on with this turn and all later ones. */
    record HandOff(String agent) implements Decision {
        public HandOff {
            Objects.requireNonNull(agent, "agent");
        }
    }

    /** The turn is done. */
    record Finish(String output) implements Decision {
        public Finish {
            Objects.requireNonNull(output, "output");
        }
    }

    /** The turn failed. */
    record Fail(Problem problem) implements Decision {
        public Fail {
            Objects.requireNonNull(problem, "problem");
        }
    }
}

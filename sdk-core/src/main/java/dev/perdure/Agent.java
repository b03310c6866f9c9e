package dev.perdure;

import dev.perdure.session.SessionView;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SandboxProvider;
import dev.perdure.tool.Toolbox;
import java.util.Optional;

/**
 * A function from a session's log to the next {@link Decision}. It does no I/O: the engine carries decisions out, writes down what
 * happened, and asks again. Immutable and thread-safe; one agent serves any number of sessions.
 */
public interface Agent {
    /** 1 to 100 characters; sessions are bound to it. */
    String name();

    /** Recorded with each turn. Change it when the same log would lead to other decisions. Default: {@code 1}. */
    default String version() {
        return "1";
    }

    /**
     * What to do next. A pure function of the view: the same log gives an equal decision, in any process, whenever it is asked. Asked
     * when a turn is open and every call of the last step has its result, and when a reply with calls has just come in.
     */
    Decision next(SessionView view);

    /** Default: none. */
    default Toolbox tools() {
        return Toolbox.empty();
    }

    ModelClient model();

    /** Default: none. */
    default Limits limits() {
        return Limits.none();
    }

    /** Where tools run commands; gives the agent shell and file tools. Default: nowhere. */
    default Optional<SandboxProvider> sandbox() {
        return Optional.empty();
    }

    /** An agent that lets a model decide. */
    static LlmAgent.Builder builder(String name) {
        return new LlmAgent.Builder(name);
    }
}

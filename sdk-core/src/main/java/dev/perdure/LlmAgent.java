package dev.perdure;

import dev.perdure.internal.llm.Compaction;
import dev.perdure.internal.llm.OutputCheck;
import dev.perdure.internal.llm.Transcript;
import dev.perdure.internal.sandbox.SandboxTools;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Problem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SandboxProvider;
import dev.perdure.tool.Tool;
import dev.perdure.tool.Toolbox;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An agent that lets a model decide: it calls the model, runs the tools the model asks for, and ends the turn with the first reply that asks
 * for none. When the conversation gets too long for the model, it is summed up once per turn and the turn goes on.
 */
public final class LlmAgent implements Agent {
    private final String name;
    private final String version;
    private final Function<SessionView, String> instructions;
    private final ModelClient model;
    private final Toolbox tools;
    private final Limits limits;
    private final ModelParameters parameters;
    private final @Nullable SandboxProvider sandbox;
    private final OutputCheck output;

    private LlmAgent(Builder builder, ModelClient model) {
        this.name = builder.name;
        this.version = Objects.requireNonNullElse(builder.version, "1");
        this.instructions = Objects.requireNonNullElse(builder.instructions, view -> "");
        this.model = model;
        Toolbox own = Toolbox.empty().plus(builder.tools);
        this.tools = builder.sandbox == null ? own : own.plus(SandboxTools.tools());
        this.limits = Objects.requireNonNullElse(builder.limits, Limits.none());
        this.parameters = Objects.requireNonNullElse(builder.parameters, ModelParameters.DEFAULT);
        this.sandbox = builder.sandbox;
        this.output = builder.output;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public Toolbox tools() {
        return tools;
    }

    @Override
    public ModelClient model() {
        return model;
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public Optional<SandboxProvider> sandbox() {
        return Optional.ofNullable(sandbox);
    }

    @Override
    public Decision next(SessionView view) {
        if (view.hasUnfinishedCalls()) {
            return new Decision.CallTools();
        }
        Recorded last = lastThatCounts(view);
        if (last != null
                && last.event() instanceof Event.ModelReplied reply
                && reply.purpose() == Event.Purpose.ANSWER) {
            return afterReply(view, reply);
        }
        if (last != null && last.event() instanceof Event.ModelFailed failure) {
            return afterFailure(view, failure);
        }
        return callModel(view);
    }

    private Decision afterReply(SessionView view, Event.ModelReplied reply) {
        if (!reply.toolUses().isEmpty()) {
            return callModel(view);
        }
        if (output.correction(reply) == null) {
            return new Decision.Finish(output.output(reply));
        }
        if (output.corrections(view) < OutputCheck.MOST_CORRECTIONS) {
            return callModel(view);
        }
        return new Decision.Fail(Problem.of(
                "output",
                "the model's answer does not fit the agent's output type after " + OutputCheck.MOST_CORRECTIONS
                        + " corrections: " + output.correction(reply)));
    }

    private Decision afterFailure(SessionView view, Event.ModelFailed failure) {
        boolean tooLong = failure.problem().kind().equals("context_window");
        if (tooLong && failure.purpose() == Event.Purpose.ANSWER && !Compaction.doneIn(view, turnStart(view))) {
            Optional<Decision> compaction = Compaction.of(view, output::correction);
            if (compaction.isPresent()) {
                return compaction.get();
            }
        }
        return new Decision.Fail(failure.problem());
    }

    private Decision callModel(SessionView view) {
        ModelRequest request = new ModelRequest(
                instructions.apply(view),
                Transcript.of(view, output::correction),
                tools.specs(),
                parameters,
                output.schema());
        return new Decision.CallModel(request, Event.Purpose.ANSWER, 0);
    }

    private static long turnStart(SessionView view) {
        return view.findTurn().map(TurnView::startedAt).orElse(0L);
    }

    /** The newest event of the turn that bears on what comes next. */
    private static @Nullable Recorded lastThatCounts(SessionView view) {
        List<Recorded> events = view.events();
        for (int i = events.size() - 1; i >= 0; i--) {
            Event event = events.get(i).event();
            if (counts(event)) {
                return events.get(i);
            }
        }
        return null;
    }

    private static boolean counts(Event event) {
        if (event instanceof Event.ModelFailed failure) {
            return !failure.willRetry();
        }
        if (event instanceof Event.InputReceived input) {
            return input.kind() == Event.InputKind.MESSAGE && input.disposition() == Event.Disposition.APPLIED;
        }
        return event instanceof Event.ModelReplied
                || event instanceof Event.ToolFinished
                || event instanceof Event.TurnStarted;
    }

    @Override
    public String toString() {
        return "LlmAgent[" + name + ", version " + version + "]";
    }

    /** Collects what makes an {@link LlmAgent}. An option that is set twice throws {@link IllegalStateException}. Not thread-safe. */
    public static final class Builder {
        private final String name;
        private final List<Tool> tools = new ArrayList<>();
        private @Nullable String version;
        private @Nullable Function<SessionView, String> instructions;
        private @Nullable ModelClient model;
        private @Nullable Limits limits;
        private @Nullable ModelParameters parameters;
        private @Nullable SandboxProvider sandbox;
        private OutputCheck output = OutputCheck.none();

        Builder(String name) {
            Objects.requireNonNull(name, "name");
            if (name.isBlank() || name.length() > 100) {
                throw new IllegalArgumentException(
                        "an agent's name has 1 to 100 characters, but this is \"" + name + "\"");
            }
            this.name = name;
        }

        /** Default: {@code 1}. Change it when instructions or tools change what the agent does. */
        public Builder version(String value) {
            this.version = once("version", version, value);
            return this;
        }

        /** What the model is told it is. Default: nothing. */
        public Builder instructions(String value) {
            Objects.requireNonNull(value, "instructions");
            return instructions(view -> value);
        }

        /** Instructions that depend on the session. A pure function. */
        public Builder instructions(Function<SessionView, String> value) {
            this.instructions = once("instructions", instructions, value);
            return this;
        }

        /** Required. */
        public Builder model(ModelClient value) {
            this.model = once("model", model, value);
            return this;
        }

        /** One more tool. */
        public Builder tool(Tool value) {
            tools.add(Objects.requireNonNull(value, "tool"));
            return this;
        }

        /** A tool for each method of {@code object} with {@link dev.perdure.tool.ToolMethod}. */
        public Builder tools(Object object) {
            Objects.requireNonNull(object, "tools");
            Toolbox box = object instanceof Toolbox given ? given : Toolbox.from(object);
            tools.addAll(box.tools());
            return this;
        }

        /** Where the agent's commands run; gives it shell and file tools. Default: none. */
        public Builder sandbox(SandboxProvider value) {
            this.sandbox = once("sandbox", sandbox, value);
            return this;
        }

        /** What a turn may consume. Default: no limit. */
        public Builder limits(Limits value) {
            this.limits = once("limits", limits, value);
            return this;
        }

        /** How the model is to answer. Default: as the provider likes. */
        public Builder parameters(ModelParameters value) {
            this.parameters = once("parameters", parameters, value);
            return this;
        }

        /** The answer is JSON that fits this type; one that does not is sent back to the model, twice at most. Default: free text. */
        public Builder output(Class<?> type) {
            if (output.schema() != null) {
                throw new IllegalStateException("output is set already");
            }
            this.output = OutputCheck.of(type);
            return this;
        }

        /**
         * @throws IllegalStateException when there is no model, or a limit in money and a model client that does not report cost
         * @throws IllegalArgumentException when two tools have the same name
         */
        public LlmAgent build() {
            ModelClient client = model;
            if (client == null) {
                throw new IllegalStateException("agent \"" + name + "\" has no model: call model(…)");
            }
            LlmAgent agent = new LlmAgent(this, client);
            Limits.requirePrices(agent);
            return agent;
        }

        private static <T> T once(String what, @Nullable T before, T value) {
            if (before != null) {
                throw new IllegalStateException(what + " is set already");
            }
            return Objects.requireNonNull(value, what);
        }
    }
}

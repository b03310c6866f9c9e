package dev.perdure.tool;

import dev.perdure.model.ToolSpec;
import dev.perdure.session.Effect;
import dev.perdure.session.Json;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something that an agent can do: what the model is told, what runs, and what a repeat of it may do. Immutable; the body must be
 * thread-safe.
 *
 * <pre>{@code
 * record Refund(String orderId, int cents) {}
 *
 * Tool refund = Tool.idempotent("refund", "Refund an order", Refund.class,
 *         (refund, call) -> payments.refund(refund, call.idempotencyKey()))
 *     .approval(Approval.required());
 * }</pre>
 *
 * <p>The input is a record, or any type that Jackson can make; or {@link Json} together with {@link #schema}. Arguments that do not fit it
 * go back to the model with what is wrong. So does an exception of the body: its message is for the model.
 */
public final class Tool {
    /** Longest time a call may take unless {@link #timeout} says otherwise. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(10);

    private final ToolSpec spec;
    private final Effect effect;
    private final Input input;
    private final Approval approval;
    private final Duration timeout;
    private final InDoubt inDoubt;
    private final Probe.Prober prober;

    private Tool(
            ToolSpec spec,
            Effect effect,
            Input input,
            Approval approval,
            Duration timeout,
            InDoubt inDoubt,
            Probe.Prober prober) {
        this.spec = spec;
        this.effect = effect;
        this.input = input;
        this.approval = approval;
        this.timeout = timeout;
        this.inDoubt = inDoubt;
        this.prober = prober;
    }

    /** A tool that changes nothing outside. After a crash it runs again. */
    public static <I> Tool pure(String name, String description, Class<I> input, Body<I> body) {
        return make(name, description, Effect.PURE, input, body);
    }

    /** A tool whose outside collapses repeats with the same {@link ToolCall#idempotencyKey()}. After a crash it runs again. */
    public static <I> Tool idempotent(String name, String description, Class<I> input, Body<I> body) {
        return make(name, description, Effect.IDEMPOTENT, input, body);
    }

    /** A tool that must not take effect twice. The next call says whether the outside can be asked about a call in doubt. */
    public static <I> Once once(String name, String description, Class<I> input, Body<I> body) {
        return new Once(make(name, description, Effect.ONCE, input, body));
    }

    /** The second half of {@link #once}. */
    public static final class Once {
        private final Tool tool;

        private Once(Tool tool) {
            this.tool = tool;
        }

        /** The outside can be asked, by the call's key. */
        public Tool probe(Probe.Prober prober) {
            return new Tool(
                    tool.spec,
                    tool.effect,
                    tool.input,
                    tool.approval,
                    tool.timeout,
                    tool.inDoubt,
                    Objects.requireNonNull(prober, "prober"));
        }

        /** Nobody can be asked: a call in doubt goes by {@link Tool#inDoubt(InDoubt)}. */
        public Tool noProbe() {
            return tool;
        }
    }

    private static <I> Tool make(String name, String description, Effect effect, Class<I> input, Body<I> body) {
        Objects.requireNonNull(input, "input");
        Objects.requireNonNull(body, "body");
        Json schema = input == Json.class ? Schemas.anyObject() : Schemas.of(input);
        if (!schema.findText("type").filter("object"::equals).isPresent()) {
            throw new IllegalArgumentException("the input of tool \"" + name + "\" is " + input.getName()
                    + ", which is no JSON object: use a record, or Json with a schema");
        }
        return of(new ToolSpec(name, description, schema), effect, (arguments, call) -> {
            I typed = fit(arguments, input);
            return () -> body.run(typed, call);
        });
    }

    static Tool of(ToolSpec spec, Effect effect, Input input) {
        return new Tool(spec, effect, input, Approval.never(), DEFAULT_TIMEOUT, InDoubt.ASK, Probe.none());
    }

    static <I> I fit(Json arguments, Class<I> type) {
        return type == Json.class ? type.cast(arguments) : arguments.as(type);
    }

    /** Default: never. */
    public Tool approval(Approval value) {
        return new Tool(spec, effect, input, Objects.requireNonNull(value, "approval"), timeout, inDoubt, prober);
    }

    /** Longest time one attempt may take, at least 1 ms. Default: {@link #DEFAULT_TIMEOUT}. */
    public Tool timeout(Duration value) {
        if (Objects.requireNonNull(value, "timeout").toMillis() < 1) {
            throw new IllegalArgumentException(
                    "the timeout of tool " + name() + " is at least 1 ms, but this is " + value);
        }
        return new Tool(spec, effect, input, approval, value, inDoubt, prober);
    }

    /** What to do when nobody knows whether a {@link Effect#ONCE} call took effect. Default: {@link InDoubt#ASK}. */
    public Tool inDoubt(InDoubt value) {
        if (effect != Effect.ONCE) {
            throw new IllegalStateException("tool " + name() + " is " + effect
                    + " and never in doubt: leave inDoubt(…) out, or make it with Tool.once(…)");
        }
        return new Tool(spec, effect, input, approval, timeout, Objects.requireNonNull(value, "inDoubt"), prober);
    }

    /** Replaces the JSON Schema that was made from the input's type. */
    public Tool schema(Json value) {
        return new Tool(
                new ToolSpec(spec.name(), spec.description(), value),
                effect,
                input,
                approval,
                timeout,
                inDoubt,
                prober);
    }

    public String name() {
        return spec.name();
    }

    public ToolSpec spec() {
        return spec;
    }

    public Effect effect() {
        return effect;
    }

    public Approval approval() {
        return approval;
    }

    public Duration timeout() {
        return timeout;
    }

    public InDoubt inDoubt() {
        return inDoubt;
    }

    /** Asks the outside about a call in doubt. */
    public Probe.Prober prober() {
        return prober;
    }

    /**
     * Checks the arguments and gives what runs the body. Nothing has run when this throws.
     *
     * @throws IllegalArgumentException when the arguments do not fit; the message is for the model
     */
    public Work prepare(Json arguments, ToolCall call) {
        Schemas.checkRequired(spec.schema(), arguments);
        return input.prepare(arguments, call);
    }

    @Override
    public String toString() {
        return "Tool[" + name() + ", " + effect + "]";
    }

    /** What a tool does. Runs on a thread of its own, which is interrupted when it should stop. */
    @FunctionalInterface
    public interface Body<I> {
        /** @return what the model sees, by {@link ToolResult#of} */
        @Nullable
        Object run(I input, ToolCall call) throws Exception;
    }

    /** A body with its input. */
    @FunctionalInterface
    public interface Work {
        @Nullable
        Object run() throws Exception;
    }

    @FunctionalInterface
    interface Input {
        Work prepare(Json arguments, ToolCall call);
    }
}

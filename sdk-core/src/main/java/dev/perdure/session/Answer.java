package dev.perdure.session;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a {@link Question}. {@link Accept}, {@link Edit} and {@link Deny} answer an approval; {@link Happened}, {@link
 * DidNotHappen} and {@link GiveUp} answer a call in doubt. Immutable.
 */
public sealed interface Answer {

    /** Name of the kind in JSON. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** Why, in the answerer's words; may be empty. */
    String reason();

    static Answer accept(String reason) {
        return new Accept(reason);
    }

    /**
     * The call runs with these arguments instead.
     *
     * @throws IllegalArgumentException when they are no JSON object
     */
    static Answer edit(Json arguments, String reason) {
        return new Edit(arguments, reason);
    }

    /** The call does not run; the model is told why. */
    static Answer deny(String reason) {
        return new Deny(reason);
    }

    /** The call did take effect; {@code result} is what the model sees. */
    static Answer happened(String result, String reason) {
        return new Happened(result, reason);
    }

    /** The call did not take effect; it runs again. */
    static Answer didNotHappen(String reason) {
        return new DidNotHappen(reason);
    }

    /** Nobody knows; the model is told so and the call does not run again. */
    static Answer giveUp(String reason) {
        return new GiveUp(reason);
    }

    /** Run the call as asked. */
    record Accept(String reason) implements Answer {
        public Accept {
            Objects.requireNonNull(reason, "reason");
        }
    }

    /** Run the call with other arguments. */
    record Edit(Json arguments, String reason) implements Answer {
        public Edit {
            Objects.requireNonNull(arguments, "arguments");
            Objects.requireNonNull(reason, "reason");
            if (!arguments.isObject()) {
                throw new IllegalArgumentException("the arguments of a call are a JSON object, but this is of kind "
                        + arguments.node().getNodeType());
            }
        }
    }

    /** Do not run the call. */
    record Deny(String reason) implements Answer {
        public Deny {
            Objects.requireNonNull(reason, "reason");
        }
    }

    /** The call in doubt took effect. */
    record Happened(String result, String reason) implements Answer {
        public Happened {
            Objects.requireNonNull(result, "result");
            Objects.requireNonNull(reason, "reason");
        }
    }

    /** The call in doubt did not take effect. */
    record DidNotHappen(String reason) implements Answer {
        public DidNotHappen {
            Objects.requireNonNull(reason, "reason");
        }
    }

    /** The call in doubt stays unknown. */
    record GiveUp(String reason) implements Answer {
        public GiveUp {
            Objects.requireNonNull(reason, "reason");
        }
    }

    /** An answer of a later version; treated as {@link GiveUp} or {@link Deny} by the question's kind. */
    record Other(String type, @Nullable Json json) implements Answer {
        @Override
        public String reason() {
            return "an answer of an unknown kind: " + type;
        }
    }
}

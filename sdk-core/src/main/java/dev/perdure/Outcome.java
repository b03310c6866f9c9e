package dev.perdure;

import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.Problem;
import dev.perdure.session.Question;
import dev.perdure.session.Usage;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * How a turn stands when nothing more happens by itself. On Java 21 a {@code switch} covers all cases; on Java 17 {@link #fold} does.
 */
public sealed interface Outcome {

    /** The agent has answered. */
    record Done(String text, Usage usage, Cost cost) implements Outcome {
        public Done {
            Objects.requireNonNull(text, "text");
        }

        /**
         * The answer of an agent with an output type.
         *
         * @throws IllegalArgumentException when the answer is not JSON or does not fit
         */
        public <T> T as(Class<T> type) {
            return Json.parse(text).as(type);
        }

        @Override
        public String summary() {
            return "Done: " + text;
        }
    }

    /**
     * The turn waits. With questions it goes on when they are answered, and a further message waits behind them; without, when the next input
     * comes in.
     *
     * @param questions empty when it waits for an input
     */
    record Waiting(List<Question> questions) implements Outcome {
        public Waiting {
            questions = List.copyOf(questions);
        }

        @Override
        public String summary() {
            if (questions.isEmpty()) {
                return "Waiting for the next input";
            }
            return "Waiting for an answer to: "
                    + String.join("; ", questions.stream().map(Question::text).toList());
        }
    }

    /** The turn is over without an answer; the session can be used on. */
    record Failed(Problem problem) implements Outcome {
        public Failed {
            Objects.requireNonNull(problem, "problem");
        }

        @Override
        public String summary() {
            return "Failed (" + problem.kind() + "): " + problem.message();
        }
    }

    /** Somebody stopped the turn; the session can be used on. */
    record Interrupted(String reason) implements Outcome {
        public Interrupted {
            Objects.requireNonNull(reason, "reason");
        }

        @Override
        public String summary() {
            return "Interrupted: " + reason;
        }
    }

    /** The session made no progress through several claims and waits for an operator. */
    record Quarantined() implements Outcome {
        @Override
        public String summary() {
            return "Quarantined: claimed again and again without progress; see Operator.resume";
        }
    }

    /** One line for people. */
    String summary();

    default Optional<Done> findDone() {
        return this instanceof Done done ? Optional.of(done) : Optional.empty();
    }

    default Optional<Waiting> findWaiting() {
        return this instanceof Waiting waiting ? Optional.of(waiting) : Optional.empty();
    }

    default Optional<Failed> findFailed() {
        return this instanceof Failed failed ? Optional.of(failed) : Optional.empty();
    }

    /** Applies the function of the case at hand. */
    default <T> T fold(
            Function<? super Done, ? extends T> done,
            Function<? super Waiting, ? extends T> waiting,
            Function<? super Failed, ? extends T> failed,
            Function<? super Interrupted, ? extends T> interrupted,
            Function<? super Quarantined, ? extends T> quarantined) {
        if (this instanceof Done d) {
            return done.apply(d);
        } else if (this instanceof Waiting w) {
            return waiting.apply(w);
        } else if (this instanceof Failed f) {
            return failed.apply(f);
        } else if (this instanceof Interrupted i) {
            return interrupted.apply(i);
        }
        return quarantined.apply((Quarantined) this);
    }
}

package dev.perdure.testkit;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a {@link ScriptedModel} does at one call: a reply of some parts, or a failure. Immutable. */
public final class Step {
    private final List<Part> parts;
    private final @Nullable ModelException failure;
    private final Duration firstAfter;
    private final Duration wordEvery;

    private Step(List<Part> parts, @Nullable ModelException failure, Duration firstAfter, Duration wordEvery) {
        this.parts = List.copyOf(parts);
        this.failure = failure;
        this.firstAfter = firstAfter;
        this.wordEvery = wordEvery;
    }

    /** Replies with a text. */
    public static Step text(String text) {
        return new Step(List.of(new Part.Text(text)), null, Duration.ZERO, Duration.ZERO);
    }

    /**
     * Calls a tool.
     *
     * @param arguments a record, a map (its fields sorted by name) or {@link Json}; or a text, which is sent as it is
     */
    public static Step call(String tool, Object arguments) {
        return new Step(List.of(), null, Duration.ZERO, Duration.ZERO).andCall(tool, arguments);
    }

    /** Any parts in any order. */
    public static Step parts(List<Part> parts) {
        return new Step(parts, null, Duration.ZERO, Duration.ZERO);
    }

    /** Fails. */
    public static Step failure(ModelException failure) {
        return new Step(List.of(), failure, Duration.ZERO, Duration.ZERO);
    }

    /** Fails in this way. */
    public static Step failure(Kind kind) {
        return failure(ModelException.of(kind, "scripted: " + kind));
    }

    /** One more call in the same reply. The provider's ids of calls are made from step and place, so they are always the same. */
    public Step andCall(String tool, Object arguments) {
        String text =
                arguments instanceof String written ? written : json(arguments).text();
        return and(new Part.ToolUse("", tool, text));
    }

    /** {@code Map.of} gives its entries in another order in each JVM; a script must be the same in all. */
    private static Json json(Object arguments) {
        return Json.of(arguments instanceof Map<?, ?> map ? new TreeMap<>(map) : arguments);
    }

    /** One more part in the same reply. */
    public Step and(Part part) {
        List<Part> more = new ArrayList<>(parts);
        more.add(part);
        return new Step(more, failure, firstAfter, wordEvery);
    }

    /** Waits before the first word, the whole reply or the failure; default not at all. */
    public Step after(Duration delay) {
        return new Step(parts, failure, delay, wordEvery);
    }

    /** Waits before each further word of its text; default not at all. */
    public Step wordsEvery(Duration delay) {
        return new Step(parts, failure, firstAfter, delay);
    }

    List<Part> parts() {
        return parts;
    }

    Optional<ModelException> findFailure() {
        return Optional.ofNullable(failure);
    }

    Duration firstAfter() {
        return firstAfter;
    }

    Duration wordEvery() {
        return wordEvery;
    }
}

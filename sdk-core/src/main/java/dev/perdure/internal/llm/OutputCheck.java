package dev.perdure.internal.llm;

import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionView;
import dev.perdure.tool.Tool;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a model's answer fits the type an agent promised. Immutable. */
public final class OutputCheck {
    /** How often a model is asked again for an answer that fits. */
    public static final int MOST_CORRECTIONS = 2;

    private static final OutputCheck NONE = new OutputCheck(null, null);

    private final @Nullable Class<?> type;
    private final @Nullable Json schema;

    private OutputCheck(@Nullable Class<?> type, @Nullable Json schema) {
        this.type = type;
        this.schema = schema;
    }

    public static OutputCheck none() {
        return NONE;
    }

    public static OutputCheck of(Class<?> type) {
        Json schema =
                Tool.pure("output", "", type, (value, call) -> value).spec().schema();
        return new OutputCheck(type, schema);
    }

    public @Nullable Json schema() {
        return schema;
    }

    /** What to tell the model about a reply that does not fit; null when it fits. */
    public @Nullable String correction(Event.ModelReplied reply) {
        if (type == null || !reply.toolUses().isEmpty()) {
            return null;
        }
        try {
            Json.parse(stripped(reply.text())).as(type);
            return null;
        } catch (IllegalArgumentException e) {
            return "That answer cannot be used: " + e.getMessage()
                    + ". Answer again with nothing but JSON that fits the schema.";
        }
    }

    /** The answer without what models put around JSON. */
    public String output(Event.ModelReplied reply) {
        return type == null ? reply.text() : stripped(reply.text());
    }

    /** How often the model was corrected in the newest turn. */
    public int corrections(SessionView view) {
        int corrections = 0;
        List<Recorded> events = view.events();
        for (int i = events.size() - 1; i >= 0 && !(events.get(i).event() instanceof Event.TurnStarted); i--) {
            if (events.get(i).event() instanceof Event.ModelReplied reply
                    && reply.purpose() == Event.Purpose.ANSWER
                    && correction(reply) != null) {
                corrections++;
            }
        }
        return corrections - 1;
    }

    private static String stripped(String text) {
        String inner = text.strip();
        if (inner.startsWith("```") && inner.endsWith("```") && inner.indexOf('\n') > 0) {
            inner = inner.substring(inner.indexOf('\n') + 1, inner.length() - 3).strip();
        }
        return inner;
    }
}

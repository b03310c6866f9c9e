package dev.perdure.session;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One piece of a message. Immutable. A kind that this version does not know is kept as {@link Other}. */
public sealed interface Part {

    /** Name of the kind in JSON. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** Plain text. */
    record Text(String text) implements Part {
        public Text {
            Objects.requireNonNull(text, "text");
        }
    }

    /**
     * A model's reasoning, to be sent back as it came.
     *
     * @param text readable form; empty when the provider hides it
     * @param verbatim the provider's own JSON, for example {@code thinking_blocks}
     */
    record Thinking(String text, @Nullable Json verbatim) implements Part {
        public Thinking {
            Objects.requireNonNull(text, "text");
        }
    }

    /**
     * A model's wish to call a tool.
     *
     * @param providerId the provider's id of the call, for the answer to the provider alone; may be empty
     * @param arguments as the model wrote them: a JSON object, or not
     */
    record ToolUse(String providerId, String name, String arguments) implements Part {
        public ToolUse {
            Objects.requireNonNull(providerId, "providerId");
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(arguments, "arguments");
        }
    }

    /**
     * An image, a sound or another file.
     *
     * @param mediaType for example {@code image/png}
     * @param uri {@code https:…}, {@code data:…;base64,…}, or {@code blob:SHA256:SIZE} for bytes kept beside the log
     */
    record Media(String mediaType, @Nullable String name, String uri) implements Part {
        public Media {
            Objects.requireNonNull(mediaType, "mediaType");
            Objects.requireNonNull(uri, "uri");
        }
    }

    /** A kind of a later version, kept as it is. */
    record Other(String type, Json json) implements Part {
        public Other {
            Objects.requireNonNull(type, "type");
            Objects.requireNonNull(json, "json");
        }
    }
}

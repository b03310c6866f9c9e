package dev.perdure.litellm.internal.wire;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Part;
import tools.jackson.core.JsonGenerator;

/** Writes images, sounds and files into a message of chat completions. */
public final class MediaWriter {
    private MediaWriter() {}

    /**
     * Whether the bytes are in the URI itself.
     *
     * @throws ModelException when no provider could read it
     */
    static boolean isInline(Part.Media media) {
        boolean inline = media.uri().startsWith("data:");
        if (!inline && !media.uri().startsWith("https:") && !media.uri().startsWith("http:")) {
            throw ModelException.of(
                    Kind.BAD_REQUEST,
                    "a provider can read https: and data: URIs only; this " + media.mediaType() + " is at "
                            + media.uri().substring(0, Math.min(80, media.uri().length())));
        }
        return inline;
    }

    /** What comes after the comma of a {@code data:} URI. */
    static String data(Part.Media media) {
        return media.uri().substring(media.uri().indexOf(',') + 1);
    }

    static void write(JsonGenerator out, Part.Media media) {
        boolean inline = isInline(media);
        out.writeStartObject();
        if (media.mediaType().startsWith("image/")) {
            image(out, media);
        } else if (media.mediaType().startsWith("audio/") && inline) {
            audio(out, media);
        } else {
            file(out, media, inline);
        }
        out.writeEndObject();
    }

    private static void image(JsonGenerator out, Part.Media media) {
        out.writeStringProperty("type", "image_url");
        out.writeName("image_url");
        out.writeStartObject();
        out.writeStringProperty("url", media.uri());
        out.writeEndObject();
    }

    static void audio(JsonGenerator out, Part.Media media) {
        String subtype = media.mediaType().substring("audio/".length());
        out.writeStringProperty("type", "input_audio");
        out.writeName("input_audio");
        out.writeStartObject();
        out.writeStringProperty("data", data(media));
        out.writeStringProperty("format", subtype.equals("mpeg") ? "mp3" : subtype.replace("x-", ""));
        out.writeEndObject();
    }

    /** LiteLLM takes a URL for a file's id. */
    private static void file(JsonGenerator out, Part.Media media, boolean inline) {
        out.writeStringProperty("type", "file");
        out.writeName("file");
        out.writeStartObject();
        out.writeStringProperty(inline ? "file_data" : "file_id", media.uri());
        if (media.name() != null) {
            out.writeStringProperty("filename", media.name());
        }
        out.writeEndObject();
    }
}

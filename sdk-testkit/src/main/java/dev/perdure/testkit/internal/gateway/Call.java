package dev.perdure.testkit.internal.gateway;

import dev.perdure.session.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What one model call asks for. */
public record Call(
        String id,
        String key,
        String model,
        boolean stream,
        boolean usage,
        int promptTokens,
        int maxTokens,
        String timeout,
        String sessionId,
        String endUser,
        List<String> tags) {
    /** The body may be anything; what it does not say is empty, false or 0. */
    public static Call of(Map<String, String> headers, String key, String body) {
        Json json = json(body);
        String session = header(headers, "x-litellm-trace-id")
                .or(() -> header(headers, "x-litellm-session-id"))
                .orElse("");
        return new Call(
                header(headers, "x-litellm-call-id")
                        .orElseGet(() -> UUID.randomUUID().toString()),
                key,
                json.findText("model").orElse(""),
                isTrue(json.find("stream")),
                isTrue(json.find("stream_options").flatMap(options -> options.find("include_usage"))),
                Math.max(1, words(json)),
                number(json.find("max_tokens").or(() -> json.find("max_completion_tokens"))),
                json.find("timeout").map(Json::text).orElse("30.0"),
                session,
                header(headers, "x-litellm-customer-id")
                        .or(() -> header(headers, "x-litellm-end-user-id"))
                        .or(() -> json.findText("user"))
                        .orElse(""),
                header(headers, "x-litellm-tags")
                        .map(tags -> List.of(tags.split("\\s*,\\s*", -1)))
                        .orElse(List.of()));
    }

    static Json json(String body) {
        try {
            return Json.parse(body);
        } catch (IllegalArgumentException e) {
            return Json.NULL;
        }
    }

    private static Optional<String> header(Map<String, String> headers, String name) {
        return Optional.ofNullable(headers.get(name)).filter(value -> !value.isEmpty());
    }

    private static boolean isTrue(Optional<Json> value) {
        return value.map(Json::text).orElse("").equals("true");
    }

    private static int number(Optional<Json> value) {
        String text = value.map(Json::text).orElse("");
        return text.matches("\\d{1,9}") ? Integer.parseInt(text) : 0;
    }

    /** A word is a token. */
    private static int words(Json request) {
        int words = 0;
        for (Json message : request.find("messages").orElse(Json.NULL).elements()) {
            for (String text : texts(message.find("content").orElse(null))) {
                words += words(text);
            }
        }
        return words;
    }

    private static List<String> texts(@Nullable Json content) {
        if (content == null) {
            return List.of();
        }
        if (content.elements().isEmpty()) {
            return List.of(content.plain());
        }
        List<String> texts = new ArrayList<>();
        content.elements().forEach(part -> part.findText("text").ifPresent(texts::add));
        return texts;
    }

    static int words(String text) {
        return text.isBlank() ? 0 : text.strip().split("\\s+", -1).length;
    }
}

package dev.perdure.testkit.internal.gateway;

import dev.perdure.session.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The objects of the management API, field by field as recorded, with nothing in them. */
enum Template {
    GENERATED,
    INFO,
    BLOCKED,
    MODEL,
    SPEND;

    private static final Json ALL = read();

    /** A fresh copy in the recorded order of fields. */
    Map<String, @Nullable Object> fields() {
        return fields(ALL.find(name().toLowerCase(java.util.Locale.ROOT)).orElseThrow());
    }

    @SuppressWarnings("unchecked")
    static Map<String, @Nullable Object> fields(Json object) {
        return new LinkedHashMap<>((Map<String, @Nullable Object>) object.as(Map.class));
    }

    private static Json read() {
        try (InputStream in = Template.class.getResourceAsStream("templates.json")) {
            if (in == null) {
                throw new IllegalStateException("templates.json is missing beside " + Template.class);
            }
            return Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

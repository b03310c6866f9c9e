package dev.perdure.session;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.node.ObjectNode;

/** How the types of this package look in JSON. One mapper for everything that is stored. */
final class Mapping {
    static final JsonMapper JSON = mapper();

    private Mapping() {}

    /**
     * What a reader will make of {@code value}, so that nothing is kept that cannot be read, and nothing changes by being kept: the
     * limits are those of reading, bytes are a text, and a number has its written form.
     */
    static JsonNode reread(@Nullable Object value) {
        return read(JSON.writeValueAsString(value));
    }

    /** Half of a surrogate pair is read as it will be written, since the parser takes that in a text, but not in a field's name. */
    static JsonNode read(String text) {
        return JSON.readTree(withoutHalfPairs(text));
    }

    /** The text of what {@link #reread} gives, when that can be {@linkplain #isReadable read}. */
    static String writeValue(Object value) {
        return withoutHalfPairs(JSON.writeValueAsString(value));
    }

    /** Whether nothing in this text, which is JSON, is beyond what a reader takes but its length: depth, digits, names. */
    static boolean isReadable(String json) {
        try (JsonParser in = JSON.createParser(json)) {
            while (in.nextToken() != null) {
                // Each token's limits are looked at with it.
            }
            return true;
        } catch (JacksonException e) {
            return false;
        }
    }

    /** Outside of texts JSON has no surrogates, so that an escape can stand wherever one is. */
    private static String withoutHalfPairs(String json) {
        int half = Names.halfPair(json, 0);
        if (half < 0) {
            return json;
        }
        StringBuilder escaped = new StringBuilder(json.length() + 16);
        int copied = 0;
        for (; half >= 0; half = Names.halfPair(json, half + 1)) {
            escaped.append(json, copied, half).append(String.format(Locale.ROOT, "\\u%04x", (int) json.charAt(half)));
            copied = half + 1;
        }
        return escaped.append(json, copied, json.length()).toString();
    }

    /** What went wrong, without the library's own location lines and without a quote of the source. */
    static String message(JacksonException e) {
        String where = e instanceof DatabindException d && !d.getPath().isEmpty()
                ? "at "
                        + d.getPath().stream()
                                .map(step -> step.getPropertyName() == null
                                        ? "[" + step.getIndex() + "]"
                                        : step.getPropertyName())
                                .collect(Collectors.joining("."))
                        + ": "
                : "";
        return where + e.getOriginalMessage();
    }

    private static JsonMapper mapper() {
        SimpleModule module = new SimpleModule("perdure");
        module.addSerializer(Json.class, new ValueSerializer<>() {
            @Override
            public void serialize(Json value, JsonGenerator out, SerializationContext context) {
                out.writeTree(value.node());
            }
        });
        module.addDeserializer(Json.class, new ValueDeserializer<>() {
            @Override
            public Json deserialize(JsonParser in, DeserializationContext context) {
                return new Json(context.readTree(in));
            }

            @Override
            public Json getNullValue(DeserializationContext context) {
                return Json.NULL;
            }
        });
        text(module, EventId.class, EventId::toString, EventId::parse);
        text(module, CallId.class, CallId::value, CallId::new);
        text(module, WorkerId.class, WorkerId::value, WorkerId::new);
        text(module, TenantId.class, TenantId::value, TenantId::new);
        sealedType(
                module,
                Part.class,
                Part.Other::new,
                List.of(Part.Text.class, Part.Thinking.class, Part.ToolUse.class, Part.Media.class));
        sealedType(
                module,
                Answer.class,
                Answer.Other::new,
                List.of(
                        Answer.Accept.class,
                        Answer.Edit.class,
                        Answer.Deny.class,
                        Answer.Happened.class,
                        Answer.DidNotHappen.class,
                        Answer.GiveUp.class));
        other(module, Part.Other.class, Part.Other::json);
        other(module, Answer.Other.class, answer -> answer.json() == null ? Json.EMPTY : answer.json());
        return JsonMapper.builder(JsonFactory.builder()
                        .streamReadConstraints(StreamReadConstraints.builder()
                                .maxStringLength(256 * 1024 * 1024)
                                .build())
                        .build())
                .addModule(module)
                .addMixIn(Part.class, Typed.class)
                .addMixIn(Answer.class, Typed.class)
                .addMixIn(Event.class, Typed.class)
                .changeDefaultPropertyInclusion(p -> p.withValueInclusion(JsonInclude.Include.NON_NULL))
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
                .build();
    }

    private static <T> void text(
            SimpleModule module,
            Class<T> type,
            java.util.function.Function<T, String> write,
            java.util.function.Function<String, T> read) {
        module.addSerializer(type, new ValueSerializer<>() {
            @Override
            public void serialize(T value, JsonGenerator out, SerializationContext context) {
                out.writeString(write.apply(value));
            }
        });
        module.addDeserializer(type, new ValueDeserializer<>() {
            @Override
            public T deserialize(JsonParser in, DeserializationContext context) {
                return read.apply(in.getValueAsString());
            }
        });
    }

    private static <T> void other(SimpleModule module, Class<T> type, java.util.function.Function<T, Json> json) {
        module.addSerializer(type, new ValueSerializer<>() {
            @Override
            public void serialize(T value, JsonGenerator out, SerializationContext context) {
                out.writeTree(json.apply(value).node());
            }
        });
    }

    /**
     * Reads {@code {"type": "Simple name", …}}; a type that is not in the list goes to {@code unknown}. The type comes first in what this library
     * wrote, and then no tree is made.
     */
    private static <T> void sealedType(
            SimpleModule module, Class<T> type, BiFunction<String, Json, T> unknown, List<Class<? extends T>> known) {
        module.addDeserializer(type, new SealedReader<>(unknown, known));
    }

    private static final class SealedReader<T> extends ValueDeserializer<T> {
        private final BiFunction<String, Json, T> unknown;
        private final List<Class<? extends T>> known;
        private final Map<String, ValueDeserializer<Object>> byName = new HashMap<>();

        SealedReader(BiFunction<String, Json, T> unknown, List<Class<? extends T>> known) {
            this.unknown = unknown;
            this.known = known;
        }

        /** Called once, before the first use: to find them anew for each value takes longer than to read it. */
        @Override
        public void resolve(DeserializationContext context) {
            for (Class<? extends T> type : known) {
                byName.put(type.getSimpleName(), context.findRootValueDeserializer(context.constructType(type)));
            }
        }

        @Override
        public T deserialize(JsonParser in, DeserializationContext context) {
            if (in.currentToken() != JsonToken.START_OBJECT || !"type".equals(in.nextName())) {
                return read(context.readTree(in), context);
            }
            String name = in.nextToken() == JsonToken.VALUE_STRING ? in.getString() : "";
            ValueDeserializer<Object> found = byName.get(name);
            if (found != null) {
                in.nextToken();
                return cast(found.deserialize(in, context));
            }
            ObjectNode whole = context.getNodeFactory().objectNode();
            whole.set("type", context.readTree(in));
            in.nextToken();
            whole.setAll((ObjectNode) context.readTree(in));
            return unknown.apply(name, new Json(whole));
        }

        private T read(JsonNode tree, DeserializationContext context) {
            String name = tree.path("type").asString("");
            for (Class<? extends T> type : known) {
                if (type.getSimpleName().equals(name)) {
                    return context.readTreeAsValue(tree, type);
                }
            }
            return unknown.apply(name, new Json(tree));
        }

        @SuppressWarnings("unchecked")
        private T cast(Object value) {
            return (T) value;
        }
    }

    /** Writes the name of the kind first; it is not read back into the record. */
    @JsonPropertyOrder("type")
    interface Typed {
        @JsonProperty(value = "type", access = JsonProperty.Access.READ_ONLY)
        String type();
    }
}

package dev.perdure.session;

import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * An immutable JSON value: its text and typed access to it. Numbers keep their digits, objects the order of their fields. Two
 * values are equal when their {@linkplain #text() texts} are.
 */
public final class Json {
    /** An object without fields. */
    public static final Json EMPTY = new Json(JsonNodeFactory.instance.objectNode());

    /** The value {@code null}. */
    public static final Json NULL = new Json(JsonNodeFactory.instance.nullNode());

    private final JsonNode node;
    private volatile @Nullable String text;

    Json(JsonNode node) {
        this.node = node;
    }

    /**
     * The value that {@code text} is. Numbers have at most 1,000 digits, names of fields 50,000 characters and no half of a surrogate
     * pair, texts 256 Mi characters; values nest at most 500 deep.
     *
     * @throws IllegalArgumentException when {@code text} is not one JSON value or is beyond a limit; says where
     */
    public static Json parse(String text) {
        Objects.requireNonNull(text, "text");
        try {
            JsonNode node = Mapping.read(text);
            if (node.isMissingNode()) {
                throw new IllegalArgumentException("not JSON: the text is empty");
            }
            return new Json(node);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not JSON: " + Mapping.message(e), e);
        }
    }

    /**
     * The JSON form of a record, map, list, text, number, boolean, enum or null: the same value that {@link #parse} makes of its
     * {@link #text}.
     *
     * @throws IllegalArgumentException when {@code value} has no JSON form, or one that cannot be {@linkplain #parse read}
     */
    public static Json of(@Nullable Object value) {
        if (value instanceof Json json) {
            return json;
        }
        try {
            return new Json(Mapping.reread(value));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "no JSON form of "
                            + (value == null ? "null" : value.getClass().getName()) + ": " + Mapping.message(e),
                    e);
        }
    }

    /** Compact JSON text. Half of a surrogate pair is written as an escape, so that any store and any encoding keep it. */
    public String text() {
        String known = text;
        if (known == null) {
            known = Mapping.writeValue(node);
            text = known;
        }
        return known;
    }

    /**
     * The value as an object of {@code type}: a record, a class that Jackson can make, a map, a text, a number.
     *
     * @throws IllegalArgumentException when it does not fit; says which field and why
     */
    public <T> T as(Class<T> type) {
        try {
            T value = Mapping.JSON.treeToValue(node, type);
            if (value == null) {
                throw new IllegalArgumentException("null is not a " + type.getSimpleName());
            }
            return value;
        } catch (JacksonException e) {
            throw new IllegalArgumentException("does not fit " + type.getSimpleName() + ": " + Mapping.message(e), e);
        }
    }

    /** As {@link #as(Class)}, for a type with arguments, as reflection gives it. */
    public Object as(Type type) {
        if (type instanceof Class<?> plain) {
            return as(plain);
        }
        try {
            Object value = Mapping.JSON.treeToValue(node, Mapping.JSON.constructType(type));
            if (value == null) {
                throw new IllegalArgumentException("null is not a " + type.getTypeName());
            }
            return value;
        } catch (JacksonException e) {
            throw new IllegalArgumentException("does not fit " + type.getTypeName() + ": " + Mapping.message(e), e);
        }
    }

    /** The field {@code name}; empty when this is no object, has no such field, or the field is {@code null}. */
    public Optional<Json> find(String name) {
        JsonNode field = node.get(name);
        return field == null || field.isNull() ? Optional.empty() : Optional.of(new Json(field));
    }

    /** The text of field {@code name}; empty when it is missing or no text. */
    public Optional<String> findText(String name) {
        return find(name).filter(field -> field.node.isString()).map(field -> field.node.stringValue());
    }

    /** The elements of an array; empty for anything else. */
    public List<Json> elements() {
        if (!node.isArray()) {
            return List.of();
        }
        List<Json> elements = new ArrayList<>(node.size());
        node.forEach(element -> elements.add(new Json(element)));
        return List.copyOf(elements);
    }

    /** The names of an object's fields, in order; empty for anything else. */
    public List<String> names() {
        return List.copyOf(node.propertyNames());
    }

    public boolean isObject() {
        return node.isObject();
    }

    public boolean isNull() {
        return node.isNull();
    }

    /** The characters of a JSON text without quotes; the JSON itself for anything else. */
    public String plain() {
        return node.isString() ? node.stringValue() : text();
    }

    /** This object with one field set; the field keeps its place when it was there, else comes last. */
    public Json with(String name, @Nullable Object value) {
        if (!node.isObject()) {
            throw new IllegalStateException("no JSON object: " + text());
        }
        Map<String, Object> fields = new java.util.LinkedHashMap<>();
        node.properties().forEach(field -> fields.put(field.getKey(), new Json(field.getValue())));
        fields.put(name, value == null ? NULL : value);
        return of(fields);
    }

    JsonNode node() {
        return node;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Json json && json.text().equals(text());
    }

    @Override
    public int hashCode() {
        return text().hashCode();
    }

    /** The {@link #text()}. */
    @Override
    public String toString() {
        return text();
    }
}

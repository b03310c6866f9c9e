package dev.perdure.tool;

import com.github.victools.jsonschema.generator.FieldScope;
import com.github.victools.jsonschema.generator.Option;
import com.github.victools.jsonschema.generator.OptionPreset;
import com.github.victools.jsonschema.generator.SchemaGenerator;
import com.github.victools.jsonschema.generator.SchemaGeneratorConfigBuilder;
import com.github.victools.jsonschema.generator.SchemaVersion;
import dev.perdure.session.Json;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** JSON Schemas of tool inputs, from Java types. */
final class Schemas {
    // The generator is not thread-safe; schemas are made when an agent is built.
    private static final ReentrantLock LOCK = new ReentrantLock();
    private static final SchemaGenerator GENERATOR = generator();

    private Schemas() {}

    static Json anyObject() {
        return Json.parse("{\"type\":\"object\"}");
    }

    static Json of(Type type) {
        LOCK.lock();
        try {
            return Json.parse(GENERATOR.generateSchema(type).toString());
        } finally {
            LOCK.unlock();
        }
    }

    static Json of(Method method) {
        Map<String, Object> properties = new LinkedHashMap<>();
        List<String> required = new ArrayList<>();
        for (Parameter parameter : method.getParameters()) {
            if (parameter.getType() == ToolCall.class) {
                continue;
            }
            boolean optional = parameter.getType() == Optional.class;
            Json schema = of(optional ? optionalContent(parameter) : parameter.getParameterizedType());
            Describe describe = parameter.getAnnotation(Describe.class);
            properties.put(
                    parameter.getName(), describe == null ? schema : schema.with("description", describe.value()));
            if (!optional) {
                required.add(parameter.getName());
            }
        }
        Json schema = Json.parse("{\"type\":\"object\"}").with("properties", properties);
        return required.isEmpty() ? schema : schema.with("required", required);
    }

    static Type optionalContent(Parameter parameter) {
        return parameter.getParameterizedType() instanceof ParameterizedType type
                ? type.getActualTypeArguments()[0]
                : Object.class;
    }

    /** @throws IllegalArgumentException naming what is missing; the message is for the model */
    static void checkRequired(Json schema, Json arguments) {
        if (!arguments.isObject()) {
            throw new IllegalArgumentException(
                    "the arguments must be a JSON object, but they are: " + clipped(arguments.text()));
        }
        List<String> missing = schema.find("required").map(Json::elements).orElse(List.of()).stream()
                .map(Json::plain)
                .filter(name -> arguments.find(name).isEmpty())
                .toList();
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("missing: " + String.join(", ", missing));
        }
    }

    private static String clipped(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }

    private static SchemaGenerator generator() {
        SchemaGeneratorConfigBuilder config = new SchemaGeneratorConfigBuilder(
                        SchemaVersion.DRAFT_2020_12, OptionPreset.PLAIN_JSON)
                .without(Option.SCHEMA_VERSION_INDICATOR)
                .with(Option.INLINE_ALL_SCHEMAS, Option.FLATTENED_OPTIONALS);
        config.forFields()
                .withRequiredCheck(Schemas::required)
                .withDescriptionResolver(field -> text(field.getAnnotation(Describe.class)));
        config.forTypesInGeneral()
                .withDescriptionResolver(
                        type -> text(type.getType().getErasedType().getAnnotation(Describe.class)));
        return new SchemaGenerator(config.build());
    }

    private static @Nullable String text(@Nullable Describe describe) {
        return describe == null ? null : describe.value();
    }

    private static boolean required(FieldScope field) {
        if (field.getType().getErasedType() == Optional.class) {
            return false;
        }
        Class<?> owner = field.getDeclaringType().getErasedType();
        if (!owner.isRecord()) {
            return field.getType().isPrimitive();
        }
        for (RecordComponent component : owner.getRecordComponents()) {
            if (component.getName().equals(field.getName())) {
                return !component.getAnnotatedType().isAnnotationPresent(Nullable.class);
            }
        }
        return false;
    }
}

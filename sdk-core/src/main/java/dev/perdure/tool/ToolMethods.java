package dev.perdure.tool;

import dev.perdure.model.ToolSpec;
import dev.perdure.session.Effect;
import dev.perdure.session.Json;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tools from annotated methods. */
final class ToolMethods {
    private ToolMethods() {}

    static List<Tool> of(Object object) {
        List<Tool> tools = Arrays.stream(object.getClass().getMethods())
                .filter(method -> method.isAnnotationPresent(ToolMethod.class) && !method.isBridge())
                .sorted(Comparator.comparing(Method::getName))
                .map(method -> tool(object, method))
                .toList();
        if (tools.isEmpty()) {
            throw new IllegalArgumentException(
                    object.getClass().getName() + " has no public method with @ToolMethod; for a Tool, use tool(…)");
        }
        return tools;
    }

    private static Tool tool(Object object, Method method) {
        ToolMethod annotation = method.getAnnotation(ToolMethod.class);
        String where = object.getClass().getName() + "." + method.getName();
        if (annotation.effect() != Effect.PURE && annotation.effect() != Effect.IDEMPOTENT) {
            throw new IllegalArgumentException(where + " is " + annotation.effect()
                    + ", which an annotation cannot say enough about: use Tool.once(…)");
        }
        if (Modifier.isStatic(method.getModifiers())) {
            throw new IllegalArgumentException(where + " is static: @ToolMethod takes methods of an object");
        }
        for (Parameter parameter : method.getParameters()) {
            if (!parameter.isNamePresent()) {
                throw new IllegalArgumentException(
                        where + " has no parameter names: compile it with the javac option -parameters");
            }
        }
        method.setAccessible(true);
        String name = annotation.name().isEmpty() ? method.getName() : annotation.name();
        ToolSpec spec = new ToolSpec(name, annotation.value(), Schemas.of(method));
        Tool tool = Tool.of(spec, annotation.effect(), (arguments, call) -> {
            @Nullable Object[] values = arguments(method, arguments, call);
            return () -> invoke(object, method, values);
        });
        return annotation.approval() ? tool.approval(Approval.required()) : tool;
    }

    private static @Nullable Object[] arguments(Method method, Json arguments, ToolCall call) {
        List<@Nullable Object> values = new ArrayList<>();
        for (Parameter parameter : method.getParameters()) {
            if (parameter.getType() == ToolCall.class) {
                values.add(call);
                continue;
            }
            Optional<Json> given = arguments.find(parameter.getName());
            if (parameter.getType() == Optional.class) {
                values.add(given.map(value -> fit(parameter, value, Schemas.optionalContent(parameter))));
            } else {
                values.add(fit(parameter, given.orElse(Json.NULL), parameter.getParameterizedType()));
            }
        }
        return values.toArray();
    }

    private static Object fit(Parameter parameter, Json value, java.lang.reflect.Type type) {
        try {
            return value.as(type);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"" + parameter.getName() + "\" " + e.getMessage(), e);
        }
    }

    private static @Nullable Object invoke(Object object, Method method, @Nullable Object[] values) throws Exception {
        try {
            return method.invoke(object, values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }
}

package dev.perdure.tool;

import dev.perdure.session.Effect;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Makes a public method a tool. Its parameters are the tool's input, by name (compile with {@code -parameters}); a parameter of type
 * {@link ToolCall} gets the call. A parameter may be left out by the model when it is an {@link java.util.Optional}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface ToolMethod {
    /** What the model is told of the tool. */
    String value();

    /** Default: the method's name. */
    String name() default "";

    /** {@link Effect#PURE} or {@link Effect#IDEMPOTENT}; for others use {@link Tool#once}. */
    Effect effect();

    /** Whether every call waits for a human's answer. */
    boolean approval() default false;
}

package dev.perdure.examples.terminal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C as a key instead of the end. Java has no supported way: {@code sun.misc.Signal} is the one that works, by reflection so that nothing is compiled
 * against it. Where it is missing Ctrl-C ends the program, as ever.
 */
public final class CtrlC {
    private CtrlC() {}

    /** Runs {@code action}, on a thread of its own, each time Ctrl-C is pressed. */
    public static void runs(Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy =
                    Proxy.newProxyInstance(CtrlC.class.getClassLoader(), new Class<?>[] {handler}, new Pressed(action));
            Object interrupt = signal.getConstructor(String.class).newInstance("INT");
            signal.getMethod("handle", signal, handler).invoke(null, interrupt, proxy);
        } catch (ReflectiveOperationException | RuntimeException e) {
            System.err.println("Ctrl-C ends the chat here (" + e + "); the session keeps what was said");
        }
    }

    private record Pressed(Runnable action) implements InvocationHandler {
        @Override
        public @Nullable Object invoke(Object proxy, Method method, @Nullable Object[] arguments)
                throws ReflectiveOperationException {
            if (method.getDeclaringClass() == Object.class) {
                return method.invoke(this, arguments);
            }
            action.run();
            return null;
        }
    }
}

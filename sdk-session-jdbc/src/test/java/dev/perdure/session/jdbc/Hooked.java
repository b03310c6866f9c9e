package dev.perdure.session.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Statement;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;

/** Tells each statement to a hook before it is prepared or executed; what that throws is what the database seems to throw. */
record Hooked(Consumer<String> hook) implements UnaryOperator<DataSource> {
    @Override
    public DataSource apply(DataSource source) {
        return proxy(DataSource.class, source);
    }

    private <T> T proxy(Class<T> type, T target) {
        InvocationHandler handler = (self, method, arguments) -> {
            if (method.getName().equals("prepareStatement")
                    || (method.getName().equals("execute") && arguments != null && arguments.length == 1)) {
                hook.accept(String.valueOf(arguments[0]));
            }
            try {
                Object result = method.invoke(target, arguments);
                if (method.getName().equals("createStatement")) {
                    return proxy(Statement.class, (Statement) result);
                }
                return result instanceof Connection connection ? proxy(Connection.class, connection) : result;
            } catch (InvocationTargetException e) {
                throw e.getTargetException();
            }
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}

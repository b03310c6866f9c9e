package dev.perdure.session.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Hears what PostgreSQL's driver receives on one connection. By reflection, so that no class of that driver is needed where another database is used, or to
 * compile this. Confined.
 */
final class PostgresEar {
    private final Object connection;
    private final Method receive;
    private final Method payload;

    private PostgresEar(Object connection, Method receive, Method payload) {
        this.connection = connection;
        this.receive = receive;
        this.payload = payload;
    }

    /** @throws SQLException when this is no connection of PostgreSQL's own driver */
    static PostgresEar of(Connection connection) throws SQLException {
        try {
            Class<?> type = Class.forName("org.postgresql.PGConnection");
            return new PostgresEar(
                    connection.unwrap(type),
                    type.getMethod("getNotifications", int.class),
                    Class.forName("org.postgresql.PGNotification").getMethod("getParameter"));
        } catch (ReflectiveOperationException e) {
            throw new SQLException("notifications need PostgreSQL's own driver, org.postgresql:postgresql", e);
        }
    }

    /** Waits at most so long for notifications; what they say, in order. */
    List<String> hear(int millis) throws SQLException {
        try {
            List<String> heard = new ArrayList<>();
            if (receive.invoke(connection, millis) instanceof Object[] notifications) {
                for (Object notification : notifications) {
                    heard.add(String.valueOf(payload.invoke(notification)));
                }
            }
            return heard;
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof SQLException broken ? broken : new SQLException(e.getCause());
        } catch (IllegalAccessException e) {
            throw new SQLException(e);
        }
    }
}

package dev.perdure.session.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Where a database is, for messages. */
final class Place {
    private Place() {}

    static String of(Connection connection) throws SQLException {
        String url = withoutParameters(connection.getMetaData().getURL());
        String catalog = connection.getCatalog();
        return catalog == null || catalog.isEmpty() ? url : catalog + " at " + url;
    }

    /**
     * Where a connection leads that comes from elsewhere; null when that is {@code usual}, or cannot be learned. By its address alone: in a transaction that has failed
     * PostgreSQL's driver can say no more.
     */
    static @Nullable String elsewhere(Connection connection, String usual) {
        try {
            String url = withoutParameters(connection.getMetaData().getURL());
            return usual.endsWith(url) || url.endsWith(usual) ? null : url;
        } catch (SQLException e) {
            return null;
        }
    }

    /** What stands behind the question mark may be a password. */
    private static String withoutParameters(String url) {
        int end = url.startsWith("jdbc:h2:") ? url.indexOf(';') : url.indexOf('?');
        return end < 0 ? url : url.substring(0, end);
    }
}

package dev.perdure.session.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where a database is, for messages. */
final class Place {
    private static final Pattern SECRETS = Pattern.compile("\\(.*\\)|(?<=/)[^/]*@");

    private Place() {}

    static String of(Connection connection) throws SQLException {
        String url = withoutSecrets(connection.getMetaData().getURL());
        String catalog = connection.getCatalog();
        return catalog == null || catalog.isEmpty() ? url : catalog + " at " + url;
    }

    /**
     * Where a connection leads that comes from elsewhere; null when that is {@code usual}, or cannot be learned. By its address alone: in a transaction that has failed
     * PostgreSQL's driver can say no more.
     */
    static @Nullable String elsewhere(Connection connection, String usual) {
        try {
            String url = withoutSecrets(connection.getMetaData().getURL());
            return usual.endsWith(url) || url.endsWith(usual) ? null : url;
        } catch (SQLException e) {
            return null;
        }
    }

    /** Without what stands behind the question mark, in brackets, or before an at sign: any of it may be a password. */
    static String withoutSecrets(String url) {
        int end = url.startsWith("jdbc:h2:") ? url.indexOf(';') : url.indexOf('?');
        return SECRETS.matcher(end < 0 ? url : url.substring(0, end)).replaceAll("");
    }
}

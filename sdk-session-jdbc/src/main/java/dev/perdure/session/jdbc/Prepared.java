package dev.perdure.session.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A statement with named parameters, taken apart once: for the append of events, where JDBI's general way would cost as much as the database. Its text has no
 * colons but those of names. Immutable.
 */
final class Prepared {
    private static final Pattern NAME = Pattern.compile(":([a-zA-Z]+[0-9]*)");

    private final String sql;
    private final List<String> names;

    private Prepared(String sql, List<String> names) {
        this.sql = sql;
        this.names = names;
    }

    static Prepared of(String named) {
        Matcher matcher = NAME.matcher(named);
        List<String> names = new ArrayList<>();
        String sql = matcher.replaceAll(found -> {
            names.add(found.group(1));
            return "?";
        });
        return new Prepared(sql, List.copyOf(names));
    }

    /** @param values for every name: numbers, texts and bytes */
    PreparedStatement on(Connection connection, Map<String, Object> values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < names.size(); i++) {
            Object value = values.get(names.get(i));
            if (value instanceof Long number) {
                statement.setLong(i + 1, number);
            } else if (value instanceof Integer number) {
                statement.setInt(i + 1, number);
            } else if (value instanceof byte[] bytes) {
                statement.setBytes(i + 1, bytes);
            } else if (value instanceof String text) {
                statement.setString(i + 1, text);
            } else {
                throw new IllegalStateException("no value for " + names.get(i));
            }
        }
        return statement;
    }
}

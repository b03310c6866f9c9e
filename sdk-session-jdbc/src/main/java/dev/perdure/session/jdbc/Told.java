package dev.perdure.session.jdbc;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What may be told of a statement's failure. The text of server, driver and JDBI may quote what the statement carried (the row that breaks a constraint, the key that is
 * there already, what does not fit, whatever a trigger says), and a driver can be told to quote all of it. So nothing of it is told but codes, the name of one
 * of our own tables, and what the network said. Immutable.
 */
final class Told {
    private static final Pattern STATE = Pattern.compile("[0-9A-Z]{5}");

    /** By the first two characters of an SQLSTATE. */
    private static final Map<String, String> MEANINGS = Map.ofEntries(
            Map.entry("08", "the connection was lost"),
            Map.entry("22", "a value does not fit"),
            Map.entry("23", "a constraint is broken"),
            Map.entry("25", "the transaction cannot go on"),
            Map.entry("40", "others were in the way"),
            Map.entry("42", "tables, columns or rights are not as they should be"),
            Map.entry("45", "a trigger refused it"),
            Map.entry("53", "the server is short of something"),
            Map.entry("54", "beyond a limit of the server"),
            Map.entry("57", "the server broke it off"),
            Map.entry("58", "the server's system failed"),
            Map.entry("P0", "a trigger or function refused it"),
            Map.entry("XX", "the server failed"));

    private final Dialect dialect;
    private final Tables tables;

    Told(Dialect dialect, Tables tables) {
        this.dialect = dialect;
        this.tables = tables;
    }

    /** In brackets: codes, what they mean, and which table it is about, as far as that is known. */
    String of(SQLException e) {
        StringBuilder told = new StringBuilder("(").append(dialect.code(e));
        String state = state(e);
        String meaning = state == null ? null : MEANINGS.get(state.substring(0, 2));
        if (meaning != null) {
            told.append(", ").append(meaning);
        }
        String table = table(e);
        if (table != null) {
            told.append(", at ").append(table);
        }
        Throwable network = network(e);
        if (network != null) {
            told.append(", ").append(network);
        }
        return told.append(")").toString();
    }

    /** In the place of {@code e}, from where it came. */
    SQLException instead(SQLException e) {
        SQLException told = new SQLException(
                e.getClass().getName() + " " + of(e) + "; its own words, which may quote content, are not told",
                state(e),
                e.getErrorCode());
        told.setStackTrace(e.getStackTrace());
        Throwable network = network(e);
        if (network != null) {
            IOException reason = new IOException(network.toString());
            reason.setStackTrace(network.getStackTrace());
            told.initCause(reason);
        }
        return told;
    }

    /** One of ours that the driver's text names. */
    @Nullable
    String table(SQLException e) {
        Matcher named = tables.names().matcher(String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT));
        return named.find() ? named.group() : null;
    }

    static @Nullable String state(SQLException e) {
        String state = e.getSQLState();
        return state != null && STATE.matcher(state).matches() ? state : null;
    }

    private static @Nullable Throwable network(SQLException e) {
        for (Throwable t = e.getCause(); t != null; t = t.getCause()) {
            if (t.getClass().getName().startsWith("java.net.")) {
                return t;
            }
        }
        return null;
    }
}

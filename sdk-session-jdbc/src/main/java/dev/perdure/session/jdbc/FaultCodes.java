package dev.perdure.session.jdbc;

import dev.perdure.session.jdbc.Dialect.Fault;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;

/**
 * What the codes of a server mean.
 *
 * @param codes by the server's own number, by SQLSTATE, or by the first two characters of that, looked for in this order
 */
record FaultCodes(Map<String, Fault> codes) {
    Fault of(SQLException e) {
        if (e instanceof SQLTransientConnectionException) {
            return Fault.BUSY;
        }
        Fault byNumber = codes.get(Integer.toString(e.getErrorCode()));
        if (byNumber != null) {
            return byNumber;
        }
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        Fault byState = codes.get(state);
        return byState != null
                ? byState
                : codes.getOrDefault(state.length() < 2 ? "" : state.substring(0, 2), Fault.OTHER);
    }
}

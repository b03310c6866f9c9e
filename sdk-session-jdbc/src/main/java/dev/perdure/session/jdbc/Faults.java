package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.function.Supplier;
import org.jdbi.v3.core.ConnectionException;
import org.jspecify.annotations.Nullable;

/**
 * Says what went wrong in a database, and what to do about it. What a failed statement carried is in none of its exceptions, nor in their causes: {@link Told}.
 */
final class Faults {
    private static final String ELSEWHERE = "; the server's own log may have more about it";

    private final Dialect dialect;
    private final String place;
    private final Supplier<String> shortage;
    private final Told told;

    /**
     * @param place of the database, for messages
     * @param shortage says why no connection came in time
     */
    Faults(Dialect dialect, Tables tables, String place, Supplier<String> shortage) {
        this(dialect, place, shortage, new Told(dialect, tables));
    }

    private Faults(Dialect dialect, String place, Supplier<String> shortage, Told told) {
        this.dialect = dialect;
        this.place = place;
        this.shortage = shortage;
        this.told = told;
    }

    Dialect.Fault of(Throwable thrown) {
        SQLException cause = cause(thrown);
        return cause == null ? Dialect.Fault.OTHER : dialect.fault(cause);
    }

    RuntimeException translate(RuntimeException thrown, @Nullable SessionId session) {
        SQLException cause = cause(thrown);
        if (cause == null) {
            return thrown;
        }
        return isConnecting(thrown) ? connecting(cause, session) : failed(cause, session);
    }

    /** For a failure in the transaction of somebody else, whose connection may lead elsewhere. */
    RuntimeException translateWithin(Connection connection, RuntimeException thrown, SessionId session) {
        SQLException cause = cause(thrown);
        if (cause == null) {
            return thrown;
        }
        String elsewhere = Place.elsewhere(connection, place);
        Faults there = elsewhere == null
                ? this
                : new Faults(dialect, elsewhere + ", where the connection of this transaction leads,", shortage, told);
        return dialect.fault(cause) == Dialect.Fault.BUSY
                ? StoreException.unavailable(
                        there.at("had others in the way of this transaction; roll back and repeat the transaction "
                                + told.of(cause)),
                        session,
                        told.instead(cause))
                : there.failed(cause, session);
    }

    /** No statement was sent, so that driver and pool may have their say. */
    private StoreException connecting(SQLException e, @Nullable SessionId session) {
        SQLException reason = reason(e);
        if (reason == null) {
            return StoreException.unavailable(at("gave no connection: " + shortage.get()), session, e);
        }
        Dialect.Fault fault = dialect.fault(reason);
        return switch (fault) {
            case BUSY -> busy(session, e);
            case REJECTED, MISSING, OTHER, CLASH ->
                StoreException.unavailable(at("cannot be reached: " + reason.getMessage()), session, e);
            default -> {
                String what = at(dialect.remedy(fault) + ": " + reason.getMessage());
                // A pool goes on trying.
                yield e instanceof SQLTransientConnectionException
                        ? StoreException.unavailable(what, session, e)
                        : StoreException.unusable(what, session, e);
            }
        };
    }

    /** What a pool that gave nothing, or a pool over a pool, has heard last from the database; null for nothing. */
    private static @Nullable SQLException reason(SQLException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof SQLException sql && !(t instanceof SQLTransientConnectionException)) {
                return sql;
            }
        }
        return null;
    }

    private RuntimeException failed(SQLException e, @Nullable SessionId session) {
        Dialect.Fault fault = dialect.fault(e);
        SQLException cause = told.instead(e);
        String why = " " + told.of(e);
        return switch (fault) {
            case CLASH -> new Clash(cause);
            case BUSY -> busy(session, cause);
            // Space comes back without anybody telling this process.
            case FULL -> StoreException.unavailable(at(dialect.remedy(fault) + why), session, cause);
            case MISSING ->
                StoreException.unusable(
                        at("lacks a table or column of the sessions" + why
                                + ": restore it from a backup, and see that connections lead to where it is"),
                        session,
                        cause);
            case REJECTED -> StoreException.unusable(at("refused a statement" + why + ELSEWHERE), session, cause);
            case OTHER -> StoreException.unavailable(at("failed" + why + ELSEWHERE), session, cause);
            default -> StoreException.unusable(at(dialect.remedy(fault) + why), session, cause);
        };
    }

    StoreException busy(@Nullable SessionId session, @Nullable Throwable cause) {
        return StoreException.unavailable(
                at("was busy longer than the timeout; try again, or allow a longer one"), session, cause);
    }

    StoreException refused(Dialect.Fault fault, @Nullable SessionId session) {
        return StoreException.unusable(at(dialect.remedy(fault)), session, null);
    }

    String place() {
        return "the " + dialect.name() + " database " + place;
    }

    String at(String what) {
        return place() + " " + what;
    }

    private static boolean isConnecting(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof ConnectionException) {
                return true;
            }
        }
        return false;
    }

    /** None of what was translated before. */
    private static @Nullable SQLException cause(Throwable thrown) {
        if (thrown instanceof StoreException) {
            return null;
        }
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof SQLException sql) {
                return sql;
            }
        }
        return null;
    }

    /** A key was there already; never leaves this package. */
    static final class Clash extends RuntimeException {
        private static final long serialVersionUID = 1;

        Clash(SQLException cause) {
            super(cause);
        }
    }
}

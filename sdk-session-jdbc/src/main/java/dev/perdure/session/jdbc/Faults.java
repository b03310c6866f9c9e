package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.sql.SQLException;
import org.jdbi.v3.core.ConnectionException;
import org.jspecify.annotations.Nullable;

/**
 * Says what went wrong in a database, and what to do about it. What a failed statement carried is in none of its exceptions, nor in their causes: {@link Told}.
 */
final class Faults {
    private static final String ELSEWHERE = "; the server's own log may have more about it";

    private final Dialect dialect;
    private final String place;
    private final Told told;

    /** @param place of the database, for messages */
    Faults(Dialect dialect, Tables tables, String place) {
        this.dialect = dialect;
        this.place = place;
        this.told = new Told(dialect, tables);
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

    /** No statement was sent, so that the driver may have its say. */
    private StoreException connecting(SQLException e, @Nullable SessionId session) {
        Dialect.Fault fault = dialect.fault(e);
        return switch (fault) {
            case BUSY -> busy(session, e);
            case REJECTED, OTHER, CLASH ->
                StoreException.unavailable(at("cannot be reached: " + e.getMessage()), session, e);
            default -> StoreException.unusable(at(dialect.remedy(fault)), session, e);
        };
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

    private String at(String what) {
        return "the " + dialect.name() + " database " + place + " " + what;
    }

    private static boolean isConnecting(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof ConnectionException) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable SQLException cause(Throwable thrown) {
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

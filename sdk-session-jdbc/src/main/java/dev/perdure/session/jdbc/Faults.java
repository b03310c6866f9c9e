package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Says what went wrong in a database, and what to do about it. */
final class Faults {
    private final Dialect dialect;
    private final String place;

    /** @param place of the database, for messages */
    Faults(Dialect dialect, String place) {
        this.dialect = dialect;
        this.place = place;
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
        Dialect.Fault fault = dialect.fault(cause);
        // PostgreSQL's driver tells all that a batch was to write; the next one says why it failed.
        boolean tellsValues = cause instanceof BatchUpdateException && cause.getNextException() != null;
        SQLException why = tellsValues ? cause.getNextException() : cause;
        Throwable shown = tellsValues ? why : thrown;
        return switch (fault) {
            case CLASH -> new Clash(shown);
            case BUSY -> busy(session, shown);
            // Space comes back without anybody telling this process.
            case FULL -> StoreException.unavailable(at(dialect.remedy(fault)), session, shown);
            case REJECTED -> StoreException.unusable(at("refused: " + why.getMessage()), session, shown);
            case OTHER -> StoreException.unavailable(at("failed: " + why.getMessage()), session, shown);
            default -> StoreException.unusable(at(dialect.remedy(fault)), session, shown);
        };
    }

    StoreException busy(@Nullable SessionId session, @Nullable Throwable thrown) {
        return StoreException.unavailable(
                at("was busy longer than the timeout; try again, or allow a longer one"), session, thrown);
    }

    StoreException refused(Dialect.Fault fault, @Nullable SessionId session) {
        return StoreException.unusable(at(dialect.remedy(fault)), session, null);
    }

    private String at(String what) {
        return "the " + dialect.name() + " database " + place + " " + what;
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

        Clash(Throwable cause) {
            super(cause);
        }
    }
}

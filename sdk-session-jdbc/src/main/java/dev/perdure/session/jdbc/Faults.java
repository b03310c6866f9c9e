package dev.perdure.session.jdbc;

import dev.perdure.session.SessionId;
import dev.perdure.spi.StoreException;
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
        return switch (fault) {
            case CLASH -> new Clash(thrown);
            case BUSY -> busy(session, thrown);
            // Space comes back without anybody telling this process.
            case FULL -> StoreException.unavailable(at(dialect.remedy(fault)), session, thrown);
            case REJECTED -> StoreException.unusable(at("refused: " + cause.getMessage()), session, thrown);
            case OTHER -> StoreException.unavailable(at("failed: " + cause.getMessage()), session, thrown);
            default -> StoreException.unusable(at(dialect.remedy(fault)), session, thrown);
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

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.spi.SessionStore.Guarantees;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.Locale;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.SqlStatements;

/** Opens a database server: finds out which it is, sets up the tables, and refuses settings that lose what was acknowledged. */
final class Server {
    private final DataSource source;
    private final JdbcOptions options;
    private final Wiring wiring;

    /** What tests replace. */
    record Wiring(Function<Dialect, Statements> statements) {
        static final Wiring SHIPPED = new Wiring(Statements::new);
    }

    /** What a connection says of its database. */
    private record Found(Dialect dialect, String place) {}

    Server(DataSource source, JdbcOptions options, Wiring wiring) {
        this.source = source;
        this.options = options;
        this.wiring = wiring;
    }

    JdbcSessionStore open() {
        Found found = find();
        Dialect dialect = found.dialect();
        Faults faults = new Faults(dialect, found.place());
        Jdbi jdbi = jdbi(this::connection);
        Guarantees guarantees;
        Database.Pool renewals = null;
        try {
            renewals = renewals();
            guarantees = jdbi.withHandle(handle -> PostgresSettings.check(handle, options, found.place()));
            new Migrations(dialect, found.place()).run(jdbi, System.currentTimeMillis());
        } catch (RuntimeException e) {
            if (renewals != null) {
                renewals.close().run();
            }
            throw faults.translate(e, null);
        }
        Database database = Database.shared(
                new Database.Pool(this::connection, jdbi, () -> {}), renewals, dialect, faults, options.busyTimeout());
        Hints hints = options.notifies() && dialect instanceof PostgresDialect
                ? new PostgresHints(this::connection, found.place())
                : Hints.NONE;
        return new JdbcSessionStore(database, wiring.statements().apply(dialect), Liveness.UNKNOWN, guarantees, hints);
    }

    private Found find() {
        try (Connection connection = connection()) {
            DatabaseMetaData about = connection.getMetaData();
            String product = about.getDatabaseProductName();
            if (!product.toLowerCase(Locale.ROOT).contains("postgresql")) {
                throw new IllegalArgumentException("no dialect for the database " + product
                        + "; there is one for PostgreSQL, and JdbcSessionStore.sqlite");
            }
            return new Found(new PostgresDialect(), connection.getCatalog() + " at " + place(about.getURL()));
        } catch (SQLException e) {
            throw StoreException.unavailable("the database cannot be reached: " + e.getMessage(), null, e);
        }
    }

    /** Without what stands behind the question mark, for that may be a password. */
    private static String place(String url) {
        int end = url.indexOf('?');
        return end < 0 ? url : url.substring(0, end);
    }

    /** A connection whose statements commit themselves: in somebody's transaction what was acknowledged could be rolled back. */
    private Connection connection() throws SQLException {
        Connection connection = source.getConnection();
        if (!connection.getAutoCommit()) {
            connection.close();
            throw new IllegalStateException("the data source gives connections with autocommit off, so that a caller's"
                    + " transaction could swallow what is acknowledged here: give one with autocommit on, of its own"
                    + " if need be");
        }
        return connection;
    }

    /** One connection is kept for renewals, so that a lease does not end because everybody else waits for a connection. */
    private Database.Pool renewals() {
        HikariConfig config = new HikariConfig();
        config.setPoolName("perdure-leases");
        config.setDataSource(source);
        config.setMaximumPoolSize(1);
        config.setMaxLifetime(0);
        config.setConnectionTimeout(options.busyTimeout().toMillis());
        HikariDataSource one = new HikariDataSource(config);
        return new Database.Pool(one::getConnection, jdbi(one::getConnection), one::close);
    }

    private static Jdbi jdbi(ConnectionFactory connections) {
        Jdbi jdbi = Jdbi.create(connections);
        jdbi.getConfig(SqlStatements.class).setUnusedBindingAllowed(true);
        return jdbi;
    }
}

package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.jdbc.JdbcSessionStore.Product;
import dev.perdure.spi.SessionStore.Guarantees;
import dev.perdure.spi.StoreException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jdbi.v3.core.ConnectionFactory;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;

/** Opens a database server: finds out which it is, sets up the tables, and refuses settings that lose what was acknowledged. */
final class Server {
    private final DataSource source;
    private final JdbcOptions options;
    private final Wiring wiring;

    /** What tests replace. */
    record Wiring(
            UnaryOperator<Dialect> dialect,
            Function<Dialect, Statements> statements,
            boolean renewsOnItsOwnConnection) {
        static final Wiring SHIPPED = new Wiring(Statements::new);

        Wiring(Function<Dialect, Statements> statements) {
            this(UnaryOperator.identity(), statements, true);
        }
    }

    /** What a connection says of its database. */
    private record Found(Product product, Dialect dialect, String place) {}

    Server(DataSource source, JdbcOptions options, Wiring wiring) {
        this.source = source;
        this.options = options;
        this.wiring = wiring;
    }

    JdbcSessionStore open() {
        Found found = find();
        Dialect dialect = found.dialect();
        boolean notifies = options.notifies() && found.product() == Product.POSTGRESQL;
        Supply supply = new Supply(source, this::connection);
        supply.require(notifies ? 3 : 2, options.busyTimeout());
        Tables tables = options.tables();
        Faults faults = new Faults(dialect, tables, found.place(), supply::shortage);
        Jdbi jdbi = jdbi(dialect, this::connection);
        Guarantees guarantees;
        Database.Pool renewals = null;
        long largestStatement;
        try {
            renewals = renewals(dialect);
            guarantees = jdbi.withHandle(
                    handle -> found.product().check(new Settings(handle, dialect, found.place(), options)));
            largestStatement = dialect.largestStatement().isEmpty()
                    ? Long.MAX_VALUE
                    : jdbi.withHandle(handle -> handle.createQuery(dialect.largestStatement())
                            .mapTo(Long.class)
                            .one());
            new Migrations(dialect, tables, faults).run(jdbi, System.currentTimeMillis());
        } catch (RuntimeException e) {
            if (renewals != null) {
                renewals.close().run();
            }
            RuntimeException translated = faults.translate(e, null);
            // Two made the tables in the same moment, where no lock keeps them apart.
            throw translated instanceof Faults.Clash
                    ? StoreException.unavailable(
                            "the tables in " + found.place()
                                    + " were made by another process in this moment; open again",
                            null,
                            translated.getCause())
                    : translated;
        }
        Database database = Database.shared(
                new Database.Pool(this::connection, jdbi, () -> {}),
                renewals,
                connections -> jdbi(dialect, connections),
                dialect,
                tables,
                faults,
                options.busyTimeout(),
                largestStatement);
        Hints hints = notifies ? new PostgresHints(this::connection, tables, found.place()) : Hints.NONE;
        return new JdbcSessionStore(
                database, wiring.statements().apply(dialect), Liveness.UNKNOWN, guarantees, options.codec(), hints);
    }

    private Found find() {
        try (Connection connection = connection()) {
            DatabaseMetaData about = connection.getMetaData();
            Product product = product(about.getDatabaseProductName());
            return new Found(product, wiring.dialect().apply(product.dialect()), Place.of(connection));
        } catch (SQLException e) {
            throw StoreException.unavailable("the database cannot be reached: " + e.getMessage(), null, e);
        }
    }

    private static Product product(String name) {
        Product product = Stream.of(Product.values())
                .filter(known -> known.name().equals(name.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "sessions cannot be kept in the database " + name + ", only in " + List.of(Product.values())));
        if (product == Product.SQLITE) {
            throw new IllegalArgumentException("a SQLite file is opened by its path: JdbcSessionStore.sqlite(path)");
        }
        return product;
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
    private Database.Pool renewals(Dialect dialect) {
        if (!wiring.renewsOnItsOwnConnection()) {
            return new Database.Pool(this::connection, jdbi(dialect, this::connection), () -> {});
        }
        HikariConfig config = new HikariConfig();
        config.setPoolName("perdure-leases");
        config.setDataSource(source);
        config.setMaximumPoolSize(1);
        config.setMaxLifetime(0);
        config.setConnectionTimeout(options.busyTimeout().toMillis());
        HikariDataSource one = new HikariDataSource(config);
        return new Database.Pool(one::getConnection, jdbi(dialect, one::getConnection), one::close);
    }

    private Jdbi jdbi(Dialect dialect, ConnectionFactory connections) {
        Jdbi jdbi = Jdbi.create(connections);
        jdbi.setTransactionHandler(new SpelledTransactions(dialect.begin()));
        SqlStatements statements = jdbi.getConfig(SqlStatements.class);
        statements.setUnusedBindingAllowed(true);
        statements.setTemplateEngine(options.tables());
        // It would tell what was to be written.
        jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
        return jdbi;
    }
}

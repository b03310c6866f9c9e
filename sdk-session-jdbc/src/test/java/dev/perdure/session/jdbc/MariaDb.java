package dev.perdure.session.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A real MariaDB that flushes at each commit, one for all tests of this JVM; each test has a database of its own in it. */
final class MariaDb implements AutoCloseable {
    private static final AtomicInteger DATABASES = new AtomicInteger();
    private static final long NANOS = 60_000_000_000L;

    private final String database;
    private final HikariDataSource pool;

    /** Started when the first test needs it, stopped with the JVM. */
    private static final class Running {
        static final int PORT = start();
    }

    private MariaDb(String database) {
        this.database = database;
        this.pool = pool(24, Map.of());
    }

    static boolean asked() {
        return find("mariadbd") != null || "true".equals(System.getenv("PERDURE_REQUIRE_MARIADB"));
    }

    static MariaDb empty() {
        String database = "t" + DATABASES.incrementAndGet();
        execute("", "CREATE DATABASE " + database);
        return new MariaDb(database);
    }

    /** With a table for {@link SetClock}. */
    static MariaDb withClock(Instant now) {
        MariaDb made = empty();
        made.sql("CREATE TABLE clock (millis BIGINT)", "INSERT INTO clock VALUES (" + now.toEpochMilli() + ")");
        return made;
    }

    void setClock(Instant now) {
        sql("UPDATE clock SET millis = " + now.toEpochMilli());
    }

    HikariDataSource pool() {
        return pool;
    }

    HikariDataSource pool(int size, Map<String, String> session) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url(database));
        config.setUsername("root");
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        if (!session.isEmpty()) {
            List<String> settings = new ArrayList<>();
            session.forEach((name, value) -> settings.add(name + "=" + value));
            config.addDataSourceProperty("sessionVariables", String.join(",", settings));
        }
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        return new HikariDataSource(config);
    }

    String database() {
        return database;
    }

    /** On a connection that the store knows nothing of. */
    void sql(String... statements) {
        execute(database, statements);
    }

    /** The first column of the first row, or {@code none}. */
    String query(String sql) {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "none";
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    static String url(String database) {
        return url(Running.PORT, database);
    }

    /** The driver wants TLS by default, which this server has none of. */
    private static String url(int port, String database) {
        return "jdbc:mariadb://127.0.0.1:" + port + "/" + database + "?sslMode=disable";
    }

    private static Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(url(database), "root", "");
    }

    private static void execute(String database, String... statements) {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(String.join("; ", statements), e);
        }
    }

    private static @Nullable Path find(String program) {
        // Debian puts the server where the path of an ordinary user does not lead.
        return Stream.concat(Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1)), Stream.of("/usr/sbin"))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private static int start() {
        try {
            Path folder = Files.createTempDirectory("perdure-mariadb");
            Path data = folder.resolve("data");
            Path log = folder.resolve("log");
            String user = System.getProperty("user.name");
            Process install = process(
                    log,
                    String.valueOf(find("mariadb-install-db")),
                    "--no-defaults",
                    "--user=" + user,
                    "--datadir=" + data,
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db");
            if (install.waitFor() != 0) {
                throw new IOException("mariadb-install-db failed: " + Files.readString(log));
            }
            int port = freePort();
            Process server = process(
                    log,
                    String.valueOf(find("mariadbd")),
                    "--no-defaults",
                    "--user=" + user,
                    "--datadir=" + data,
                    "--bind-address=127.0.0.1",
                    "--port=" + port,
                    "--socket=" + folder.resolve("socket"),
                    "--pid-file=" + folder.resolve("pid"),
                    "--max-connections=200",
                    "--innodb-buffer-pool-size=64M");
            Runtime.getRuntime().addShutdownHook(new Thread(server::destroyForcibly));
            awaitAnswer(port, server, log);
            return port;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Process process(Path log, String... command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static void awaitAnswer(int port, Process server, Path log) throws IOException {
        long start = System.nanoTime();
        while (true) {
            try {
                DriverManager.getConnection(url(port, ""), "root", "").close();
                return;
            } catch (SQLException e) {
                if (!server.isAlive() || System.nanoTime() - start > NANOS) {
                    throw new IOException("mariadbd does not answer: " + Files.readString(log), e);
                }
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    @Override
    public void close() {
        pool.close();
        execute("", "DROP DATABASE " + database);
    }
}

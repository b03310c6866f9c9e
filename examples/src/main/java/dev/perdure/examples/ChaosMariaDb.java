package dev.perdure.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.jdbc.JdbcOptions;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** MariaDB as each child of {@link Chaos} opens it; each run has a database of its own. */
public final class ChaosMariaDb implements CrashStore {
    private static final int PORT = 3306;

    /** The harness makes it. */
    public ChaosMariaDb() {}

    @Override
    public SessionStore open(Path folder, String server) {
        UUID run = UUID.nameUUIDFromBytes(folder.toString().getBytes(UTF_8));
        String database = "chaos_" + run.toString().replace("-", "").substring(0, 20);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(ChaosServer.through(server, System.getProperty(Chaos.URL)));
        config.setConnectionInitSql("CREATE DATABASE IF NOT EXISTS " + database);
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        // Whoever never hears of its server again must not wait for ever.
        config.addDataSourceProperty("socketTimeout", "5000");
        config.addDataSourceProperty("connectTimeout", "5000");
        config.setConnectionTimeout(2_000);
        config.setMaximumPoolSize(4);
        config.setMinimumIdle(1);
        return JdbcSessionStore.of(
                new HikariDataSource(config), JdbcOptions.standard().schema(database));
    }

    /** The one at {@code url}; without, one that lives as long as this, of the program {@code mariadbd} of this machine. */
    static ChaosServer server(@Nullable String url) {
        return url == null ? new Own() : new NamedServer(url, PORT);
    }

    private static final class Own implements ChaosServer {
        private static final long PATIENCE = 60_000_000_000L;

        private final Path folder;
        private final int port;
        private Process server;

        Own() {
            try {
                this.folder = Files.createTempDirectory("perdure-chaos-mariadb");
                this.port = freePort();
                install();
                this.server = begin();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void install() throws IOException {
            Process install = process(List.of(
                    program("mariadb-install-db"),
                    "--no-defaults",
                    "--user=" + System.getProperty("user.name"),
                    "--datadir=" + folder.resolve("data"),
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db"));
            if (await(install) != 0) {
                throw new IOException("mariadb-install-db failed: " + Files.readString(folder.resolve("log")));
            }
        }

        private Process begin() throws IOException {
            Process process = process(List.of(
                    program("mariadbd"),
                    "--no-defaults",
                    "--user=" + System.getProperty("user.name"),
                    "--datadir=" + folder.resolve("data"),
                    "--bind-address=127.0.0.1",
                    "--port=" + port,
                    "--socket=" + folder.resolve("socket"),
                    "--pid-file=" + folder.resolve("pid"),
                    "--max-connections=200"));
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
            long start = System.nanoTime();
            while (true) {
                try {
                    DriverManager.getConnection(url()).close();
                    return process;
                } catch (SQLException e) {
                    if (!process.isAlive() || System.nanoTime() - start > PATIENCE) {
                        throw new IOException(
                                "mariadbd does not answer: " + Files.readString(folder.resolve("log")), e);
                    }
                    LockSupport.parkNanos(20_000_000);
                }
            }
        }

        private Process process(List<String> command) throws IOException {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            folder.resolve("log").toFile()))
                    .start();
        }

        /** Packages put the server where the path of an ordinary user does not lead. */
        private static String program(String name) {
            return Stream.concat(
                            Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1)), Stream.of("/usr/sbin"))
                    .map(place -> Path.of(place, name))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("--store mariadb needs the program " + name
                            + ": install MariaDB's server, or name one with --url jdbc:mariadb://host:3306/?user=…"))
                    .toString();
        }

        private static int freePort() throws IOException {
            try (ServerSocket socket = new ServerSocket(0)) {
                return socket.getLocalPort();
            }
        }

        private static int await(Process process) {
            try {
                return process.waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        /** The driver wants TLS by default, which this server has none of. */
        @Override
        public String url() {
            return "jdbc:mariadb://127.0.0.1:" + port + "/?user=root&sslMode=disable";
        }

        @Override
        public boolean own() {
            return true;
        }

        @Override
        public InetSocketAddress address() {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        }

        @Override
        public void kill() {
            server.destroyForcibly();
            await(server);
        }

        @Override
        public void start() {
            try {
                server = begin();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            kill();
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

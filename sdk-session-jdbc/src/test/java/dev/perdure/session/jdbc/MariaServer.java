package dev.perdure.session.jdbc;

import dev.perdure.testkit.crash.CrashServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A MariaDB server of its own, as the machine's package has it. */
final class MariaServer implements CrashServer, AutoCloseable {
    private static final long NANOS = 60_000_000_000L;

    private final Path folder;
    private final int port;
    private final List<String> options;
    private Process process;

    private MariaServer(Path folder, int port, List<String> options) throws IOException {
        this.folder = folder;
        this.port = port;
        this.options = options;
        this.process = begin();
    }

    static boolean installed() {
        return find("mariadbd") != null;
    }

    static MariaServer start(Path folder, String... options) {
        try {
            install(folder);
            return new MariaServer(folder, freePort(), List.of(options));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void install(Path folder) throws IOException {
        Path log = folder.resolve("log");
        Process install = process(
                log,
                List.of(
                        String.valueOf(find("mariadb-install-db")),
                        "--no-defaults",
                        "--user=" + System.getProperty("user.name"),
                        "--datadir=" + folder.resolve("data"),
                        "--auth-root-authentication-method=normal",
                        "--skip-test-db"));
        if (await(install) != 0) {
            throw new IOException("mariadb-install-db failed: " + Files.readString(log));
        }
    }

    private Process begin() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                String.valueOf(find("mariadbd")),
                "--no-defaults",
                "--user=" + System.getProperty("user.name"),
                "--datadir=" + folder.resolve("data"),
                "--bind-address=127.0.0.1",
                "--port=" + port,
                "--socket=" + folder.resolve("socket"),
                "--pid-file=" + folder.resolve("pid"),
                "--max-connections=200",
                "--innodb-buffer-pool-size=64M"));
        command.addAll(options);
        Path log = folder.resolve("log");
        Process begun = process(log, command);
        Runtime.getRuntime().addShutdownHook(new Thread(begun::destroyForcibly));
        awaitAnswer(begun, log);
        return begun;
    }

    @Override
    public InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /** Again, on the data that is there. */
    @Override
    public void start() {
        try {
            process = begin();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int port() {
        return port;
    }

    /** The driver wants TLS by default, which this server has none of. */
    String url(String database) {
        return "jdbc:mariadb://127.0.0.1:" + port + "/" + database + "?sslMode=disable";
    }

    @Override
    public void kill() {
        process.destroyForcibly();
        await(process);
    }

    private void awaitAnswer(Process begun, Path log) throws IOException {
        long start = System.nanoTime();
        while (true) {
            try {
                DriverManager.getConnection(url(""), "root", "").close();
                return;
            } catch (SQLException e) {
                if (!begun.isAlive() || System.nanoTime() - start > NANOS) {
                    throw new IOException("mariadbd does not answer: " + Files.readString(log), e);
                }
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    private static int await(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Process process(Path log, List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private static @Nullable Path find(String program) {
        // Debian puts the server where the path of an ordinary user does not lead.
        return Stream.concat(Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1)), Stream.of("/usr/sbin"))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        kill();
    }
}

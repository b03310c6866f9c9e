package dev.perdure.session.jdbc;

import dev.perdure.testkit.crash.CrashServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A real PgBouncer in transaction mode before the PostgreSQL of these tests: each transaction may get another connection. */
final class PgBouncer {
    private static final long NANOS = 20_000_000_000L;

    private PgBouncer() {}

    /** Started when the first test needs it, stopped with the JVM. */
    private static final class Running {
        static final int PORT = start();
    }

    static boolean installed() {
        return find() != null;
    }

    static int port() {
        return Running.PORT;
    }

    /** For the crash harness. */
    static CrashServer crashServer() {
        return new RunningServer(port());
    }

    private static @Nullable Path find() {
        // Debian puts it where the path of an ordinary user does not lead.
        return Stream.concat(Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1)), Stream.of("/usr/sbin"))
                .map(folder -> Path.of(folder, "pgbouncer"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private static int start() {
        try {
            int port = freePort();
            Path folder = Files.createTempDirectory(
                    "perdure-pgbouncer",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxrwxrwx")));
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
            Files.writeString(
                    folder.resolve("users"),
                    IntStream.range(0, 2_000)
                            .mapToObj(i -> "\"t" + i + "\" \"\"")
                            .collect(Collectors.joining("\n", "\"postgres\" \"\"\n", "\n")));
            Path settings = Files.writeString(
                    folder.resolve("settings"), """
                    [databases]
                    * = host=127.0.0.1 port=%d
                    [pgbouncer]
                    listen_addr = 127.0.0.1
                    listen_port = %d
                    unix_socket_dir =
                    auth_type = trust
                    auth_file = %s
                    pool_mode = transaction
                    default_pool_size = 8
                    max_db_connections = 60
                    max_client_conn = 1000
                    server_idle_timeout = 1
                    ignore_startup_parameters = extra_float_digits
                    """.formatted(Postgres.port(), port, folder.resolve("users")));
            Process process = new ProcessBuilder(command(settings))
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("log").toFile())
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
            awaitAnswer(port, process, folder.resolve("log"));
            return port;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** It refuses to run as root. */
    private static List<String> command(Path settings) {
        List<String> command = new ArrayList<>();
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        }
        command.addAll(List.of(String.valueOf(find()), settings.toString()));
        return command;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static void awaitAnswer(int port, Process process, Path log) throws IOException {
        long start = System.nanoTime();
        while (true) {
            try {
                new Socket("127.0.0.1", port).close();
                return;
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() - start > NANOS) {
                    throw new IOException("pgbouncer does not answer: " + Files.readString(log), e);
                }
                Thread.onSpinWait();
            }
        }
    }
}

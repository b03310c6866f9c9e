package dev.perdure.session.jdbc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A PostgreSQL in whose place another comes when it dies: a replica that lacks the newest commits, as an asynchronous one may. It is a copy of the data as
 * they were at one moment, made while all processes stood still, before the commits that it lacks.
 */
final class FailingOverPostgres extends PostgresServer {
    /** So many bytes of its log at least are on the server's disk and not on the replica: a few commits, so that who wrote them still holds its session. */
    private static final int LOST = 12_000;

    private static final long PATIENCE = 3_000_000_000L;

    private final Path replica;

    FailingOverPostgres(Path folder) {
        super(folder);
        this.replica = folder.resolve("replica");
    }

    @Override
    public void kill() {
        String url = "jdbc:postgresql://127.0.0.1:" + address().getPort() + "/postgres?user=postgres";
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            copy();
            long before = written(statement);
            long start = System.nanoTime();
            // Where nobody lives who writes, nothing can be lost.
            while (written(statement) < before + LOST && System.nanoTime() - start < PATIENCE) {
                Thread.onSpinWait();
            }
            super.kill();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long written(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn")) {
            row.next();
            return row.getLong(1);
        }
    }

    @Override
    public void start() {
        try {
            delete(data());
            Files.move(replica, data());
            Files.deleteIfExists(data().resolve("postmaster.pid"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        super.start();
    }

    private void copy() {
        List<String> pids = processes().stream()
                .map(process -> Long.toString(process.pid()))
                .toList();
        signal("STOP", pids);
        try {
            copy(data(), replica);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            signal("CONT", pids);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path copy = to.resolve(from.relativize(file).toString());
                PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
                if (attributes.isDirectory()) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, copy);
                }
                // The server does not run as root, and insists on being the owner.
                Files.setOwner(copy, attributes.owner());
                Files.setPosixFilePermissions(copy, attributes.permissions());
            }
        }
    }

    private static void signal(String name, List<String> pids) {
        try {
            Process kill = new ProcessBuilder(Stream.concat(Stream.of("kill", "-" + name), pids.stream())
                            .toList())
                    .redirectErrorStream(true)
                    .start();
            kill.getInputStream().readAllBytes();
            if (!kill.waitFor(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("kill does not end");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.testkit.crash.CrashServer;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A PostgreSQL of a test's own, with fsync on, that dies by SIGKILL with all of its processes and comes back on the same data. */
class PostgresServer implements CrashServer, AutoCloseable {
    private static final long PATIENCE = 60_000_000_000L;

    private final Path data;
    private final int port;
    private EmbeddedPostgres server;

    /** @param folder empty; holds the data */
    PostgresServer(Path folder) {
        this.data = folder.resolve("data");
        try {
            this.server = start(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.port = server.getPort();
    }

    private EmbeddedPostgres start(int atPort) throws IOException {
        return Postgres.durable()
                .setServerConfig("max_connections", "200")
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setPort(atPort)
                .start();
    }

    Path data() {
        return data;
    }

    @Override
    public InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    @Override
    public void kill() {
        List<ProcessHandle> all = processes();
        all.forEach(ProcessHandle::destroyForcibly);
        long start = System.nanoTime();
        while (all.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() - start < PATIENCE) {
            Thread.onSpinWait();
        }
        try {
            // Only lets go of the folder: there is nothing to stop any more, and it complains.
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All of its processes, the first one first: it would notice the death of another. */
    List<ProcessHandle> processes() {
        try {
            long pid = Long.parseLong(
                    Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
            ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
            List<ProcessHandle> all = new ArrayList<>(postmaster.descendants().toList());
            all.add(0, postmaster);
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void start() {
        long start = System.nanoTime();
        while (true) {
            try {
                server = start(port);
                return;
            } catch (IOException | IllegalStateException e) {
                // What is left of the former server may hold its lock or its port for a moment.
                if (System.nanoTime() - start > PATIENCE) {
                    throw new IllegalStateException("the server does not come back", e);
                }
            }
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        delete(data);
    }

    static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

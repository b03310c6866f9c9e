package dev.perdure.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashStore;
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
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** PostgreSQL as each child of {@link Chaos} opens it; each run has a schema of its own. */
public final class ChaosPostgres implements CrashStore {
    private static final int PORT = 5432;

    /** The harness makes it. */
    public ChaosPostgres() {}

    @Override
    public SessionStore open(Path folder, String server) {
        UUID run = UUID.nameUUIDFromBytes(folder.toString().getBytes(UTF_8));
        String schema = "chaos_" + run.toString().replace("-", "");
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(ChaosServer.through(server, System.getProperty(Chaos.URL)));
        config.setConnectionInitSql("CREATE SCHEMA IF NOT EXISTS " + schema + "; SET search_path = " + schema);
        // Whoever never hears of its server again must not wait for ever.
        config.addDataSourceProperty("socketTimeout", "5");
        config.addDataSourceProperty("loginTimeout", "5");
        config.setConnectionTimeout(2_000);
        config.setMaximumPoolSize(4);
        config.setMinimumIdle(1);
        return JdbcSessionStore.of(new HikariDataSource(config));
    }

    /** The one at {@code url}; without, one that lives as long as this, with fsync on. */
    static ChaosServer server(@Nullable String url) {
        return url == null ? new Own() : new Named(url);
    }

    private record Named(String url) implements ChaosServer {
        private Named {
            ChaosServer.address(url, PORT);
        }

        @Override
        public boolean own() {
            return false;
        }

        @Override
        public InetSocketAddress address() {
            return ChaosServer.address(url, PORT);
        }

        @Override
        public void kill() {
            throw new UnsupportedOperationException("not ours");
        }

        @Override
        public void start() {
            throw new UnsupportedOperationException("not ours");
        }

        @Override
        public void close() {
            // Its sessions stay: whoever found a violation wants to look at them.
        }
    }

    private static final class Own implements ChaosServer {
        private static final long PATIENCE = 60_000_000_000L;

        private final Path folder;
        private final Path data;
        private final int port;
        private EmbeddedPostgres server;

        Own() {
            try {
                this.folder = Files.createTempDirectory("perdure-chaos-postgres");
                this.data = folder.resolve("data");
                this.server = start(0);
                this.port = server.getPort();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private EmbeddedPostgres start(int atPort) throws IOException {
            return EmbeddedPostgres.builder()
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "on")
                    .setServerConfig("max_connections", "200")
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setPort(atPort)
                    .start();
        }

        @Override
        public String url() {
            return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres";
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
            try {
                long pid = Long.parseLong(Files.readAllLines(data.resolve("postmaster.pid"))
                        .get(0)
                        .strip());
                ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
                List<ProcessHandle> all =
                        new ArrayList<>(postmaster.descendants().toList());
                all.add(0, postmaster);
                all.forEach(ProcessHandle::destroyForcibly);
                long start = System.nanoTime();
                while (all.stream().anyMatch(ProcessHandle::isAlive) && System.nanoTime() - start < PATIENCE) {
                    Thread.onSpinWait();
                }
                // Only lets go of the folder: there is nothing to stop any more.
                server.close();
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
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(file);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

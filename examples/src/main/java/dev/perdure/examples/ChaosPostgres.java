package dev.perdure.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.crash.CrashStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** PostgreSQL as each child of {@link Chaos} opens it; each run has a schema of its own. */
public final class ChaosPostgres implements CrashStore {
    /** The system property with the server's JDBC URL. */
    static final String URL = "perdure.chaos.url";

    /** The harness makes it. */
    public ChaosPostgres() {}

    @Override
    public SessionStore open(Path folder) {
        UUID run = UUID.nameUUIDFromBytes(folder.toString().getBytes(UTF_8));
        String schema = "chaos_" + run.toString().replace("-", "");
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(System.getProperty(URL));
        config.setConnectionInitSql("CREATE SCHEMA IF NOT EXISTS " + schema + "; SET search_path = " + schema);
        config.setMaximumPoolSize(4);
        config.setMinimumIdle(1);
        return JdbcSessionStore.of(new HikariDataSource(config));
    }

    /** The server of a run. */
    record Server(String url, @Nullable EmbeddedPostgres own) implements AutoCloseable {
        /** The one at {@code url}; without, one that lives as long as this, with fsync on. */
        static Server at(@Nullable String url) throws IOException {
            if (url != null) {
                return new Server(url, null);
            }
            EmbeddedPostgres own = EmbeddedPostgres.builder()
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "on")
                    .start();
            return new Server(own.getJdbcUrl("postgres", "postgres"), own);
        }

        @Override
        public void close() throws IOException {
            if (own != null) {
                own.close();
            }
        }
    }
}

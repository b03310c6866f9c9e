package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.Operator;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The LiteLLM gateway that the environment names. */
final class RealGateway {
    private RealGateway() {}

    /** Without a gateway the test is skipped, unless {@code PERDURE_REQUIRE_GATEWAY=true}: then it fails. */
    static Map<String, String> model(String name) {
        String url = System.getenv("LITELLM_BASE_URL");
        String key = System.getenv("LITELLM_API_KEY");
        boolean there = url != null && key != null;
        if (Boolean.parseBoolean(System.getenv("PERDURE_REQUIRE_GATEWAY"))) {
            assertThat(there)
                    .as("LITELLM_BASE_URL and LITELLM_API_KEY are set, as PERDURE_REQUIRE_GATEWAY asks")
                    .isTrue();
        }
        assumeTrue(there, "no gateway: LITELLM_BASE_URL and LITELLM_API_KEY are not set");
        return Map.of("LITELLM_BASE_URL", url, "LITELLM_API_KEY", key, "LITELLM_MODEL", name);
    }

    /** Where the gateway with a database is; as {@link #model} without one. */
    static String withDatabase() {
        String url = System.getenv("LITELLM_DB_BASE_URL");
        if (Boolean.parseBoolean(System.getenv("PERDURE_REQUIRE_GATEWAY"))) {
            assertThat(url)
                    .as("LITELLM_DB_BASE_URL is set, as PERDURE_REQUIRE_GATEWAY asks")
                    .isNotNull();
        }
        assumeTrue(url != null, "no gateway with a database: LITELLM_DB_BASE_URL is not set");
        return url;
    }

    static List<Recorded> log(Path database, SessionId session) {
        try (JdbcSessionStore store = JdbcSessionStore.sqlite(database)) {
            return Operator.of(store).history(session);
        }
    }
}

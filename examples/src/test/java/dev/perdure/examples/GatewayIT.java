package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GatewayIT {
    @Test
    void realGateway_routes_fallsBack_andStopsAtBothBudgets() throws Exception {
        Map<String, String> environment = new HashMap<>(RealGateway.model("scripted"));
        environment.put("LITELLM_DB_BASE_URL", RealGateway.withDatabase());
        environment.put("LITELLM_FALLBACK_MODEL", "scripted-fallback");
        try (Program program =
                Program.of(Gateway.class).environment(environment).with()) {
            Program.Ended ended = program.awaitEnd();

            assertThat(ended.status()).as(ended.out() + ended.err()).isZero();
            assertThat(ended.out())
                    .contains("deployment dep-scripted")
                    .contains("scripted answered (1 fallback)")
                    .contains("no further model call is made")
                    .contains("Budget has been exceeded");
            assertThat(ended.lastLine()).contains("fallbacks=1 budget_stops=2");
        }
    }
}

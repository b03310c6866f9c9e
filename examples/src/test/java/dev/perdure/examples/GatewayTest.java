package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class GatewayTest {
    @Test
    void withoutAGateway_aFakeOneShowsRoutingCostFallbackAndTwoBudgets() throws Exception {
        try (Program program = Program.of(Gateway.class).with()) {
            Program.Ended ended = program.awaitEnd();

            assertThat(ended.status()).as(ended.err()).isZero();
            assertThat(ended.out())
                    .contains("a FAKE one")
                    .contains("group steady")
                    .contains("by its header")
                    .contains("by its usage, text in 5 pieces")
                    .contains("flaky failed, steady answered (1 fallback)")
                    .contains("no further model call is made")
                    .contains("Budget has been exceeded");
            assertThat(ended.lastLine()).isEqualTo("RESULT gateway calls=7 usd=0.00139 fallbacks=1 budget_stops=2");
            assertThat(ended.out() + ended.err()).doesNotContain("sk-fake");
        }
    }

    @Test
    void halfAGateway_isAnError() throws Exception {
        try (Program program = Program.of(Gateway.class)
                .environment(Map.of("LITELLM_BASE_URL", "http://127.0.0.1:9"))
                .with()) {
            Program.Ended ended = program.awaitEnd();

            assertThat(ended.status()).isEqualTo(2);
            assertThat(ended.err()).contains("set both LITELLM_BASE_URL and LITELLM_MODEL");
        }
    }
}

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuotaTest {
    @Test
    void quota_isWrittenInLiteLlmsWords_andReadBack() {
        Quota quota = Quota.none()
                .usd("2.50")
                .softUsd("0.000001")
                .every(Duration.ofDays(30))
                .models("a", "b")
                .tokensPerMinute(100)
                .requestsPerMinute(10)
                .parallel(2);

        Json body = quota.in(Json.EMPTY);

        assertThat(Json.parse(body.text()))
                .isEqualTo(Json.parse(
                        "{\"max_budget\":2.50,\"soft_budget\":0.000001,\"budget_duration\":\"30d\",\"models\":[\"a\",\"b\"],"
                                + "\"tpm_limit\":100,\"rpm_limit\":10,\"max_parallel_requests\":2}"));
        assertThat(Quota.of(body)).isEqualTo(quota);
    }

    @Test
    void whatIsNotSaid_isNotWritten() {
        assertThat(Quota.none().in(Json.EMPTY)).isEqualTo(Json.EMPTY);
    }

    @Test
    void quotaOfTheBudgetThatAnAnswerCarries_isRead_andItsOwnGoesFirst() {
        Quota quota = Quota.of(
                Json.parse(
                        "{\"max_budget\":null,\"tpm_limit\":7,\"litellm_budget_table\":{\"max_budget\":1e-6,\"tpm_limit\":9,\"budget_duration\":\"1h\"}}"));

        assertThat(quota.findUsd()).contains(new BigDecimal("0.000001"));
        assertThat(quota.findTokensPerMinute()).contains(7);
        assertThat(quota.findEvery()).contains(Duration.ofHours(1));
    }

    @ParameterizedTest
    @CsvSource({
        "{\"max_budget\":-1}",
        "{\"max_budget\":1e999999999}",
        "{\"budget_duration\":\"1mo\"}",
        "{\"budget_duration\":\"0s\"}",
        "{\"max_budget\":\"x\"}",
        "{\"rpm_limit\":-1}",
        "{\"models\":[\"\"]}"
    })
    void whatNoQuotaCanBe_countsAsNotLimited(String answer) {
        assertThat(Quota.of(Json.parse(answer))).isEqualTo(Quota.none());
    }

    @ParameterizedTest
    @CsvSource({"PT1S, 1s", "PT90S, 90s", "PT2M, 2m", "PT36H, 36h", "P7D, 7d"})
    void duration_isWrittenInItsLargestWholeUnit(Duration duration, String text) {
        assertThat(Quota.none().every(duration).in(Json.EMPTY).findText("budget_duration"))
                .contains(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "-PT1S", "PT0.5S", "PT1.001S", "P36501D"})
    void durationThatLiteLlmCannotSay_isRefused_withItsValue(Duration duration) {
        assertThatThrownBy(() -> Quota.none().every(duration))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(duration.toString());
    }

    @Test
    void nonsense_isRefused() {
        assertThatThrownBy(() -> Quota.none().usd("a lot")).hasMessageContaining("\"a lot\"");
        assertThatThrownBy(() -> Quota.none().usd("-1")).hasMessageContaining("-1");
        assertThatThrownBy(() -> Quota.none().usd("1").softUsd("1")).hasMessageContaining("softUsd is below usd");
        assertThatThrownBy(() -> Quota.none().parallel(-2)).hasMessageContaining("parallel");
    }
}

package dev.perdure.litellm.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.model.ModelException.Kind;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors of which there is no recording: older gateways, other servers, odd shapes. */
class ErrorsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            400 | BUDGET         | {"error":{"message":"ExceededTokenBudget: Current spend for token: 1","type":"auth_error","code":400}}
            400 | BUDGET         | {"error":{"message":"x","type":"budget_exceeded","code":"400"}}
            402 | BUDGET         | {"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}
            429 | SESSION_LIMIT  | {"error":{"message":"Session budget exceeded for session s. Current spend: $1","type":"None","code":"429"}}
            429 | UNAVAILABLE    | {"error":{"message":"No healthy deployment available, passed model=x","type":"None","code":"429"}}
            429 | RATE_LIMIT     | {"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}
            429 | BUDGET         | {"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}
            401 | AUTH           | {"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}
            401 | ACCESS         | {"error":{"message":"No deployments found with tag routing enabled","type":"None","code":"401"}}
            403 | GUARDRAIL      | {"error":{"message":"Violated guardrail policy","type":"None","code":"400"}}
            400 | GUARDRAIL      | {"error":{"message":"{'error': 'Violated guardrail policy', 'bedrock': 1}","type":"None","code":"400"}}
            400 | CONTEXT_WINDOW | {"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}
            400 | BAD_REQUEST    | {"error":{"message":"bad","type":"invalid_request_error","code":null}}
            422 | BAD_REQUEST    | {"detail":[{"loc":["body","messages"],"msg":"field required","type":"missing"}]}
            400 | BAD_REQUEST    | {"detail":{"error":"no such thing"}}
            400 | GUARDRAIL      | {"detail":{"error":"guardrail_violation","message":"not that"}}
            400 | GUARDRAIL      | {"detail":{"error":"blocked_pii_entity","message":"not that"}}
            404 | BAD_REQUEST    | {"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}
            529 | UNAVAILABLE    | {"error":{"message":"Overloaded","type":"overloaded_error"}}
            500 | UNAVAILABLE    | {"error":"it broke"}
            502 | UNAVAILABLE    |
            504 | TIMEOUT        | <html>Gateway Time-out</html>
            403 | ACCESS         | "forbidden"
            418 | BAD_REQUEST    | [1,2]
            """)
    void kinds(int status, Kind kind, String body) {
        assertThat(ErrorKinds.of(status, ErrorBody.parse(body == null ? "" : body)))
                .isEqualTo(kind);
    }

    @Test
    void wordsFarInTheMessage_decideNothing() {
        String quoting = "bad request: " + "x".repeat(500) + " Budget has been exceeded!";

        assertThat(ErrorKinds.of(400, new ErrorBody(quoting, "", ""))).isEqualTo(Kind.BAD_REQUEST);
    }

    @Test
    void text_isCut_cleaned_andWithoutTheKey() {
        assertThat(ErrorText.clean("a  b\n\tc sk-1234 d", "sk-1234")).isEqualTo("a b c *** d");
        assertThat(ErrorText.clean("x".repeat(499) + "😀😀", null)).isEqualTo("x".repeat(499) + "…");
        assertThat(ErrorText.clean("boom. Received Model Group=secret\nAvailable Model Group Fallbacks=[x]", null))
                .isEqualTo("boom");
        assertThat(ErrorText.clean("a < b and c > d", null)).isEqualTo("a < b and c > d");
        assertThat(ErrorText.clean("<script>x<y</script><p>down</p>", null)).isEqualTo("down");
    }

    @Test
    void retryAfter_isSecondsOrADate() {
        Instant now = Instant.parse("2026-11-23T01:00:00Z");

        assertThat(RetryAfter.parse("7", now)).isEqualTo(Duration.ofSeconds(7));
        assertThat(RetryAfter.parse(" 0.25 ", now)).isEqualTo(Duration.ofMillis(250));
        assertThat(RetryAfter.parse("Mon, 23 Nov 2026 01:00:30 GMT", now)).isEqualTo(Duration.ofSeconds(30));
        assertThat(RetryAfter.parse("Mon, 23 Nov 2026 00:00:30 GMT", now)).isEqualTo(Duration.ZERO);
        assertThat(RetryAfter.parse("-5", now)).isNull();
        assertThat(RetryAfter.parse("soon", now)).isNull();
        assertThat(RetryAfter.parse("99999999999999999999", now)).isNull();
    }
}

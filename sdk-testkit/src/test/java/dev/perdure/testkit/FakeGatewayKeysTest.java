package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Keys, budgets, limits, spend: the fake gateway's memory, and its management API beside recordings of LiteLLM 1.96.2. */
@Timeout(30)
class FakeGatewayKeysTest {
    private static final String EIGHT_WORDS = "w0 w1 w2 w3 w4 w5 w6 w7 ";

    private final TestClock clock = TestClock.create();
    private final FakeGateway gateway = FakeGateway.answering(request -> GatewayReply.text("scripted answer to: hi"))
            .clock(clock);
    private final RawClient client = new RawClient(gateway);

    @AfterEach
    void close() {
        gateway.close();
    }

    private byte[] chat(String key) throws IOException {
        return client.chat(key, RawClient.body("scripted", "hi", Map.of()));
    }

    private byte[] admin(String path, Map<String, ?> body) throws IOException {
        return client.ask("POST", path, gateway.masterKey(), Json.of(body).text());
    }

    private byte[] get(String path, String key) throws IOException {
        return client.ask("GET", path, key, "");
    }

    private static void same(String recording, byte[] answer) {
        FakeGatewayRecordedTest.compare(recording, answer);
    }

    private static Json body(byte[] answer) {
        return Json.parse(RecordedAnswer.of(answer).body());
    }

    private static String status(byte[] answer) {
        return RecordedAnswer.of(answer).head().get(0);
    }

    // ---- limits

    @Test
    void rpm_isAFixedWindowOfAMinute() throws IOException {
        gateway.newKey(Map.of("key", "sk-test-rpm", "rpm_limit", 3));

        same("limit-rpm-1", chat("sk-test-rpm"));
        chat("sk-test-rpm");
        clock.advance(Duration.ofSeconds(59));
        assertThat(status(chat("sk-test-rpm"))).isEqualTo("HTTP/1.1 200 OK");
        same("limit-rpm-4", chat("sk-test-rpm"));
        clock.advance(Duration.ofSeconds(1));

        assertThat(status(chat("sk-test-rpm"))).isEqualTo("HTTP/1.1 200 OK");
    }

    @Test
    void streamOverItsLimit_isRefusedInPlainJson() throws IOException {
        gateway.newKey(Map.of("key", "sk-test-rpm", "rpm_limit", 3));
        String stream = RawClient.body("scripted", "hi", Map.of("stream", "true"));
        for (int i = 0; i < 3; i++) {
            client.chat("sk-test-rpm", stream);
        }

        same("limit-rpm-4", client.chat("sk-test-rpm", stream));
    }

    @Test
    void tpm_countsWhatWasUsed_andWhatTheRequestMayUse() throws IOException {
        try (FakeGateway other =
                FakeGateway.answering(request -> GatewayReply.text("x").usage(7, 30))) {
            other.newKey(Map.of("key", "sk-test-tpm", "tpm_limit", 40));
            RawClient raw = new RawClient(other);
            String request = RawClient.body("scripted", "a b c d e", Map.of("max_tokens", "30"));

            assertThat(status(raw.chat("sk-test-tpm", request))).isEqualTo("HTTP/1.1 200 OK");
            same("limit-tpm-2", raw.chat("sk-test-tpm", request));
        }
    }

    @Test
    void parallelCalls_areLimited_untilOneEnds() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch enough = new CountDownLatch(1);
        FakeGateway.Answer slow = exchange -> {
            running.countDown();
            enough.await();
            GatewayReply.text("late").play(exchange);
        };
        try (FakeGateway other = FakeGateway.start(slow, GatewayReply.text("next"))) {
            other.newKey(Map.of("key", "sk-test-parallel", "max_parallel_requests", 1));
            RawClient raw = new RawClient(other);
            String request = RawClient.body("scripted", "hi", Map.of());
            try (Socket first = raw.open()) {
                first.getOutputStream()
                        .write(RawClient.request("POST", "/v1/chat/completions", "sk-test-parallel", request));
                running.await();
                same("limit-parallel", raw.chat("sk-test-parallel", request));
                enough.countDown();
                assertThat(status(first.getInputStream().readAllBytes())).isEqualTo("HTTP/1.1 200 OK");
            }
            assertThat(status(raw.chat("sk-test-parallel", request))).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    // ---- budgets

    @Test
    void budget_letsTheCallThatBreaksItThrough_andNoneAfterIt() throws IOException {
        gateway.newKey(Map.of("key", "sk-test-database-small", "max_budget", 0.0002));

        assertThat(status(chat("sk-test-database-small"))).isEqualTo("HTTP/1.1 200 OK");
        assertThat(status(chat("sk-test-database-small"))).isEqualTo("HTTP/1.1 200 OK");
        byte[] refused = chat("sk-test-database-small");

        assertThat(gateway.spent("sk-test-database-small")).isEqualByComparingTo("0.00026000000000000003");
        try (FakeGateway other = FakeGateway.start(GatewayRefusal.keyBudget("0.00026000000000000003", "0.0002"))) {
            byte[] scripted =
                    new RawClient(other).chat("sk-test-database-small", RawClient.body("scripted", "hi", Map.of()));
            assertThat(RecordedAnswer.of(refused)).isEqualTo(RecordedAnswer.of(scripted));
        }
    }

    @Test
    void keyBudget_isAsRecorded() throws IOException {
        try (FakeGateway other = FakeGateway.start(GatewayRefusal.keyBudget("0.0005400000000000001", "0.0004"))) {
            same(
                    "db-budget-key-3",
                    new RawClient(other).chat("sk-test-database-small", RawClient.body("scripted", "hi", Map.of())));
        }
    }

    @Test
    void raisedBudget_letsCallsThroughAtOnce() throws IOException {
        try (FakeGateway other = FakeGateway.answering(
                        request -> GatewayReply.text(EIGHT_WORDS).usage(3, 8))
                .clock(clock)) {
            other.newKey(Map.of("key", "sk-test-database-small", "max_budget", 0.0004));
            RawClient raw = new RawClient(other);
            String request = RawClient.body("scripted", "hi", Map.of());
            raw.chat("sk-test-database-small", request);
            raw.chat("sk-test-database-small", request);
            same("db-budget-key-info", raw.ask("GET", "/key/info", "sk-test-database-small", ""));

            same(
                    "db-budget-key-raised",
                    raw.ask(
                            "POST",
                            "/key/update",
                            other.masterKey(),
                            "{\"key\":\"sk-test-database-small\",\"max_budget\":1}"));

            assertThat(status(raw.chat("sk-test-database-small", request))).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void streamsSpend_fromTheirLastChunkOn_andTellWhatWasSpentBefore() throws IOException {
        String stream = RawClient.body("scripted", "hi", Map.of("stream", "true"));

        byte[] first = client.chat("sk-a", stream);
        byte[] second = client.chat("sk-a", stream);

        assertThat(new String(first, StandardCharsets.UTF_8)).contains("x-litellm-key-spend: 0.0\r\n");
        assertThat(new String(second, StandardCharsets.UTF_8))
                .contains("x-litellm-key-spend: 0.00013000000000000002\r\n");
        assertThat(gateway.spent("sk-a")).isEqualByComparingTo("0.00026000000000000003");
    }

    // ---- keys

    @Test
    void keys_areMintedBlockedAndDeleted_asRecorded() throws IOException {
        byte[] minted = admin("/key/generate", Map.of());
        assertThat(withoutKey(minted)).isEqualTo(withoutKey(RecordedAnswer.recorded("db-key-generate-minimal")));
        String key = body(minted).findText("key").orElseThrow();
        assertThat(key).startsWith("sk-").hasSize(25);
        assertThat(status(chat(key))).isEqualTo("HTTP/1.1 200 OK");

        gateway.newKey(Map.of("key", "sk-test-database-blocked"));
        same("db-key-block", admin("/key/block", Map.of("key", "sk-test-database-blocked")));
        same("db-auth-blocked", chat("sk-test-database-blocked"));
        same("db-key-unblock", admin("/key/unblock", Map.of("key", "sk-test-database-blocked")));
        assertThat(status(chat("sk-test-database-blocked"))).isEqualTo("HTTP/1.1 200 OK");

        gateway.newKey(Map.of("key", "sk-test-database-gone"));
        same("db-key-delete", admin("/key/delete", Map.of("keys", List.of("sk-test-database-gone"))));
        same("db-key-delete-again", admin("/key/delete", Map.of("keys", List.of("sk-test-database-gone"))));
        assertThat(body(chat("sk-test-database-gone"))
                        .find("error")
                        .orElseThrow()
                        .findText("type"))
                .contains("token_not_found_in_db");
    }

    private static String withoutKey(byte[] answer) {
        return withoutKey(RecordedAnswer.of(answer));
    }

    private static String withoutKey(RecordedAnswer answer) {
        return answer.body().replaceAll("[0-9a-f]{64}", "?").replaceAll("\"(key|key_name)\":\"sk-[^\"]+\"", "\"$1\":?");
    }

    @Test
    void wrongKeysOfTheManagementApi_areRefused_asRecorded() throws IOException {
        same("db-key-info-unknown", get("/key/info?key=sk-test-database-nope", gateway.masterKey()));
        same("db-key-update-unknown", admin("/key/update", Map.of("key", "sk-test-database-nope", "max_budget", 3.5)));
        same("db-key-generate-by-non-admin", client.ask("POST", "/key/generate", "sk-test-database-full", "{}"));
        same("db-key-generate-custom-not-sk", admin("/key/generate", Map.of("key", "hello")));
        gateway.newKey(Map.of("key_alias", "full-320419"));
        same("db-key-generate-duplicate-alias", admin("/key/generate", Map.of("key_alias", "full-320419")));
    }

    @Test
    void key_mayUseItsModelsOnly_andExpires() throws IOException {
        gateway.newKey(Map.of(
                "key", "sk-test-database-full", "models", List.of("scripted", "local", "mock"), "duration", "30s"));

        same(
                "db-auth-model-denied-key",
                client.chat("sk-test-database-full", RawClient.body("scripted-tools", "hi", Map.of())));
        assertThat(status(chat("sk-test-database-full"))).isEqualTo("HTTP/1.1 200 OK");
        clock.advance(Duration.ofSeconds(30));

        assertThat(body(chat("sk-test-database-full"))
                        .find("error")
                        .orElseThrow()
                        .findText("type"))
                .contains("expired_key");
    }

    @Test
    void unknownKey_isLetIn_untilKeysAreRequired() throws IOException {
        assertThat(status(chat("sk-nobody"))).isEqualTo("HTTP/1.1 200 OK");
        assertThat(status(chat(""))).isEqualTo("HTTP/1.1 200 OK");

        gateway.requireKeys();

        same("db-auth-missing", chat(""));
        same("db-auth-not-a-key", chat("hello"));
        same("db-auth-bad-key", chat("sk-nobody"));
        assertThat(status(chat(gateway.masterKey()))).isEqualTo("HTTP/1.1 200 OK");
        assertThat(status(chat(gateway.newKey(Map.of())))).isEqualTo("HTTP/1.1 200 OK");
    }

    @Test
    void models_areListed_andOthersRefused() throws IOException {
        gateway.models("scripted");

        same("model-group-info", get("/model_group/info?model_group=scripted", "sk-a"));
        assertThat(body(get("/v1/models", "sk-a")).find("data").orElseThrow().elements())
                .extracting(model -> model.findText("id").orElseThrow())
                .containsExactly("scripted");
        same("unknown-model", client.chat("sk-a", RawClient.body("no-such-model", "hi", Map.of())));
    }

    // ---- spend

    @Test
    void spendLogs_haveARowPerReply_afterTheirDelay() throws IOException {
        gateway.spendLogDelay(Duration.ofSeconds(10));
        String key = gateway.newKey(Map.of("user_id", "u-ann", "key_alias", "full-320419"));
        byte[] answer = client.ask(
                "POST",
                "/v1/chat/completions",
                key,
                RawClient.body("scripted", "hi", Map.of()),
                "x-litellm-call-id: 77777777-0000-4000-8000-91619b7e9030",
                "x-litellm-session-id: sess-spend-320419",
                "x-litellm-tags: a,b");
        String text = new String(answer, StandardCharsets.UTF_8);
        String id = Json.parse(text.substring(text.indexOf("\r\n\r\n") + 4))
                .findText("id")
                .orElseThrow();

        assertThat(body(get("/spend/logs?request_id=" + id, gateway.masterKey()))
                        .elements())
                .isEmpty();
        clock.advance(Duration.ofSeconds(10));
        Json row = body(get("/spend/logs?request_id=" + id, gateway.masterKey()))
                .elements()
                .get(0);

        assertThat(row.find("spend").orElseThrow().text()).isEqualTo("0.00013000000000000002");
        assertThat(row.findText("session_id")).contains("sess-spend-320419");
        assertThat(row.findText("user")).contains("u-ann");
        assertThat(row.find("request_tags").orElseThrow().text()).isEqualTo("[\"a\",\"b\"]");
        assertThat(row.find("metadata").orElseThrow().findText("litellm_call_id"))
                .contains("77777777-0000-4000-8000-91619b7e9030");
        assertThat(body(get("/spend/logs", key)).elements()).hasSize(1);
        same(
                "db-spend-logs-by-call-id",
                get("/spend/logs?request_id=77777777-0000-4000-8000-91619b7e9030", gateway.masterKey()));
    }

    @Test
    void refusedCalls_spendNothing_andHaveNoRow() throws IOException {
        try (FakeGateway other = FakeGateway.start(GatewayRefusal.serverError())) {
            RawClient raw = new RawClient(other);
            raw.chat("sk-a", RawClient.body("scripted", "hi", Map.of()));

            assertThat(other.spent("sk-a")).isZero();
            assertThat(body(raw.ask("GET", "/spend/logs", other.masterKey(), ""))
                            .elements())
                    .isEmpty();
        }
    }

    // ---- the rest

    @Test
    void healthAndUnknownRoutes_areAsRecorded() throws IOException {
        same("liveliness", get("/health/liveliness", ""));
        same("db-readiness", get("/health/readiness", ""));
        same("bad-path", get("/no/such/path", "sk-a"));
        same("bad-method", get("/v1/chat/completions", "sk-a"));

        gateway.withoutDatabase();

        same("readiness", get("/health/readiness", ""));
        same("spend-logs-no-db", get("/spend/logs", gateway.masterKey()));
        same("master-key-info-no-db", get("/key/info", gateway.masterKey()));
        same("master-key-generate-no-db", admin("/key/generate", Map.of()));
        assertThat(status(chat("sk-a"))).isEqualTo("HTTP/1.1 200 OK");
    }

    @Test
    void connection_isUsedAgain() throws IOException {
        byte[] request = new String(RawClient.request("GET", "/health/liveliness", "", ""), StandardCharsets.UTF_8)
                .replace("Connection: close\r\n", "")
                .getBytes(StandardCharsets.UTF_8);
        try (Socket socket = client.open()) {
            for (int i = 0; i < 3; i++) {
                socket.getOutputStream().write(request);
                assertThat(untilAlive(socket.getInputStream())).startsWith("HTTP/1.1 200 OK");
            }
        }
        assertThat(gateway.connections()).isEqualTo(1);
        assertThat(gateway.received()).hasSize(3);
    }

    private static String untilAlive(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("alive!\"") < 0) {
            int next = in.read();
            assertThat(next).isNotNegative();
            text.append((char) next);
        }
        return text.toString();
    }
}

package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** The fake gateway beside recordings of LiteLLM 1.96.2: status, headers in their order, and bodies byte for byte. */
@Timeout(30)
class FakeGatewayRecordedTest {
    private static final Map<String, String> STREAM =
            Map.of("stream", "true", "stream_options", "{\"include_usage\":true}");
    private static final GatewayReply ANSWER = GatewayReply.text("scripted answer to: What is a gateway?");
    private static final GatewayReply TOOLS = GatewayReply.call("get_weather", "{\"city\":\"Paris\",\"unit\":\"c\"}")
            .andCall("get_time", "{\"zone\":\"Asia/Tokyo\"}");
    private static final GatewayReply REASONED =
            GatewayReply.text("scripted answer to: why?").reasoning("Let me ", "think ", "about ", "this.");

    @TestFactory
    Stream<DynamicTest> replies_areAsRecorded() {
        return Stream.of(
                plain("chat", ANSWER, "What is a gateway?"),
                plain("chat-tools", TOOLS, "[[tools]] Paris and Tokyo?"),
                plain("chat-reasoning", REASONED, "[[reasoning]] why?"),
                plain(
                        "chat-length",
                        GatewayReply.text("scripted answer to: a long one").finishReason("length"),
                        "[[length]] a long one"),
                stream("chat-stream", ANSWER, "scripted", "What is a gateway?"),
                stream("chat-tools-stream", TOOLS, "scripted", "[[tools]] Paris and Tokyo?"),
                stream("chat-reasoning-stream", REASONED, "scripted", "[[reasoning]] why?"),
                stream("chat-empty-stream", GatewayReply.text(""), "scripted", "[[empty]]"),
                stream(
                        "chat-unicode-stream",
                        GatewayReply.text("Grüße 東京 👩‍👩‍👧 e\u0301 𝄞"),
                        "scripted",
                        "[[unicode]]"),
                same(
                        "chat-stream-no-usage-asked",
                        ANSWER,
                        "sk-test-alice",
                        RawClient.body("scripted", "What is a gateway?", Map.of("stream", "true"))),
                same(
                        "fallback",
                        GatewayReply.text("scripted answer to: hi").fallback("scripted"),
                        "sk-test-alice",
                        RawClient.body("scripted-fallback", "hi", Map.of())),
                stream(
                        "fallback-stream",
                        GatewayReply.text("scripted answer to: hi").fallback("scripted"),
                        "scripted-fallback",
                        "hi"),
                stream(
                        "fallback-midstream",
                        GatewayReply.text("scripted answer to: one two three four")
                                .fallbackAfter(2, "scripted")
                                .usage(58, 7),
                        "scripted-fallback-midstream",
                        "one two three four"),
                stream("stream-error-mid", ANSWER.errorAfter(2), "scripted", "[[error-mid]] one two three"),
                stream("stream-error-first", ANSWER.errorAfter(0), "scripted", "[[error-first]] hi"),
                stream(
                        "stream-eof-without-done",
                        ANSWER.stopAfter(2).usage(13, 4),
                        "scripted",
                        "[[eof]] one two three"));
    }

    @TestFactory
    Stream<DynamicTest> refusals_areAsRecorded() {
        return Stream.of(
                refused("limit-parallel", GatewayRefusal.parallelLimit(), "sk-test-parallel", "scripted"),
                refused("budget-used-up-3", GatewayRefusal.budget("0.00054", "0.0005"), "sk-test-budget", "scripted"),
                refused(
                        "db-budget-team-2",
                        GatewayRefusal.teamBudget("team-poor", "0.00013000000000000002", "1e-05"),
                        "sk-test-database-poor",
                        "scripted"),
                refused(
                        "db-budget-tag-2",
                        GatewayRefusal.tagBudget("poor-tag", "0.00013000000000000002", "1e-06"),
                        "sk-test-database-full",
                        "scripted"),
                refused(
                        "db-budget-user-2",
                        GatewayRefusal.userBudget("u-poor", "0.00013000000000000002", "1e-05"),
                        "sk-test-database-poor",
                        "scripted"),
                refused(
                        "db-budget-end-user-2",
                        GatewayRefusal.endUserBudget("cust-poor", "0.00013000000000000002", "1e-06"),
                        "sk-test-database-full",
                        "scripted"),
                refused(
                        "session-iterations-3",
                        GatewayRefusal.sessionIterations("sess-iter-0001", 3, 2),
                        "sk-test-session",
                        "scripted"),
                refused(
                        "cooldown-3",
                        GatewayRefusal.noDeployment(Duration.ofSeconds(7)),
                        "sk-test-alice",
                        "scripted-cooldown"),
                refused("db-auth-bad-key", GatewayRefusal.unknownKey(), "sk-nobody", "scripted"),
                refused("db-auth-missing", GatewayRefusal.noKey(), "", "scripted"),
                refused("db-auth-not-a-key", GatewayRefusal.notAKey(), "hello", "scripted"),
                refused("db-auth-blocked", GatewayRefusal.blockedKey(), "sk-test-database-blocked", "scripted"),
                refused("db-auth-expired", GatewayRefusal.expiredKey(), "sk-test-database-expired", "scripted"),
                refused(
                        "db-auth-team-blocked-later",
                        GatewayRefusal.blockedTeam("team-blocked"),
                        "sk-test-database-team-blocked",
                        "scripted"),
                refused(
                        "db-auth-model-denied-team",
                        GatewayRefusal.teamModelDenied("scripted", "local"),
                        "sk-test-database-team",
                        "mock"),
                refused("unknown-model", GatewayRefusal.unknownModel(), "sk-test-alice", "no-such-model"),
                refused("upstream-context", GatewayRefusal.contextWindow(), "sk-test-alice", "scripted"),
                refused("upstream-policy", GatewayRefusal.contentPolicy(), "sk-test-alice", "scripted"),
                refused("upstream-filter", GatewayRefusal.contentFilter(), "sk-test-alice", "scripted"),
                refused("upstream-401", GatewayRefusal.providerKey(), "sk-test-alice", "scripted"),
                refused("upstream-429", GatewayRefusal.providerRateLimit(), "sk-test-alice", "scripted"),
                refused("upstream-quota", GatewayRefusal.providerQuota(), "sk-test-alice", "scripted"),
                refused("upstream-500", GatewayRefusal.serverError(), "sk-test-alice", "scripted"),
                refused("upstream-502", GatewayRefusal.badGateway(), "sk-test-alice", "scripted"),
                refused("upstream-503", GatewayRefusal.unavailable(), "sk-test-alice", "scripted"),
                same(
                        "upstream-timeout",
                        GatewayRefusal.timeout(),
                        "sk-test-alice",
                        RawClient.body("scripted", "hi", Map.of("timeout", "1"))));
    }

    @Test
    void ownCallId_isAdopted() throws IOException {
        try (FakeGateway gateway = FakeGateway.start(ANSWER)) {
            byte[] answer = new RawClient(gateway)
                    .ask(
                            "POST",
                            "/v1/chat/completions",
                            "sk-a",
                            RawClient.body("scripted", "hi", Map.of()),
                            "X-LiteLLM-Call-Id: 11111111-2222-4333-8444-555555555555");

            assertThat(new String(answer, java.nio.charset.StandardCharsets.UTF_8))
                    .contains("\r\nx-litellm-call-id: 11111111-2222-4333-8444-555555555555\r\n");
        }
    }

    private static DynamicTest plain(String name, GatewayReply reply, String text) {
        return same(name, reply, "sk-test-alice", RawClient.body("scripted", text, Map.of()));
    }

    private static DynamicTest stream(String name, GatewayReply reply, String model, String text) {
        return same(name, reply, "sk-test-alice", RawClient.body(model, text, STREAM));
    }

    private static DynamicTest refused(String name, GatewayRefusal refusal, String key, String model) {
        return same(name, refusal, key, RawClient.body(model, "hi", Map.of()));
    }

    private static DynamicTest same(String name, FakeGateway.Answer answer, String key, String body) {
        return test(name, () -> {
            try (FakeGateway gateway = FakeGateway.start(answer)) {
                compare(name, new RawClient(gateway).chat(key, body));
            }
        });
    }

    private static DynamicTest test(String name, Executable body) {
        return DynamicTest.dynamicTest(name, body);
    }

    static void compare(String name, byte[] answer) {
        RecordedAnswer recorded = RecordedAnswer.recorded(name);
        RecordedAnswer ours = RecordedAnswer.of(answer);
        assertThat(ours.head()).as(name).isEqualTo(recorded.head());
        assertThat(ours.body()).as(name).isEqualTo(recorded.body());
    }
}

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.litellm.internal.http.CallWatch;
import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.wire.ChatBody;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What is sent. */
class RequestTest {
    private static final Json SCHEMA = Json.parse("{\"type\":\"object\"}");

    private static String body(ModelRequest request, boolean streamed) {
        return new String(
                ChatBody.of(request, "m", request.parameters(), streamed).bytes(), StandardCharsets.UTF_8);
    }

    private static String messages(Message... messages) {
        Json body = Json.parse(body(ModelRequest.of("", List.of(messages), List.of()), false));
        return body.find("messages").orElseThrow().text();
    }

    private static Message user(Part... parts) {
        return new Message.User(List.of(parts));
    }

    private static Message assistant(Part... parts) {
        return new Message.Assistant(List.of(parts));
    }

    @Test
    void wholeRequest_inAFixedOrder() {
        ModelRequest request = new ModelRequest(
                "Be brief.",
                List.of(user(new Part.Text("hi"))),
                List.of(Calls.WEATHER),
                ModelParameters.DEFAULT
                        .temperature(0.5)
                        .maxTokens(9)
                        .extra("seed", 7)
                        .extra("nothing", null),
                SCHEMA);

        assertThat(body(request, true))
                .isEqualTo("{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                        + "{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\",\"function\":"
                        + "{\"name\":\"get_weather\",\"description\":\"Weather of a city\",\"parameters\":"
                        + Calls.WEATHER.schema() + "}}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                        + "{\"name\":\"output\",\"schema\":{\"type\":\"object\"}}},\"temperature\":0.5,\"max_tokens\":9,"
                        + "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"seed\":7,\"nothing\":null}");
        assertThat(body(request, true)).isEqualTo(body(request, true));
        assertThat(body(request, false)).contains("\"stream\":false").doesNotContain("stream_options");
    }

    @Test
    void toolCallsAndResults() {
        assertThat(messages(
                        assistant(new Part.ToolUse("c1", "add", "{\"a\":1}")),
                        new Message.ToolResult("c1", "add", "three", true)))
                .isEqualTo(
                        "[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
                                + "\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
                                + "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"three\"}]");
    }

    @Test
    void callsWithoutIds_getSome_thatTheirResultsFind() {
        String json = messages(
                user(new Part.Text("go")),
                assistant(new Part.ToolUse("", "a", "{}"), new Part.ToolUse("", "b", "{}")),
                new Message.ToolResult("", "a", "1", false),
                new Message.ToolResult("", "b", "2", false),
                assistant(new Part.ToolUse("", "a", "{}")),
                new Message.ToolResult("", "a", "3", false));

        List<Json> sent = Json.parse(json).elements();
        List<String> ids = sent.stream()
                .flatMap(message -> message.find("tool_calls").stream())
                .flatMap(calls -> calls.elements().stream())
                .map(call -> call.findText("id").orElseThrow())
                .toList();
        List<String> answered = sent.stream()
                .flatMap(message -> message.findText("tool_call_id").stream())
                .toList();
        assertThat(ids).hasSize(3).doesNotHaveDuplicates().isEqualTo(answered);
    }

    @Test
    void argumentsThatAreNoObject_becomeOne() {
        assertThat(messages(assistant(new Part.ToolUse("c", "t", "{\"a\":")))).contains("not_an_object");
        assertThat(messages(assistant(new Part.ToolUse("c", "t", "[1]")))).contains("not_an_object");
        assertThat(messages(assistant(new Part.ToolUse("c", "t", " ")))).contains("\"arguments\":\"{}\"");
    }

    @Test
    void thinking_goesBackAsItCame() {
        Json blocks = Json.parse(
                "{\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},{\"type\":\"redacted_thinking\",\"data\":\"x\"}]}");

        assertThat(messages(assistant(new Part.Thinking("hm", blocks), new Part.Text("yes"))))
                .isEqualTo(
                        "[{\"role\":\"assistant\",\"content\":\"yes\",\"reasoning_content\":\"hm\",\"thinking_blocks\":"
                                + blocks.find("thinking_blocks").orElseThrow() + "}]");
    }

    @Test
    void media() {
        assertThat(messages(user(
                        new Part.Text("look"),
                        new Part.Media("image/png", null, "data:image/png;base64,AA=="),
                        new Part.Media("audio/mpeg", null, "data:audio/mpeg;base64,BB=="),
                        new Part.Media("application/pdf", "a.pdf", "https://x/a.pdf"))))
                .isEqualTo("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
                        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}},"
                        + "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"BB==\",\"format\":\"mp3\"}},"
                        + "{\"type\":\"file\",\"file\":{\"file_id\":\"https://x/a.pdf\",\"filename\":\"a.pdf\"}}]}]");
        assertThatThrownBy(() -> messages(user(new Part.Media("image/png", null, "blob:abc"))))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("blob:abc");
    }

    @Test
    void halfASurrogatePair_doesNotStopTheConversation() {
        assertThat(messages(user(new Part.Text("cut \ud83d")))).contains("cut ?");
    }

    @Test
    void extraThatTheClientWritesItself_isRefused() {
        ModelRequest request =
                new ModelRequest("", List.of(), List.of(), ModelParameters.DEFAULT.extra("stream", true), null);

        assertThatThrownBy(() -> body(request, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("stream");
    }

    @Test
    void headers_nameKeySessionCallAndTags() throws IOException {
        CallScope scope = Calls.streaming(new Heard());
        Map<String, String> headers = headersOf(
                LiteLlm.at("http://x").key("sk-1").tags("team a", "b,c").totalTimeout(Duration.ofMillis(1500)), scope);

        assertThat(headers)
                .containsEntry("authorization", "Bearer sk-1")
                .containsEntry("x-litellm-call-id", scope.callId())
                .containsEntry("x-litellm-tags", "team_a,b_c,agent:support,tenant:acme")
                .containsEntry("x-litellm-timeout", "1.5")
                .doesNotContainKey("x-litellm-stream-timeout");
        assertThat(headers.get("x-litellm-session-id"))
                .matches("acme-ticket_4711-[0-9a-f]{16}")
                .isEqualTo(headers.get("x-litellm-trace-id"));
    }

    @Test
    void otherServers_areToldNothingOfSessions() throws IOException {
        assertThat(headersOf(LiteLlm.openAiCompatible("http://x").key("sk-1").tags("t"), Calls.plain()))
                .containsEntry("authorization", "Bearer sk-1")
                .allSatisfy((name, value) -> assertThat(name).doesNotStartWith("x-litellm"));
    }

    @Test
    void sessionKeys_areStable_andDiffer() {
        assertThat(CallHeaders.sessionKey(SessionId.of("a", "b-c")))
                .isEqualTo(CallHeaders.sessionKey(SessionId.of("a", "b-c")))
                .isNotEqualTo(CallHeaders.sessionKey(SessionId.of("a-b", "c")));
        assertThat(CallHeaders.sessionKey(SessionId.of("東", "京".repeat(200)))).matches("[A-Za-z0-9_-]{8,64}");
    }

    @Test
    void baseUrlThatIsNone_isToldWhatToWrite() {
        refused("gateway:4000", "write http://gateway:4000");
        refused("gateway", "write http://gateway");
        refused("http://user:very-secret@gateway:99999", "port: \"99999\"");
        refused("ftp://gateway", "no http or https URL");
        refused("sk-very-secret-0123456789", "no http or https URL, in 25 characters");
        refused("admin:very-secret@gateway:4000", "no http or https URL");
    }

    private static void refused(String baseUrl, String remedy) {
        assertThatThrownBy(() -> LiteLlm.at(baseUrl))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(remedy)
                .hasMessageNotContaining("very-secret");
    }

    @Test
    void null_asksForTheEnvironmentVariable() {
        List<ThrowingCallable> nulls = List.of(
                () -> LiteLlm.at(null),
                () -> LiteLlm.openAiCompatible(null),
                () -> LiteLlm.at("http://g").key(null),
                () -> LiteLlm.at("http://g").model(null));
        assertThat(nulls)
                .allSatisfy(call -> assertThatThrownBy(call)
                        .isInstanceOf(NullPointerException.class)
                        .hasMessageContaining(" is null: is the environment variable set?"));
    }

    @Test
    void baseUrls() {
        assertThat(completions("http://g:4000")).isEqualTo("http://g:4000/v1/chat/completions");
        assertThat(completions("http://g:4000/")).isEqualTo("http://g:4000/v1/chat/completions");
        assertThat(completions("http://g:4000/v1")).isEqualTo("http://g:4000/v1/chat/completions");
        assertThat(completions("https://g/openai/v1/")).isEqualTo("https://g/openai/v1/chat/completions");
        for (String wrong : List.of("g:4000", "ftp://g", "", "http://user:pw@g", "http://g?x=1", "http://g#x")) {
            assertThatThrownBy(() -> LiteLlm.at(wrong))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageNotContaining("pw");
        }
    }

    private static String completions(String base) {
        return Endpoint.of(base).completions().toString();
    }

    private static Map<String, String> headersOf(LiteLlm client, CallScope scope) {
        CallWatch watch =
                new CallWatch(client.settings(), scope.timeout(), scope.deltas().wanted());
        Map<String, String> found = new TreeMap<>();
        CallHeaders.of(client.settings(), CallContext.of(scope), watch)
                .toMultimap()
                .forEach((name, values) -> found.put(name, String.join(",", values)));
        return found;
    }
}

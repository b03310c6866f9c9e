package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolResult;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tools of MCP servers, as recorded from a real gateway. */
@Timeout(60)
class McpToolsTest {
    private static final SessionId SESSION = SessionId.of("acme", "ticket 4711");
    private static final Json NOTHING = Json.EMPTY;

    private static McpTools at(FakeGateway gateway) {
        return McpTools.of(LiteLlm.at(gateway.url()).key("sk-some-key"));
    }

    /** Plays the one for the list of tools, the other for what MCP itself lists. */
    private static FakeGateway listing(String list, String protocol) {
        return FakeGateway.raw(
                exchange -> Recording.of(exchange.request().path().equals("/mcp/") ? protocol : list)
                        .play(exchange));
    }

    private static FakeGateway listing(Json list, String protocol) {
        return FakeGateway.raw(exchange -> {
            if (exchange.request().path().equals("/mcp/")) {
                exchange.whole(200, "text/event-stream", protocol);
            } else {
                exchange.json(list.text());
            }
        });
    }

    private static FakeGateway playing(String name) {
        return FakeGateway.raw(Recording.of(name)::play);
    }

    private static McpTool tool(String name, String hints) {
        return new McpTool("shop", "id-1", name, "Does it", Json.parse("{\"type\":\"object\"}"), Json.parse(hints));
    }

    // ---- the list

    @Test
    @Recorded({"mcp-tools-list", "mcp-protocol-list"})
    void tools_haveServerSchemaAndHints_andTheirEffectFollowsFromTheHints() throws IOException {
        try (FakeGateway gateway = listing("mcp-tools-list", "mcp-protocol-list")) {
            List<McpTool> tools = at(gateway).list();

            assertThat(tools).hasSize(8);
            McpTool add = tools.get(0);
            assertThat(add.server()).isEqualTo("shop");
            assertThat(add.serverId()).matches("[0-9a-f-]{36}");
            assertThat(add.name()).isEqualTo("add");
            assertThat(add.description()).isEqualTo("Adds two numbers");
            assertThat(add.schema().find("required").orElseThrow().text()).isEqualTo("[\"a\",\"b\"]");
            assertThat(add.annotations().findText("title")).contains("Sum");
            assertThat(tools.stream().limit(4).map(McpTool::toolName))
                    .containsExactly("shop-add", "shop-set_price", "shop-send_mail", "shop-fail");
            assertThat(tools.stream().limit(4).map(McpTool::effect))
                    .containsExactly(Effect.PURE, Effect.IDEMPOTENT, Effect.ONCE, Effect.ONCE);
            assertThat(tools.stream().limit(3).map(McpTool::destructive)).containsExactly(false, true, true);
            assertThat(gateway.received().get(0).line()).isEqualTo("GET /mcp-rest/tools/list HTTP/1.1");
            assertThat(gateway.received().get(0).key()).isEqualTo("sk-some-key");
            FakeGateway.Received hints = gateway.received().get(1);
            assertThat(hints.line()).isEqualTo("POST /mcp/ HTTP/1.1");
            assertThat(hints.key()).isEqualTo("sk-some-key");
            // MCP insists on both.
            assertThat(hints.headers()).containsEntry("accept", "application/json, text/event-stream");
        }
    }

    @Test
    void toolsOfAnAgent_haveTheEffectOfTheirHints_unlessSomebodyChoosesAnother() throws IOException {
        try (FakeGateway gateway = listing("mcp-tools-list", "mcp-protocol-list")) {
            McpTools mcp = at(gateway);

            assertThat(mcp.tools().tools().stream().collect(Collectors.toMap(Tool::name, Tool::effect)))
                    .hasSize(8)
                    .containsEntry("shop-add", Effect.PURE)
                    .containsEntry("shop-set_price", Effect.IDEMPOTENT)
                    .containsEntry("shop-send_mail", Effect.ONCE);
            assertThat(mcp.tools()
                            .find("shop-add")
                            .orElseThrow()
                            .spec()
                            .schema()
                            .find("required"))
                    .isPresent();
            assertThat(mcp.effects(tool -> Effect.ONCE).tools().tools()).allMatch(tool -> tool.effect() == Effect.ONCE);
            assertThatThrownBy(() -> mcp.effects(tool -> Effect.TRANSACTIONAL).tools())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("shop-add");
        }
    }

    @Test
    @Recorded({"mcp-tools-list-partly-away", "mcp-protocol-list-partly-away"})
    void serverThatDoesNotAnswer_leavesTheToolsOfTheOthers() throws IOException {
        try (FakeGateway gateway = listing("mcp-tools-list-partly-away", "mcp-protocol-list-partly-away")) {
            assertThat(at(gateway).list().stream().map(McpTool::toolName))
                    .containsExactly("mail-add", "mail-send_mail");
        }
    }

    @Test
    @Recorded({"mcp-tools-list-search", "mcp-protocol-list-search", "mcp-call-search"})
    void keyWithToolSearch_hasTheGatewaysOwnTwoTools_calledWithoutAServer() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            String path = exchange.request().path();
            Recording.of(
                            path.equals("/mcp/")
                                    ? "mcp-protocol-list-search"
                                    : path.endsWith("call") ? "mcp-call-search" : "mcp-tools-list-search")
                    .play(exchange);
        })) {
            List<McpTool> tools = at(gateway).list();

            assertThat(tools.stream().map(McpTool::toolName)).containsExactly("mcp_tool_search", "mcp_tool_call");
            ToolResult found = at(gateway).call(tools.get(0), Json.parse("{\"query\":\"mail\"}"));
            assertThat(found.error()).isFalse();
            assertThat(found.text()).contains("mail-send.mail");
            assertThat(gateway.received().get(2).body())
                    .isEqualTo("{\"name\":\"mcp_tool_search\",\"arguments\":{\"query\":\"mail\"}}");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "mcp-tools-list-none, ACCESS, not allowed to access any MCP servers",
        "mcp-tools-list-away, UNAVAILABLE, away: unreachable"
    })
    void listThatTheGatewayRefusesOrCannotMake_isAnError_notAnEmptyList(String name, Kind kind, String text)
            throws IOException {
        try (FakeGateway gateway = playing(name)) {
            ModelException e =
                    catchThrowableOfType(ModelException.class, () -> at(gateway).list());

            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e).hasMessageContaining(text);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "mcp-tools-list-one-denied, ACCESS, not allowed to access server nope",
        "mcp-tools-list-one-away, UNAVAILABLE, Failed to list tools from server away"
    })
    void serverThatWasNamed_andIsNotThereForTheKey_isAnError(String name, Kind kind, String text) throws IOException {
        try (FakeGateway gateway = playing(name)) {
            ModelException e = catchThrowableOfType(
                    ModelException.class, () -> at(gateway).servers("nope").list());

            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e).hasMessageContaining(text);
            assertThat(gateway.received().get(0).line()).isEqualTo("GET /mcp-rest/tools/list?server_id=nope HTTP/1.1");
        }
    }

    @Test
    void serversThatAreNamed_areAskedOneByOne_andAlsoForTheirHints() throws IOException {
        try (FakeGateway gateway = listing("mcp-tools-list", "mcp-protocol-list")) {
            at(gateway).servers("shop", "other").list();

            assertThat(gateway.received().stream().map(FakeGateway.Received::line))
                    .containsExactly(
                            "GET /mcp-rest/tools/list?server_id=shop HTTP/1.1",
                            "GET /mcp-rest/tools/list?server_id=other HTTP/1.1",
                            "POST /mcp/ HTTP/1.1");
            assertThat(gateway.received().get(2).headers()).containsEntry("x-mcp-servers", "shop,other");
        }
    }

    @Test
    void hintsOfTwoToolsWithOneName_countForNeither() throws IOException {
        Json list = Json.parse("{\"tools\":[{\"name\":\"c\",\"mcp_info\":{\"server_id\":\"1\",\"alias\":\"a-b\"}},"
                + "{\"name\":\"b-c\",\"mcp_info\":{\"server_id\":\"2\",\"server_name\":\"a\"}},"
                + "{\"name\":\"d\",\"mcp_info\":{\"server_id\":\"2\",\"alias\":\"\",\"server_name\":\"a b\"}}]}");
        String hint = "\"annotations\":{\"readOnlyHint\":true}";
        String protocol =
                "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n: ping\n\n"
                        + "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"a-b-c\","
                        + hint
                        + "},\ndata: {\"name\":\"a-b-c\"},{\"name\":\"a_b-d\"," + hint + "}]}}\n\n";
        try (FakeGateway gateway = listing(list, protocol)) {
            assertThat(at(gateway).list().stream().map(McpTool::effect))
                    .containsExactly(Effect.ONCE, Effect.ONCE, Effect.PURE);
            assertThatThrownBy(() -> at(gateway).tools()).hasMessageContaining("two tools are named \"a-b-c\"");
        }
    }

    @ParameterizedTest
    @CsvSource({"403", "404", "405"})
    void gatewayThatDoesNotSpeakMcpWithThisKey_hasToolsWithoutHints_allOfThemOnce(int status) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            if (exchange.request().path().equals("/mcp/")) {
                exchange.whole(status, "application/json", "{\"detail\":\"not here\"}");
            } else {
                Recording.of("mcp-tools-list").play(exchange);
            }
        })) {
            assertThat(at(gateway).list()).hasSize(8).allMatch(tool -> tool.effect() == Effect.ONCE);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "500 | {\"detail\":\"broken\"} | UNAVAILABLE",
                "200 | event: message | PROTOCOL",
                "200 | data: {\"jsonrpc\":\"2.0\",\"result\":{} | PROTOCOL"
            })
    void hintsThatCannotBeLearned_areAnError_asTheEffectWouldChangeByChance(int status, String body, Kind kind)
            throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            if (exchange.request().path().equals("/mcp/")) {
                exchange.whole(status, status == 200 ? "text/event-stream" : "application/json", body);
            } else {
                Recording.of("mcp-tools-list").play(exchange);
            }
        })) {
            assertThat(catchThrowableOfType(
                                    ModelException.class, () -> at(gateway).list())
                            .kind())
                    .isEqualTo(kind);
        }
    }

    @Test
    void hintsInTheListItself_areTaken_andAnAnswerWithoutTools_isNoList() throws IOException {
        Json list = Json.parse("{\"tools\":[{\"name\":\"c\",\"annotations\":{\"readOnlyHint\":true}}]}");
        try (FakeGateway gateway = listing(list, "data: {\"result\":{}}\n\n")) {
            McpTool tool = at(gateway).list().get(0);
            assertThat(tool.effect()).isEqualTo(Effect.PURE);
            assertThat(tool.schema()).isEqualTo(Json.parse("{\"type\":\"object\"}"));
        }
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.json("[]"))) {
            assertThat(catchThrowableOfType(
                                    ModelException.class, () -> at(gateway).list())
                            .kind())
                    .isEqualTo(Kind.PROTOCOL);
        }
    }

    @Test
    void toolName_isOneThatModelsTake_andAnotherForAnotherTool() {
        String longest = "x".repeat(80);
        String first = tool(longest + "1", "{}").toolName();

        assertThat(first).hasSize(64).startsWith("shop-xxx").matches("[A-Za-z0-9_-]+");
        assertThat(tool(longest + "2", "{}").toolName()).isNotEqualTo(first);
        assertThat(tool("größe.lesen", "{}").toolName()).isEqualTo("shop-gr__e_lesen");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | ONCE | true",
                "{\"readOnlyHint\":true,\"destructiveHint\":true} | PURE | false",
                "{\"readOnlyHint\":false,\"idempotentHint\":true,\"destructiveHint\":false} | IDEMPOTENT | false",
                "{\"readOnlyHint\":\"true\",\"idempotentHint\":1} | ONCE | true"
            })
    void effect_followsFromHintsThatAreTrue(String hints, Effect effect, boolean destructive) {
        assertThat(tool("t", hints).effect()).isEqualTo(effect);
        assertThat(tool("t", hints).destructive()).isEqualTo(destructive);
    }

    @Test
    void wrongUse_isRefused_withTheValue() {
        LiteLlm gateway = LiteLlm.at("http://gateway:4000").key("sk-a-secret-key");
        assertThatThrownBy(() -> McpTools.of(LiteLlm.openAiCompatible("http://other/v1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("http://other/v1");
        assertThatThrownBy(() -> McpTools.of(gateway).servers("a", "b,c")).hasMessageContaining("\"b,c\"");
        assertThatThrownBy(() -> McpTools.of(gateway).servers()).isInstanceOf(IllegalArgumentException.class);
        assertThat(McpTools.of(gateway).servers("a").toString())
                .contains("http://gateway:4000", "[a]")
                .doesNotContain("secret");
    }

    // ---- calls

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "mcp-call | false | 5",
                "mcp-call-error | true | no such order",
                "mcp-call-media | false | look~(image, image/png, 2 bytes: not shown)~x: file:///x~inside",
                "mcp-call-server-died | true | RemoteProtocolError: Server disconnected without sending a response."
            })
    void whatTheServerSays_isTheResult(String name, boolean error, String text) throws IOException {
        try (FakeGateway gateway = playing(name)) {
            ToolResult result = at(gateway).call(tool("add", "{}"), Json.parse("{\"a\":2,\"b\":3}"));

            assertThat(result).isEqualTo(new ToolResult(text.replace('~', '\n'), error));
            FakeGateway.Received sent = gateway.received().get(0);
            assertThat(sent.line()).isEqualTo("POST /mcp-rest/tools/call HTTP/1.1");
            assertThat(sent.body())
                    .isEqualTo("{\"server_id\":\"id-1\",\"name\":\"add\",\"arguments\":{\"a\":2,\"b\":3}}");
            assertThat(sent.headers()).containsKey("x-litellm-call-id").doesNotContainKey("idempotency-key");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"content\":[],\"structuredContent\":{\"sum\":5}} | {\"sum\":5}",
                "{\"content\":[{\"type\":\"audio\",\"data\":\"aGk\",\"mimeType\":\"audio/wav\"}],\"structuredContent\":{\"s\":5}} | "
                        + "(audio, audio/wav, 2 bytes: not shown)~{\"s\":5}",
                "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"a:b\",\"blob\":\"aGkh\"}}]} | (a:b, of no known type, 3 bytes: not shown)",
                "{\"content\":[{\"type\":\"new\",\"x\":1}]} | {\"type\":\"new\",\"x\":1}",
                "{\"content\":[],\"isError\":false} | done",
                "{\"content\":[],\"isError\":true} | failed, without a word why"
            })
    void otherContent_isTextToo(String answer, String text) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.json(answer))) {
            ToolResult result = at(gateway).call(tool("t", "{}"), NOTHING);
            assertThat(result.text()).isEqualTo(text.replace('~', '\n'));
            assertThat(result.error()).isEqualTo(answer.contains("\"isError\":true"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "mcp-call-denied, ACCESS, not allowed to access server, false",
        "mcp-call-unknown-server, BAD_REQUEST, MCP server 'nope' was not found, false",
        "mcp-call-server-slow, TIMEOUT, MCP tool call timed out after 1.0s, true",
        "mcp-call-unknown-tool, UNAVAILABLE, Tool nosuch not found, true"
    })
    void callThatTheGatewayRefuses_isAnException_andForTheModelOfAnAgentAnError(
            String name, Kind kind, String text, boolean unknown) throws IOException {
        try (FakeGateway gateway = playing(name)) {
            ModelException e =
                    catchThrowableOfType(ModelException.class, () -> at(gateway).call(tool("t", "{}"), NOTHING));
            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e).hasMessageContaining(text);

            Event.ToolFinished finished = finished(at(gateway).tool(tool("t", "{}")));
            assertThat(finished.outcome()).isEqualTo(Event.CallOutcome.ERROR);
            assertThat(finished.output()).contains(text).doesNotContain("sk-some-key");
            assertThat(finished.output().contains("not known whether the call took effect"))
                    .isEqualTo(unknown);
        }
    }

    @Test
    void callWhoseConnectionBreaks_isSentOnce_andTheModelIsToldThatTheOutcomeIsNotKnown() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(FakeGateway.Exchange::cut)) {
            assertThat(finished(at(gateway).tool(tool("t", "{}"))).output())
                    .contains("not known whether the call took effect");
            assertThat(gateway.received()).hasSize(1);
            assertThat(finished(at(gateway).tool(tool("t", "{\"idempotentHint\":true}")))
                            .output())
                    .contains("closed the connection")
                    .doesNotContain("not known whether the call took effect");
        }
        FakeGateway gone = FakeGateway.raw(FakeGateway.Exchange::cut);
        gone.close();
        assertThat(finished(at(gone).tool(tool("t", "{}"))).output())
                .contains("cannot be reached")
                .doesNotContain("not known whether");
    }

    @Test
    @Recorded("mcp-call-server-died")
    void onceCallWhoseServerBroke_asTheGatewaysWordsSay_isNotTakenForOneThatDidNotHappen() throws IOException {
        try (FakeGateway gateway = playing("mcp-call-server-died")) {
            assertThat(finished(at(gateway).tool(tool("t", "{}"))).output())
                    .startsWith("RemoteProtocolError: ")
                    .contains("not known whether the call took effect");
            assertThat(finished(at(gateway).tool(tool("t", "{\"readOnlyHint\":true}")))
                            .output())
                    .doesNotContain("not known");
        }
        try (FakeGateway gateway = playing("mcp-call-error")) {
            assertThat(finished(at(gateway).tool(tool("t", "{}"))).output()).isEqualTo("no such order");
        }
    }

    @Test
    void gatewayThatAnswersMcpWithAnError_hasToolsWithoutHints() throws IOException {
        String error = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}";
        try (FakeGateway gateway =
                listing(Json.parse("{\"tools\":[{\"name\":\"c\"}]}"), "event: message\ndata: " + error + "\n\n")) {
            assertThat(at(gateway).list().get(0).effect()).isEqualTo(Effect.ONCE);
        }
    }

    @Test
    void callOfAnAgent_carriesItsIdempotencyKey_andItsSession() throws IOException {
        InMemorySessionStore store = InMemorySessionStore.create();
        try (FakeGateway gateway = playing("mcp-call")) {
            Event.ToolFinished finished = finished(store, SESSION, at(gateway).tool(tool("t", "{}")));

            assertThat(finished.outcome()).isEqualTo(Event.CallOutcome.OK);
            assertThat(finished.output()).isEqualTo("5");
            Map<String, String> headers = gateway.received().get(0).headers();
            assertThat(headers)
                    .containsEntry("idempotency-key", "acme/ticket%204711/" + finished.call())
                    .containsEntry("x-litellm-session-id", CallHeaders.sessionKey(SESSION))
                    .containsEntry("x-litellm-trace-id", CallHeaders.sessionKey(SESSION))
                    .containsEntry("authorization", "Bearer sk-some-key");
        }
    }

    @Test
    void callThatIsInterrupted_endsPromptly_andAOnceCallIsInDoubt() throws Exception {
        CountDownLatch there = new CountDownLatch(1);
        InMemorySessionStore store = InMemorySessionStore.create();
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
                    there.countDown();
                    exchange.stall();
                });
                AgentRuntime runtime =
                        AgentRuntime.open(store, agent(at(gateway).tool(tool("t", "{}"))))) {
            Turn turn = runtime.open(SESSION, "a").send("hi");
            there.await();
            turn.interrupt("enough");

            assertThat(turn.await().findWaiting().orElseThrow().questions()).hasSize(1);
            assertThat(events(store, SESSION, Event.ToolInDoubt.class)).hasSize(1);
        }
    }

    @Test
    void callThatTakesTooLong_isEndedByTheToolsOwnTime_whichPutsAOnceCallInDoubt() throws IOException {
        InMemorySessionStore store = InMemorySessionStore.create();
        try (FakeGateway gateway = FakeGateway.raw(FakeGateway.Exchange::stall)) {
            Tool tool = McpTools.of(LiteLlm.at(gateway.url()).totalTimeout(Duration.ofMillis(1)))
                    .tool(tool("t", "{}"));
            assertThat(tool.timeout()).isEqualTo(Duration.ofMillis(1));

            try (AgentRuntime runtime = AgentRuntime.open(store, agent(tool.timeout(Duration.ofSeconds(1))))) {
                Outcome outcome = runtime.open(SESSION, "a").send("hi").await();
                assertThat(outcome.findWaiting().orElseThrow().questions()).hasSize(1);
            }
            assertThat(gateway.received()).hasSize(1);
        }
    }

    private static Agent agent(Tool tool) {
        return Agent.builder("a")
                .instructions("Do it.")
                .model(ScriptedModel.steps(List.of(Step.call(tool.name(), Map.of()), Step.text("done"))))
                .tool(tool)
                .build();
    }

    private static Event.ToolFinished finished(Tool tool) {
        return finished(InMemorySessionStore.create(), SESSION, tool);
    }

    private static Event.ToolFinished finished(InMemorySessionStore store, SessionId id, Tool tool) {
        try (AgentRuntime runtime = AgentRuntime.open(store, agent(tool))) {
            assertThat(runtime.open(id, "a").send("hi").await()).isInstanceOf(Outcome.Done.class);
        }
        return events(store, id, Event.ToolFinished.class).get(0);
    }

    private static <E extends Event> List<E> events(InMemorySessionStore store, SessionId id, Class<E> type) {
        return store.read(id, 0, 1000).stream()
                .map(dev.perdure.session.Recorded::event)
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
    }
}

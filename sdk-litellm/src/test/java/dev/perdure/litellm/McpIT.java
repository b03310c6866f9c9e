package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Outcome;
import dev.perdure.litellm.internal.http.CallWatch;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.ToolResult;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import okhttp3.HttpUrl;
import okhttp3.Request;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Tools of a small MCP server of this test's, through a real LiteLLM gateway with a database: {@code LITELLM_DB_BASE_URL}, and {@code LITELLM_API_KEY} for its master key. Without the URL
 * these tests say that they were not asked for, or fail when {@code PERDURE_REQUIRE_GATEWAY=true}. The gateway must reach this machine's loopback.
 */
@Timeout(240)
class McpIT {
    private static final String RUN = UUID.randomUUID().toString().substring(0, 8);
    private static final String SERVER = "shop_" + RUN;
    private static final FakeGateway SHOP = FakeGateway.raw(McpIT::serve);
    private static final List<String> REGISTERED = new ArrayList<>();
    private static Governance governance = Governance.at("http://unset");
    private static LiteLlm gateway = LiteLlm.at("http://unset");
    private static String master = "";
    private static String server = "";

    @BeforeAll
    static void registerServer() {
        String url = System.getenv("LITELLM_DB_BASE_URL");
        if (url == null || url.isBlank()) {
            String missing = "no gateway with a database: LITELLM_DB_BASE_URL is not set";
            if ("true".equals(System.getenv("PERDURE_REQUIRE_GATEWAY"))) {
                fail(missing + ", but PERDURE_REQUIRE_GATEWAY=true");
            }
            abort(missing);
        }
        String key = System.getenv("LITELLM_API_KEY");
        master = key == null ? "sk-test-only" : key;
        governance = Governance.at(url).key(master);
        gateway = LiteLlm.at(url);
        server = register(SERVER, SHOP.url() + "/mcp", "Idempotency-Key");
    }

    @AfterAll
    static void end() throws IOException {
        for (String id : REGISTERED) {
            HttpUrl url = new GatewayHttp(gateway.settings(), new Transport()).url("v1/mcp/server/" + id, Map.of());
            Request request = new Request.Builder()
                    .url(url)
                    .header("Authorization", "Bearer " + master)
                    .delete()
                    .tag(CallWatch.class, new CallWatch(gateway.settings(), Duration.ofMinutes(1), false))
                    .build();
            new Transport().newCall(request).execute().close();
        }
        SHOP.close();
    }

    @Test
    void tools_areThoseThatTheKeyMayUse_withHints_andCalled() {
        McpTools mcp = McpTools.of(gateway.key(keyFor(server)));

        List<McpTool> tools = mcp.list();
        assertThat(tools.stream().map(McpTool::toolName))
                .containsExactly(SERVER + "-add", SERVER + "-set_price", SERVER + "-send_mail", SERVER + "-fail");
        assertThat(tools.stream().map(McpTool::effect))
                .containsExactly(Effect.PURE, Effect.IDEMPOTENT, Effect.ONCE, Effect.ONCE);
        assertThat(tools.stream().map(McpTool::serverId)).containsOnly(server);
        assertThat(mcp.servers(SERVER).list()).isEqualTo(tools);
        assertThat(mcp.servers(server).list()).isEqualTo(tools);

        assertThat(mcp.call(tools.get(0), Json.parse("{\"a\":2,\"b\":3}"))).isEqualTo(new ToolResult("5", false));
        assertThat(mcp.call(tools.get(3), Json.EMPTY)).isEqualTo(ToolResult.error("no such order"));
    }

    @Test
    void keyWithoutAServer_getsNoToolsAndNoCall() {
        McpTools allowed = McpTools.of(gateway.key(keyFor(server)));
        McpTools other = McpTools.of(
                gateway.key(governance.keys().mint(KeyRequest.create()).value()));

        assertThat(catchThrowableOfType(ModelException.class, other::list).kind())
                .isEqualTo(Kind.ACCESS);
        assertThat(catchThrowableOfType(
                                ModelException.class,
                                () -> other.servers(SERVER).list())
                        .kind())
                .isEqualTo(Kind.ACCESS);
        McpTool tool = allowed.list().get(0);
        assertThat(catchThrowableOfType(ModelException.class, () -> other.call(tool, Json.EMPTY))
                        .kind())
                .isEqualTo(Kind.ACCESS);
    }

    @Test
    void serverThatIsAway_isMissing_orAnErrorWhenItWasNamed_andACallOfIt() {
        FakeGateway gone = FakeGateway.raw(FakeGateway.Exchange::cut);
        gone.close();
        String away = "away_" + RUN;
        String id = register(away, gone.url() + "/mcp", "x-none");
        McpTools mcp = McpTools.of(gateway.key(keyFor(server, id)));

        assertThat(mcp.list()).hasSize(4).allMatch(tool -> tool.server().equals(SERVER));
        assertThat(catchThrowableOfType(
                                ModelException.class, () -> mcp.servers(away).list())
                        .kind())
                .isEqualTo(Kind.UNAVAILABLE);
        McpTool tool = new McpTool(away, id, "any", "", Json.parse("{\"type\":\"object\"}"), Json.EMPTY);
        assertThat(catchThrowableOfType(ModelException.class, () -> mcp.call(tool, Json.EMPTY))
                        .kind())
                .isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void agent_callsTheTools_itsIdempotencyKeyReachesTheServer_andItsSessionTheLedger() {
        McpTools mcp = McpTools.of(gateway.key(keyFor(server))).servers(SERVER);
        InMemorySessionStore store = InMemorySessionStore.create();
        Agent agent = Agent.builder("support")
                .instructions("Do it.")
                .model(ScriptedModel.steps(List.of(
                        Step.call(SERVER + "-send_mail", Map.of("to", "ann")),
                        Step.call(SERVER + "-fail", Map.of()),
                        Step.text("done"))))
                .tools(mcp.tools())
                .build();
        SessionId id = SessionId.of("acme", "mcp " + RUN);
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            assertThat(runtime.open(id, "support").send("hi").await()).isInstanceOf(Outcome.Done.class);
        }

        List<Event.ToolFinished> finished = store.read(id, 0, 1000).stream()
                .map(Recorded::event)
                .filter(Event.ToolFinished.class::isInstance)
                .map(Event.ToolFinished.class::cast)
                .toList();
        assertThat(finished)
                .extracting(Event.ToolFinished::outcome)
                .containsExactly(Event.CallOutcome.OK, Event.CallOutcome.ERROR);
        assertThat(finished).extracting(Event.ToolFinished::output).containsExactly("did send.mail", "no such order");
        assertThat(SHOP.received().stream()
                        .filter(request -> request.body().contains("send.mail"))
                        .map(request -> request.headers().get("idempotency-key")))
                .containsExactly("acme/mcp%20" + RUN + "/" + finished.get(0).call());
        List<Spend.Row> rows =
                GovernanceIT.until(() -> governance.spend().ofSession(id).toList(), found -> found.size() == 2);
        assertThat(rows).allMatch(row -> row.usd().signum() == 0);
    }

    private static String register(String name, String url, String header) {
        Json made = admin(
                "v1/mcp/server",
                Json.of(Map.of(
                        "server_name", name,
                        "alias", name,
                        "transport", "http",
                        "url", url,
                        "extra_headers", List.of(header))));
        String id = made.findText("server_id").orElseThrow();
        REGISTERED.add(id);
        return id;
    }

    private static String keyFor(String... servers) {
        return admin("key/generate", Json.of(Map.of("object_permission", Map.of("mcp_servers", List.of(servers)))))
                .findText("key")
                .orElseThrow();
    }

    private static Json admin(String route, Json body) {
        return new GatewayHttp(gateway.key(master).settings(), new Transport()).post(route, body);
    }

    /** MCP's streamable HTTP, as far as a server with a few tools needs it. */
    private static void serve(FakeGateway.Exchange exchange) throws Exception {
        if (!exchange.request().method().equals("POST")) {
            exchange.whole(405, "application/json", "{}");
            return;
        }
        Json request = exchange.request().json();
        if (request.find("id").isEmpty()) {
            exchange.whole(202, "application/json", "");
            return;
        }
        Json params = request.find("params").orElse(Json.EMPTY);
        Json result = switch (request.findText("method").orElse("")) {
            case "initialize" ->
                Json.of(Map.of(
                        "protocolVersion", params.findText("protocolVersion").orElseThrow(),
                        "capabilities", Map.of("tools", Map.of()),
                        "serverInfo", Map.of("name", "shop", "version", "1")));
            case "tools/list" -> TOOLS;
            case "tools/call" -> call(params);
            default -> Json.EMPTY;
        };
        exchange.json(Json.of(Map.of("jsonrpc", "2.0", "id", request.find("id").orElseThrow(), "result", result))
                .text());
    }

    private static Json call(Json params) {
        String name = params.findText("name").orElseThrow();
        Json arguments = params.find("arguments").orElse(Json.EMPTY);
        String text = switch (name) {
            case "add" -> String.valueOf(number(arguments, "a") + number(arguments, "b"));
            case "fail" -> "no such order";
            default -> "did " + name;
        };
        return Json.of(
                Map.of("content", List.of(Map.of("type", "text", "text", text)), "isError", name.equals("fail")));
    }

    private static int number(Json arguments, String name) {
        return arguments.find(name).orElseThrow().as(Integer.class);
    }

    private static final Json TOOLS = Json.parse("""
            {"tools": [
              {"name": "add", "description": "Adds", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}},
              {"name": "set_price", "description": "Sets", "annotations": {"idempotentHint": true}, "inputSchema": {"type": "object"}},
              {"name": "send.mail", "description": "Sends", "inputSchema": {"type": "object"}},
              {"name": "fail", "description": "Fails", "inputSchema": {"type": "object"}}]}
            """);
}

package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.mcp.ToolCalls;
import dev.perdure.litellm.internal.mcp.ToolList;
import dev.perdure.model.ModelException;
import dev.perdure.session.Effect;
import dev.perdure.session.Json;
import dev.perdure.tool.InDoubt;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolResult;
import dev.perdure.tool.Toolbox;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * The tools of MCP servers, through a LiteLLM gateway: it holds the servers' credentials, decides which key may use which tool, and writes each call into its ledger.
 *
 * <pre>{@code
 * McpTools shop = McpTools.of(gateway).servers("shop");
 * Agent.builder("support").model(gateway).tools(shop.tools()).build();
 * }</pre>
 *
 * <p>Key, connections and tags are those of the {@link LiteLlm}; its fallback and its protection have no part in this. Needs no MCP library: two routes of LiteLLM's own, and for the hints of
 * the servers one request of MCP's. Immutable and thread-safe. Nothing is ever sent twice.
 *
 * <p><b>What a repeat of a call may do</b> is what its server hints: {@link McpTool#effect}. Hints are claims. They count here because somebody has chosen the servers of the gateway; where that
 * is not enough, {@link #effects} decides.
 *
 * <p><b>Each call of an agent</b> carries its {@code idempotencyKey()} in the header {@code Idempotency-Key}; what is no visible ASCII in it, and {@code %}, is percent-encoded. The gateway hands it on to servers that it
 * has registered with {@code "extra_headers": ["Idempotency-Key"]}. The session is told as with model calls, so that the gateway's ledger has its tool calls beside them.
 */
public final class McpTools {
    private final LiteLlm gateway;
    private final List<String> servers;
    private final Function<McpTool, Effect> effects;

    private McpTools(LiteLlm gateway, List<String> servers, Function<McpTool, Effect> effects) {
        this.gateway = gateway;
        this.servers = servers;
        this.effects = effects;
    }

    /** @throws IllegalArgumentException when {@code gateway} is not known to be a LiteLLM gateway */
    public static McpTools of(LiteLlm gateway) {
        if (!gateway.settings().gateway) {
            throw new IllegalArgumentException("MCP servers are behind a LiteLLM gateway, but this is " + gateway
                    + ": make it with LiteLlm.at(…)");
        }
        return new McpTools(gateway, List.of(), McpTool::effect);
    }

    /**
     * Only these servers, by alias, name or id. Default: all that the key may use.
     *
     * @throws IllegalArgumentException when there is none, or one has other than visible ASCII characters or a comma
     */
    public McpTools servers(String... names) {
        if (names.length == 0) {
            throw new IllegalArgumentException("no server is named: leave servers(…) out for all of them");
        }
        for (String name : names) {
            if (!name.matches("[\\x21-\\x7e&&[^,]]+")) {
                throw new IllegalArgumentException(
                        "a server is named by visible ASCII characters without comma, but this is \"" + name
                                + "\": use its alias or its id");
            }
        }
        return new McpTools(gateway, List.of(names), effects);
    }

    /** What a repeat of a call of each tool may do, in place of what its server hints. One of {@code PURE}, {@code IDEMPOTENT} and {@code ONCE}. */
    public McpTools effects(Function<McpTool, Effect> chosen) {
        return new McpTools(gateway, servers, Objects.requireNonNull(chosen, "effects"));
    }

    /**
     * The tools that the key may use, in the gateway's order. Without {@link #servers} those of a server that does not answer are missing, and a warning says so, unless none answers.
     *
     * @throws ModelException {@code ACCESS} when the key may use no server, or not one that was named; {@code UNAVAILABLE} when one that was named does not answer; and as {@link LiteLlm#models}
     */
    public List<McpTool> list() {
        Settings settings = gateway.settings();
        return new ToolList(settings, gateway.http(settings)).of(servers);
    }

    /**
     * All of {@link #list} as tools of an agent. Asked for once, when the agent is built: what changes at the gateway later is found out by the calls.
     *
     * @throws ModelException as {@link #list}
     * @throws IllegalArgumentException when two come to the same {@link McpTool#toolName}: take those that are wanted from {@link #list}, each by {@link #tool}
     */
    public Toolbox tools() {
        return Toolbox.of(list().stream().map(this::tool).toArray(Tool[]::new));
    }

    /**
     * One as a tool of an agent, named {@link McpTool#toolName}. What the server or the gateway answers to a call, failures included, is the result that the model sees: texts
     * as they are, structured content when there is no text; of images, audio and bytes only that they were there.
     *
     * <p>A call may take as long as {@link LiteLlm#totalTimeout}, unless {@link Tool#timeout} says otherwise; it ends promptly when it is interrupted. A {@code ONCE} call that was cut short so, or whose process died,
     * is in doubt and nobody can be asked: {@link Tool#inDoubt(InDoubt)}. When a connection broke, the model is told that the outcome of such a call is not known. When that was the connection between gateway and server,
     * LiteLLM (seen in 1.96) answers as if the tool itself had failed; that is told by its words, {@code RemoteProtocolError: …} and the like.
     *
     * @throws IllegalArgumentException when {@link #effects} gives {@code TRANSACTIONAL}
     */
    public Tool tool(McpTool tool) {
        Effect effect = Objects.requireNonNull(effects.apply(tool), () -> "the effect of " + tool.toolName());
        Settings settings = gateway.settings().copy();
        Duration timeout = settings.totalTimeout;
        // The tool's own time is over first: only that puts a call in doubt.
        settings.totalTimeout = Duration.ofDays(365);
        settings.tellsTotalTimeout = false;
        ToolCalls calls = new ToolCalls(settings, gateway.http(settings));
        Tool.Body<Json> body = (arguments, call) -> calls.call(tool, effect, arguments, call);
        return made(tool, effect, body).schema(tool.schema()).timeout(timeout);
    }

    private static Tool made(McpTool tool, Effect effect, Tool.Body<Json> body) {
        String name = tool.toolName();
        String description = tool.description();
        return switch (effect) {
            case PURE -> Tool.pure(name, description, Json.class, body);
            case IDEMPOTENT -> Tool.idempotent(name, description, Json.class, body);
            case ONCE -> Tool.once(name, description, Json.class, body).noProbe();
            case TRANSACTIONAL ->
                throw new IllegalArgumentException(
                        "the effect of " + name
                                + " cannot be TRANSACTIONAL, as it is not in the session's database: choose another in effects(…)");
        };
    }

    /**
     * Calls a tool for an application that runs no agent. Bounded by {@link LiteLlm#totalTimeout}.
     *
     * @param arguments an object
     * @return what the server says, as {@link #tool} gives it to a model; a failure of the tool is a result too
     * @throws ModelException when the gateway refuses or does not answer; {@code INTERRUPTED} when the thread is interrupted
     */
    public ToolResult call(McpTool tool, Json arguments) {
        Settings settings = gateway.settings();
        GatewayHttp http = gateway.http(settings);
        return new ToolCalls(settings, http).call(tool, arguments);
    }

    /** Where, and which servers; not the key. */
    @Override
    public String toString() {
        return "McpTools[" + gateway + ", servers=" + (servers.isEmpty() ? "all" : servers) + "]";
    }
}

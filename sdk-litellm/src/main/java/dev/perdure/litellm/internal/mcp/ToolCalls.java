package dev.perdure.litellm.internal.mcp;

import dev.perdure.litellm.McpTool;
import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.litellm.internal.http.CallWatch;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Effect;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.spi.CallScope;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolResult;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Calls tools. Each is sent once. */
public final class ToolCalls {
    private static final String UNKNOWN =
            " | It is not known whether the call took effect: find out before it is made again.";

    /** What LiteLLM gives for a tool's own failure when its connection to the server broke after the call was sent. */
    private static final Pattern BROKEN = Pattern.compile(
            "(RemoteProtocolError|ReadError|ReadTimeout|WriteError|WriteTimeout|CloseError"
                    + "|BrokenResourceError|ClosedResourceError|EndOfStream|TimeoutError): |McpError: (Connection closed|Timed out)");

    private final Settings settings;
    private final GatewayHttp http;

    public ToolCalls(Settings settings, GatewayHttp http) {
        this.settings = settings;
        this.http = http;
    }

    /** Without a session. */
    public ToolResult call(McpTool tool, Json arguments) {
        return send(tool, arguments, headers(null));
    }

    /** For a tool of an agent: what goes wrong is for the model, except that the call was stopped. */
    public ToolResult call(McpTool tool, Effect effect, Json arguments, ToolCall call) {
        Map<String, String> headers = headers(CallHeaders.sessionKey(call.session()));
        headers.put("Idempotency-Key", header(call.idempotencyKey()));
        try {
            ToolResult result = send(tool, arguments, headers);
            boolean broken = result.error() && BROKEN.matcher(result.text()).lookingAt();
            return broken && effect == Effect.ONCE ? ToolResult.error(result.text() + UNKNOWN) : result;
        } catch (ModelException e) {
            if (e.kind() == Kind.INTERRUPTED) {
                throw e;
            }
            return ToolResult.error(e.getMessage() + (effect == Effect.ONCE && mayHaveHappened(e) ? UNKNOWN : ""));
        }
    }

    private ToolResult send(McpTool tool, Json arguments, Map<String, String> headers) {
        Map<String, Object> body = new LinkedHashMap<>();
        if (!tool.serverId().isEmpty()) {
            body.put("server_id", tool.serverId());
        }
        body.put("name", tool.name());
        body.put("arguments", arguments);
        return CallResult.of(http.post(http.url("mcp-rest/tools/call", Map.of()), Json.of(body), headers)
                .body());
    }

    private Map<String, String> headers(@Nullable String session) {
        CallContext context = new CallContext(
                UUID.randomUUID().toString(),
                session,
                List.of(),
                null,
                Duration.ofDays(1),
                new Interruption(),
                CallScope.Deltas.UNWANTED);
        Map<String, String> headers = new HashMap<>();
        CallHeaders.of(settings, context, new CallWatch(settings, context.timeout(), false))
                .forEach(header -> headers.put(header.getFirst(), header.getSecond()));
        return headers;
    }

    private static boolean mayHaveHappened(ModelException e) {
        Throwable cause = e.getCause();
        boolean notSent = cause instanceof ConnectException
                || cause instanceof NoRouteToHostException
                || cause instanceof UnknownHostException;
        boolean refused =
                e.findStatus().filter(status -> status >= 400 && status < 500).isPresent();
        return !notSent && !refused;
    }

    /** Visible ASCII as it is, all else and {@code %} by its bytes: two keys never become one. */
    static String header(String key) {
        StringBuilder header = new StringBuilder(key.length());
        for (byte b : key.getBytes(StandardCharsets.UTF_8)) {
            if (b > ' ' && b < 0x7f && b != '%') {
                header.append((char) b);
            } else {
                header.append('%').append(String.format("%02X", b));
            }
        }
        return header.toString();
    }
}

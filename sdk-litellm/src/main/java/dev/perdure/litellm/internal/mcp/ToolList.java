package dev.perdure.litellm.internal.mcp;

import dev.perdure.litellm.McpTool;
import dev.perdure.litellm.internal.http.ErrorText;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Which tools there are. */
public final class ToolList {
    private static final Json ANY = Json.parse("{\"type\":\"object\"}");

    private final Settings settings;
    private final GatewayHttp http;

    public ToolList(Settings settings, GatewayHttp http) {
        this.settings = settings;
        this.http = http;
    }

    /** @param servers by name or id; all of the key when empty */
    public List<McpTool> of(List<String> servers) {
        List<Json> found = new ArrayList<>();
        if (servers.isEmpty()) {
            found.addAll(tools(Map.of()));
        }
        for (String server : servers) {
            found.addAll(tools(Map.of("server_id", server)));
        }
        Annotations annotations = Annotations.ask(settings, http, servers);
        return found.stream().map(tool -> tool(tool, annotations)).toList();
    }

    private List<Json> tools(Map<String, String> query) {
        Json answer = http.get("mcp-rest/tools/list", query);
        // Errors come with status 200.
        if (answer.findText("error").isPresent()) {
            throw refused(answer.findText("message").orElse(""));
        }
        return answer.find("tools")
                .map(Json::elements)
                .orElseThrow(() -> ModelException.of(
                        Kind.PROTOCOL, settings.endpoint + " answers without tools. Is that a LiteLLM gateway?"));
    }

    private ModelException refused(String message) {
        boolean access = message.contains("access_denied") || message.contains("ip_filtering");
        return ModelException.of(
                access ? Kind.ACCESS : Kind.UNAVAILABLE,
                settings.endpoint + " lists no MCP tools: " + ErrorText.clean(message, settings.key));
    }

    private static McpTool tool(Json json, Annotations annotations) {
        Json info = json.find("mcp_info").orElse(Json.EMPTY);
        String name = json.findText("name").orElse("");
        String id = info.findText("server_id").orElse("");
        String server = Stream.of(info.findText("alias"), info.findText("server_name"))
                .flatMap(Optional::stream)
                .filter(found -> !found.isEmpty())
                .findFirst()
                .orElse(id);
        return new McpTool(
                server,
                id,
                name,
                json.findText("description").orElse(""),
                json.find("inputSchema").filter(Json::isObject).orElse(ANY),
                json.find("annotations").filter(Json::isObject).orElseGet(() -> annotations.of(server, name)));
    }
}

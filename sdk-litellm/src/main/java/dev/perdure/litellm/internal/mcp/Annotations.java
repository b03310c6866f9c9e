package dev.perdure.litellm.internal.mcp;

import dev.perdure.litellm.internal.http.ErrorText;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.model.ModelException;
import dev.perdure.session.Json;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What servers hint about their tools. LiteLLM's own list of tools leaves that out, so that it is asked for by MCP itself, where a tool is named by its server and
 * its name.
 */
final class Annotations {
    private static final Logger LOG = LoggerFactory.getLogger(Annotations.class);
    private static final Json LIST = Json.parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    private static final Set<Integer> NOT_FOR_US = Set.of(403, 404, 405);

    private final Map<String, Json> byName = new HashMap<>();

    private Annotations() {}

    /** @param servers by name or id; all of the key when empty */
    static Annotations ask(Settings settings, GatewayHttp http, List<String> servers) {
        Annotations found = new Annotations();
        Map<String, String> headers = new HashMap<>(Map.of("Accept", "application/json, text/event-stream"));
        if (!servers.isEmpty()) {
            headers.put("x-mcp-servers", String.join(",", servers));
        }
        try {
            found.read(
                    settings,
                    http.post(http.url("mcp/", Map.of()), LIST, headers).body());
        } catch (ModelException e) {
            if (e.findStatus().filter(NOT_FOR_US::contains).isEmpty()) {
                throw e;
            }
            LOG.info("no hints about MCP tools, so that all count as ONCE: {}", e.getMessage());
        }
        return found;
    }

    private void read(Settings settings, Json answer) {
        Optional<Json> result = answer.find("result");
        if (result.isEmpty()) {
            String why = answer.find("error")
                    .flatMap(error -> error.findText("message"))
                    .orElse("no result");
            LOG.info("no hints about MCP tools, so that all count as ONCE: {}", ErrorText.clean(why, settings.key));
            return;
        }
        Set<String> twice = new HashSet<>();
        for (Json tool : result.get().find("tools").map(Json::elements).orElse(List.of())) {
            String name = tool.findText("name").orElse("");
            Json before = byName.put(
                    name, tool.find("annotations").filter(Json::isObject).orElse(Json.EMPTY));
            if (before != null) {
                twice.add(name);
            }
        }
        // Server a-b with tool c, and server a with tool b-c.
        byName.keySet().removeAll(twice);
        result.flatMap(found -> found.find("_meta"))
                .flatMap(meta -> meta.find("litellm.ai/server_outcomes"))
                .ifPresent(Annotations::report);
    }

    private static void report(Json outcomes) {
        for (String server : outcomes.names()) {
            String status =
                    outcomes.find(server).flatMap(one -> one.findText("status")).orElse("");
            if (!status.equals("ok")) {
                LOG.warn("the tools of MCP server {} are missing: {}", server, status);
            }
        }
    }

    /** An object without fields where nothing is known. */
    Json of(String server, String tool) {
        return byName.getOrDefault(server.replace(' ', '_') + "-" + tool, Json.EMPTY);
    }
}

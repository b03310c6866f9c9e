package dev.perdure.litellm;

import dev.perdure.litellm.internal.governance.KeyHash;
import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import java.io.Closeable;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A FAKE gateway that keeps keys in memory, with LiteLLM 1.96's answers as they were recorded: an existing value is minted again with 200 and stays as it is, an alias is
 * unique, metadata are replaced as a whole, deleted keys are listed. The real one is in {@link GovernanceIT}.
 */
final class FakeKeys implements Closeable {
    static final String ADMIN = "sk-admin-of-the-fake";
    private final Map<String, Json> keys = new LinkedHashMap<>();
    private final List<Json> deleted = new ArrayList<>();
    private final FakeGateway gateway = FakeGateway.raw(this::play);

    String url() {
        return gateway.url();
    }

    Governance governance() {
        return Governance.at(url()).key(ADMIN);
    }

    /** Lines and bodies of all requests; headers are not in it. */
    List<String> requests() {
        return gateway.received().stream()
                .map(request -> request.line().replaceAll(" HTTP.*", "") + " " + request.body())
                .toList();
    }

    long requests(String start) {
        return requests().stream().filter(line -> line.startsWith(start)).count();
    }

    synchronized List<Json> keys() {
        return List.copyOf(keys.values());
    }

    synchronized void change(String id, String field, Object value) {
        keys.computeIfPresent(id, (same, key) -> key.with(field, value));
    }

    private synchronized void play(FakeGateway.Exchange exchange) throws IOException {
        String[] line = exchange.request().line().split(" ");
        String path = line[1].replaceAll("\\?.*", "");
        String caller =
                exchange.request().headers().getOrDefault("authorization", "").replace("Bearer ", "");
        if (path.equals("/v1/chat/completions")) {
            chat(exchange, keys.get(KeyHash.of(caller)));
            return;
        }
        if (!caller.equals(ADMIN)) {
            refuse(exchange, 401, "Authentication Error, Only proxy admin can be used", "auth_error");
            return;
        }
        Json body = exchange.request().body().isEmpty()
                ? Json.EMPTY
                : Json.parse(exchange.request().body());
        Map<String, String> query = query(line[1]);
        switch (path) {
            case "/key/generate" -> generate(exchange, body);
            case "/key/info" -> answer(exchange, keys.get(query.get("key")), true);
            case "/key/update" -> update(exchange, body);
            case "/key/delete" ->
                delete(
                        exchange,
                        body.find("keys").orElseThrow().elements().get(0).plain());
            case "/key/list" -> list(exchange, query);
            default -> refuse(exchange, 404, "no route " + path, "None");
        }
    }

    private static void chat(FakeGateway.Exchange exchange, Json key) throws IOException {
        if (key == null) {
            refuse(exchange, 401, "Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db");
        } else if (key.find("blocked").map(Json::text).orElse("").equals("true")) {
            refuse(exchange, 401, "Authentication Error, Key is blocked.", "auth_error");
        } else if (key.findText("expires")
                .map(Instant::parse)
                .orElse(Instant.MAX)
                .isBefore(Instant.now())) {
            refuse(exchange, 401, "Authentication Error - Expired Key.", "expired_key");
        } else {
            exchange.json("{\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":"
                    + "{\"content\":\"" + key.findText("key_alias").orElse("") + "\",\"role\":\"assistant\"}}],"
                    + "\"usage\":{\"completion_tokens\":4,\"prompt_tokens\":1,\"total_tokens\":5}}");
        }
    }

    private void generate(FakeGateway.Exchange exchange, Json body) throws IOException {
        String value = body.findText("key").orElse("sk-" + UUID.randomUUID());
        String id = KeyHash.of(value);
        String alias = body.findText("key_alias").orElse("");
        if (keys.values().stream()
                .anyMatch(key -> key.findText("key_alias").orElse("").equals(alias))) {
            refuse(
                    exchange,
                    400,
                    "Key with alias '" + alias + "' already exists. Unique key aliases across all keys are required.",
                    "bad_request_error");
            return;
        }
        keys.putIfAbsent(id, expires(body.with("key", id).with("token", id).with("spend", 0)));
        exchange.json(body.with("key", value).with("token", id).text());
    }

    private void update(FakeGateway.Exchange exchange, Json body) throws IOException {
        String id = body.findText("key").orElseThrow();
        Json key = keys.get(id);
        if (key != null) {
            for (String name : body.names()) {
                key = key.with(name, body.find(name).orElse(Json.NULL));
            }
            keys.put(id, expires(key));
        }
        answer(exchange, key, false);
    }

    private static Json expires(Json key) {
        return key.findText("duration")
                .map(text -> key.with(
                        "expires",
                        Instant.now()
                                .plus(dev.perdure.litellm.internal.governance.WireDuration.parse(text)
                                        .orElseThrow())
                                .toString()))
                .orElse(key);
    }

    private void delete(FakeGateway.Exchange exchange, String id) throws IOException {
        Json key = keys.remove(id);
        if (key == null) {
            refuse(exchange, 404, "{'error': 'No keys found'}", "internal_server_error");
            return;
        }
        deleted.add(key);
        exchange.json("{\"deleted_keys\":[\"" + id + "\"]}");
    }

    private void list(FakeGateway.Exchange exchange, Map<String, String> query) throws IOException {
        Stream<Json> all = query.containsKey("status") ? deleted.stream() : keys.values().stream();
        List<Json> found = all.filter(
                        key -> key.findText("key_alias").orElse("").contains(query.getOrDefault("key_alias", "")))
                .filter(key -> key.findText("token").orElse("").contains(query.getOrDefault("key_hash", "")))
                .toList();
        exchange.json(Json.of(Map.of("keys", found, "total_pages", 1)).text());
    }

    private static void answer(FakeGateway.Exchange exchange, Json key, boolean wrapped) throws IOException {
        if (key == null) {
            refuse(exchange, 404, "Key not found in database", "not_found_error");
        } else {
            exchange.json(wrapped ? Json.EMPTY.with("info", key).text() : key.text());
        }
    }

    private static void refuse(FakeGateway.Exchange exchange, int status, String message, String type)
            throws IOException {
        exchange.whole(
                status,
                "application/json",
                Json.of(Map.of("error", Map.of("message", message, "type", type, "code", "" + status)))
                        .text());
    }

    private static Map<String, String> query(String path) {
        Map<String, String> query = new LinkedHashMap<>();
        if (path.contains("?")) {
            for (String pair : path.substring(path.indexOf('?') + 1).split("&")) {
                String[] parts = pair.split("=", 2);
                query.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
        }
        return query;
    }

    @Override
    public void close() throws IOException {
        gateway.close();
    }
}

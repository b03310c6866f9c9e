package dev.perdure.testkit.internal.gateway;

import dev.perdure.session.Json;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Health, models, keys and spend: everything that is no model call. Thread-safe. */
public final class Management {
    private static final DateTimeFormatter ZULU =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter OFFSET =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx").withZone(ZoneOffset.UTC);

    private final GatewayState state;

    public Management(GatewayState state) {
        this.state = state;
    }

    /** @param target path and query */
    public Whole answer(String method, String target, Map<String, String> headers, String body) {
        String path = target.split("\\?", 2)[0];
        Map<String, String> query = query(target);
        String key = GatewayState.key(headers);
        return switch (path) {
            case "/health/liveliness", "/health/liveness" -> Whole.ok("\"I'm alive!\"");
            case "/health/readiness" ->
                Whole.ok("{\"status\":\"healthy\",\"db\":\"" + (state.database() ? "connected" : "Not connected")
                        + "\"}");
            case "/v1/models", "/models" -> get(method, key, () -> models(key));
            case "/model_group/info" -> get(method, key, () -> modelGroups(key, query));
            case "/key/info" -> get(method, key, () -> info(key, query));
            case "/spend/logs" -> get(method, key, () -> spendLogs(key, query));
            case "/key/generate", "/key/update", "/key/block", "/key/unblock", "/key/delete" ->
                method.equals("POST") ? change(path, key, Call.json(body)) : notAllowed("POST");
            case "/chat/completions", "/v1/chat/completions" -> notAllowed("POST");
            default -> Whole.of(404, "{\"detail\":\"Not Found\"}");
        };
    }

    private interface Reading {
        Whole read();
    }

    private Whole get(String method, String key, Reading reading) {
        if (!method.equals("GET")) {
            return notAllowed("GET");
        }
        return state.keys()
                .authenticate(key, state.keysRequired() && !GatewayState.isMaster(key), state.now())
                .map(Management::refused)
                .orElseGet(reading::read);
    }

    private Whole models(String key) {
        List<Object> rows = new ArrayList<>();
        for (String model : modelsOf(key)) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("id", model);
            row.put("object", "model");
            row.put("created", 1_677_610_602);
            row.put("owned_by", "openai");
            row.put("max_input_tokens", 8192);
            row.put("max_output_tokens", 4096);
            rows.add(row);
        }
        return Whole.ok("{\"data\":" + Written.json(rows) + ",\"object\":\"list\"}");
    }

    private Whole modelGroups(String key, Map<String, String> query) {
        List<Object> rows = new ArrayList<>();
        String only = query.get("model_group");
        for (String model : modelsOf(key)) {
            if (only == null || only.equals(model)) {
                Map<String, @Nullable Object> row = Template.MODEL.fields();
                row.put("model_group", model);
                row.put("input_cost_per_token", state.inputPrice());
                row.put("output_cost_per_token", state.outputPrice());
                rows.add(row);
            }
        }
        return Whole.ok("{\"data\":" + Written.json(rows) + "}");
    }

    private List<String> modelsOf(String key) {
        List<String> own = state.keys().find(key).map(VirtualKey::models).orElse(List.of());
        return own.isEmpty() ? state.models() : own;
    }

    private Whole info(String key, Map<String, String> query) {
        if (!state.database()) {
            return refused(Refusals.noDatabase());
        }
        String asked = query.getOrDefault("key", key);
        return state.keys()
                .find(asked)
                .map(found ->
                        Whole.ok("{\"key\":" + Written.quoted(query.containsKey("key") ? asked : Refusals.hash(asked))
                                + ",\"info\":" + Written.json(describe(Template.INFO, found, OFFSET)) + "}"))
                .orElseGet(() -> Whole.of(
                        404,
                        Refused.auth(404, "Key not found in database", "not_found_error", "key")
                                .body()));
    }

    private Whole spendLogs(String key, Map<String, String> query) {
        if (!state.database()) {
            return refused(Refusals.noDatabaseForSpend());
        }
        Optional<String> requestId = Optional.ofNullable(query.get("request_id"));
        if (GatewayState.isMaster(key)) {
            return Whole.ok(Written.json(state.spendLogs(requestId, Optional.ofNullable(query.get("api_key")))));
        }
        boolean hasUser = state.keys()
                .find(key)
                .filter(found -> !found.text("user_id").isEmpty())
                .isPresent();
        return hasUser
                ? Whole.ok(Written.json(state.spendLogs(requestId, Optional.of(key))))
                : refused(Refusals.notAdmin("/spend/logs"));
    }

    private Whole change(String path, String key, Json body) {
        if (key.isEmpty()) {
            return refused(Refusals.noKey());
        }
        if (!GatewayState.isMaster(key)) {
            Optional<Refused> refused = state.keys().authenticate(key, state.keysRequired(), state.now());
            return refused(refused.orElseGet(() -> Refusals.notAdmin(path)));
        }
        if (!state.database()) {
            return refused(Refusals.noDatabaseForKeys());
        }
        if (!body.isObject()) {
            return refused(Refusals.badJson(body.text().length()));
        }
        return switch (path) {
            case "/key/generate" -> generate(body);
            case "/key/delete" -> delete(body);
            default -> changeOne(path, body);
        };
    }

    private Whole generate(Json body) {
        Optional<String> own = body.findText("key");
        if (own.isPresent() && !own.get().startsWith("sk-")) {
            return serverError(
                    400,
                    "{'error': \"Invalid key format. LiteLLM Virtual Key must start with 'sk-'. Received: ****\"}");
        }
        Optional<String> alias = body.findText("key_alias").filter(state.keys()::aliasTaken);
        if (alias.isPresent()) {
            return Whole.of(
                    400,
                    Refused.auth(
                                    400,
                                    "Key with alias '" + alias.get()
                                            + "' already exists. Unique key aliases across all keys are required.",
                                    "bad_request_error",
                                    "key_alias")
                            .body());
        }
        Optional<String> wrong = wrongDuration(body);
        if (wrong.isPresent()) {
            return serverError(500, "Unsupported duration passed: " + wrong.get());
        }
        VirtualKey key = state.keys().generate(Template.fields(body), state.now());
        Map<String, @Nullable Object> fields = describe(Template.GENERATED, key, ZULU);
        fields.put("duration", null);
        fields.put("key", key.value);
        fields.put("token_id", Refusals.hash(key.value));
        fields.put("token", Refusals.hash(key.value));
        return Whole.ok(Written.json(fields));
    }

    private Whole delete(Json body) {
        List<String> gone = new ArrayList<>();
        for (Json key : body.find("keys").orElse(Json.NULL).elements()) {
            if (state.keys().delete(key.plain())) {
                gone.add(key.plain());
            }
        }
        return gone.isEmpty()
                ? serverError(404, "{'error': 'No keys found'}")
                : Whole.ok("{\"deleted_keys\":" + Written.json(gone) + "}");
    }

    private Whole changeOne(String path, Json body) {
        String value = body.findText("key").orElse("");
        Optional<VirtualKey> found = state.keys().find(value);
        if (found.isEmpty()) {
            return Whole.of(
                    404,
                    Refused.auth(404, "Key not found.", "not_found_error", "key")
                            .body());
        }
        VirtualKey key = found.get();
        Optional<String> wrong = wrongDuration(body);
        if (wrong.isPresent()) {
            return serverError(500, "Unsupported duration passed: " + wrong.get());
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("token", Refusals.hash(key.value));
        switch (path) {
            case "/key/block" -> {
                state.keys().block(key, true, state.now());
                return Whole.ok(Written.json(describe(Template.BLOCKED, key, ZULU)));
            }
            case "/key/unblock" -> {
                state.keys().block(key, false, state.now());
                fields.putAll(describe(Template.INFO, key, ZULU));
            }
            default -> {
                fields.clear();
                fields.put("key", value);
                fields.put("token", Refusals.hash(key.value));
                state.keys().set(key, Template.fields(body), state.now());
                fields.putAll(describe(Template.INFO, key, OFFSET));
            }
        }
        return Whole.ok(Written.json(fields));
    }

    /** The template's fields with what is known of the key. */
    private static Map<String, @Nullable Object> describe(Template template, VirtualKey key, DateTimeFormatter times) {
        Map<String, @Nullable Object> fields = template.fields();
        fields.replaceAll((name, value) -> key.fields.getOrDefault(name, value));
        put(fields, "token", Refusals.hash(key.value));
        put(fields, "key_name", Refusals.shortName(key.value));
        put(fields, "spend", key.spend);
        put(fields, "max_budget", key.maxBudget());
        put(fields, "blocked", key.blocked);
        put(fields, "expires", format(times, key.expires));
        put(fields, "created_at", format(times, key.created));
        put(fields, "updated_at", format(times, key.updated));
        put(fields, "last_active", format(times, key.lastActive));
        return fields;
    }

    private static void put(Map<String, @Nullable Object> fields, String name, @Nullable Object value) {
        if (fields.containsKey(name)) {
            fields.put(name, value);
        }
    }

    private static @Nullable String format(DateTimeFormatter format, @Nullable Instant at) {
        return at == null ? null : format.format(at);
    }

    static String zulu(Instant at) {
        return ZULU.format(at);
    }

    private static Optional<String> wrongDuration(Json body) {
        return body.findText("duration").filter(text -> {
            try {
                return Keys.duration(text).compareTo(Duration.ZERO) < 0;
            } catch (IllegalArgumentException e) {
                return true;
            }
        });
    }

    private static Whole serverError(int status, String message) {
        return Whole.of(
                status,
                Refused.auth(status, message, "internal_server_error", "None").body());
    }

    private static Whole refused(Refused refused) {
        return Whole.of(refused.status(), refused.body());
    }

    private static Whole notAllowed(String allowed) {
        return new Whole(405, List.of("allow: " + allowed), "{\"detail\":\"Method Not Allowed\"}", List.of());
    }

    private static Map<String, String> query(String target) {
        Map<String, String> query = new LinkedHashMap<>();
        int mark = target.indexOf('?');
        if (mark >= 0) {
            for (String pair : target.substring(mark + 1).split("&", -1)) {
                String[] parts = pair.split("=", 2);
                query.put(decoded(parts[0]), parts.length == 2 ? decoded(parts[1]) : "");
            }
        }
        return query;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}

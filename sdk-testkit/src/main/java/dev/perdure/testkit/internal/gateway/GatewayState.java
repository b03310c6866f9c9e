package dev.perdure.testkit.internal.gateway;

import dev.perdure.session.Json;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Everything the fake gateway remembers: how it is set up, its keys, what was spent. Thread-safe. */
public final class GatewayState {
    /** May do everything. */
    public static final String MASTER_KEY = "sk-fake-master-key";

    private final Keys keys = new Keys();
    private final Ledger ledger = new Ledger();
    private final AtomicInteger responses = new AtomicInteger();
    private final String run =
            Integer.toHexString(0x10000000 | ThreadLocalRandom.current().nextInt(0x10000000));

    private volatile InstantSource clock = InstantSource.system();
    private volatile List<String> models = List.of();
    private volatile boolean keysRequired;
    private volatile boolean database = true;
    private volatile Duration spendLogDelay = Duration.ZERO;
    private volatile double inputPrice = 1e-5;
    private volatile double outputPrice = 3e-5;

    public void clock(InstantSource value) {
        clock = value;
    }

    public void models(List<String> value) {
        models = value;
    }

    public void requireKeys() {
        keysRequired = true;
    }

    public void withoutDatabase() {
        database = false;
    }

    public void spendLogDelay(Duration value) {
        spendLogDelay = value;
    }

    public void prices(double input, double output) {
        inputPrice = input;
        outputPrice = output;
    }

    public Instant now() {
        return clock.instant();
    }

    List<String> models() {
        return models;
    }

    boolean database() {
        return database;
    }

    boolean keysRequired() {
        return keysRequired;
    }

    Keys keys() {
        return keys;
    }

    double inputPrice() {
        return inputPrice;
    }

    double outputPrice() {
        return outputPrice;
    }

    /** The key that a request shows: LiteLLM's own header wins. */
    public static String key(Map<String, String> headers) {
        for (String name : List.of("x-litellm-api-key", "authorization", "api-key", "x-api-key")) {
            String value = headers.get(name);
            if (value != null) {
                return value.regionMatches(true, 0, "Bearer ", 0, 7) ? value.substring(7) : value;
            }
        }
        return "";
    }

    /** Mints a key as {@code POST /key/generate} does. */
    public String mint(Json fields) {
        return keys.generate(Template.fields(fields), now()).value;
    }

    /** What a key has spent; 0 for an unknown one. */
    public double spent(String key) {
        return keys.find(key).map(found -> found.spend).orElse(0.0);
    }

    /** Why a call may not be made; when it may, {@link #ended} must follow. */
    public Optional<Refused> admit(Call call) {
        return keys.authenticate(call.key(), keysRequired && !isMaster(call.key()), now())
                .or(() -> known(call))
                .or(() -> keys.admit(call, now()));
    }

    private Optional<Refused> known(Call call) {
        List<String> all = models;
        return all.isEmpty() || all.contains(call.model())
                ? Optional.empty()
                : Optional.of(Refusals.unknownModel(call.model()));
    }

    public void ended(Call call) {
        keys.ended(call);
    }

    /** A fresh id of a response. */
    public String responseId() {
        return "chatcmpl-fake-" + run + "-" + responses.incrementAndGet();
    }

    /** At the prices of this gateway. */
    public double price(int prompt, int completion) {
        return prompt * inputPrice + completion * outputPrice;
    }

    /** Adds a reply to what its key has spent and to the spend log. */
    public void settle(Call call, String responseId, Bill bill) {
        Instant now = now();
        keys.spend(call, bill.cost(), bill.total(), now);
        Optional<VirtualKey> key = keys.find(call.key());
        ledger.add(
                call,
                responseId,
                bill,
                key.map(found -> found.text("user_id"))
                        .filter(text -> !text.isEmpty())
                        .orElse(null),
                key.map(found -> found.text("key_alias"))
                        .filter(text -> !text.isEmpty())
                        .orElse(null),
                now);
    }

    List<Map<String, @Nullable Object>> spendLogs(Optional<String> requestId, Optional<String> key) {
        return ledger.rows(
                id -> requestId.isEmpty() || id.equals(requestId.get()),
                hash -> key.isEmpty() || hash.equals(key.get()) || hash.equals(Refusals.hash(key.get())),
                spendLogDelay,
                now());
    }

    static boolean isMaster(String key) {
        return key.equals(MASTER_KEY);
    }

    // ---- headers

    /** Of a reply in one piece, which was {@linkplain #settle settled} before. */
    public List<String> plainHeaders(Call call, Bill bill, int bodyLength, @Nullable String fallback) {
        String cost = Written.python(bill.cost());
        List<String> headers = identity(call, false);
        headers.add("x-litellm-response-cost: " + cost);
        headers.addAll(costParts(cost));
        headers.addAll(keys.headers(call));
        headers.addAll(List.of(
                "x-litellm-response-duration-ms: 5.767",
                "x-litellm-overhead-duration-ms: 2.748",
                "x-litellm-callback-duration-ms: 0.0",
                "x-ratelimit-limit-requests: 60",
                "x-ratelimit-remaining-requests: 59",
                "llm_provider-content-type: application/json",
                "llm_provider-content-length: " + bodyLength,
                "llm_provider-x-request-id: req-fake-1",
                "llm_provider-openai-processing-ms: 1",
                "llm_provider-x-ratelimit-limit-requests: 60",
                "llm_provider-x-ratelimit-remaining-requests: 59"));
        headers.addAll(attempts(call, fallback));
        headers.addAll(keys.remaining(call, now()));
        return headers;
    }

    /** Of a stream: no cost, what the key spent before it, nothing of its limits. */
    public List<String> streamHeaders(Call call, @Nullable String fallback, boolean fails) {
        List<String> headers = identity(call, fails);
        headers.addAll(costParts("0.0"));
        headers.addAll(keys.headers(call));
        headers.addAll(List.of(
                "x-litellm-response-duration-ms: 7.87",
                "x-litellm-overhead-duration-ms: 3.618",
                "x-litellm-callback-duration-ms: 0.0",
                "x-ratelimit-limit-requests: 60",
                "x-ratelimit-remaining-requests: 59",
                "llm_provider-content-type: text/event-stream; charset=utf-8",
                "llm_provider-cache-control: no-cache",
                "llm_provider-transfer-encoding: chunked",
                "llm_provider-x-request-id: req-fake-1",
                "llm_provider-x-ratelimit-limit-requests: 60",
                "llm_provider-x-ratelimit-remaining-requests: 59"));
        headers.addAll(attempts(call, fallback));
        return headers;
    }

    /** A refusal with the headers of the place where it was refused. */
    public Whole whole(Call call, Refused refused) {
        List<String> headers = new ArrayList<>(refused.hints());
        if (refused.where() != Refused.Where.AUTH) {
            headers.add("x-litellm-call-id: " + call.id());
            headers.add("x-litellm-response-cost: 0");
            headers.addAll(keys.headers(call));
        }
        if (refused.where() == Refused.Where.PROVIDER) {
            headers.add("x-litellm-timeout: " + call.timeout());
        }
        headers.addAll(refused.late());
        return new Whole(refused.status(), headers, refused.body(), List.of());
    }

    private static List<String> identity(Call call, boolean fails) {
        return new ArrayList<>(List.of(
                "x-litellm-call-id: " + call.id(),
                "x-litellm-model-id: " + (fails ? "dep-fails-midstream" : "dep-scripted"),
                "x-litellm-model-name: openai/" + (fails ? "error-mid" : "ok"),
                "x-litellm-model-api-base: http://127.0.0.1:8002/v1",
                "x-litellm-version: 1.96.2"));
    }

    private static List<String> costParts(String original) {
        return List.of(
                "x-litellm-response-cost-original: " + original,
                "x-litellm-response-cost-discount-amount: 0.0",
                "x-litellm-response-cost-margin-amount: 0.0",
                "x-litellm-response-cost-margin-percent: 0.0");
    }

    private static List<String> attempts(Call call, @Nullable String fallback) {
        return List.of(
                "x-litellm-model-group: " + (fallback == null ? call.model() : fallback),
                "x-litellm-attempted-retries: 0",
                "x-litellm-attempted-fallbacks: " + (fallback == null ? 0 : 1));
    }
}

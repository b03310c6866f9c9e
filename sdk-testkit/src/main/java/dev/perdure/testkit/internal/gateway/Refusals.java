package dev.perdure.testkit.internal.gateway;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The gateway's own words for every refusal, as recorded from LiteLLM 1.96.2 unless a method says otherwise. */
public final class Refusals {
    private static final DateTimeFormatter RESET_AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter EXPIRY =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSxxx").withZone(ZoneOffset.UTC);
    private static final String NO_DATABASE =
            "Database not connected. Connect a database to your proxy - https://docs.litellm.ai/docs/simple_proxy#managing-auth---virtual-keys";

    private Refusals() {}

    // ---- limits

    /** @param type {@code requests}, {@code tokens} or {@code max_parallel_requests} */
    public static Refused rateLimit(String key, String type, long limit, long remaining, Instant resetAt) {
        String reset = RESET_AT.format(resetAt);
        return Refused.limit(
                        429,
                        "Rate limit exceeded for api_key: " + hash(key) + ". Limit type: " + type + ". Current limit: "
                                + limit + ", Remaining: " + remaining + ". Limit resets at: " + reset,
                        "throttling_error")
                .hints("retry-after: 60", "rate_limit_type: " + type, "reset_at: " + reset);
    }

    public static Refused keyBudget(String key, String spent, String max) {
        return budget("Budget has been exceeded! Key=key (" + shortName(key) + ") Current cost: " + spent
                + ", Max budget: " + max);
    }

    /** A key that the gateway has from somewhere else than its own database. */
    public static Refused plainBudget(String spent, String max) {
        return budget("Budget has been exceeded! Current cost: " + spent + ", Max budget: " + max);
    }

    /** @param whose {@code Team} or {@code Tag} */
    public static Refused groupBudget(String whose, String name, String spent, String max) {
        return budget(
                "Budget has been exceeded! " + whose + "=" + name + " Current cost: " + spent + ", Max budget: " + max);
    }

    /** @param whose {@code User} or {@code End User} */
    public static Refused personBudget(String whose, String name, String spent, String max) {
        return budget("ExceededBudget: " + whose + "=" + name + " over budget. Spend=" + spent + ", Budget=" + max);
    }

    private static Refused budget(String message) {
        return Refused.auth(429, message, "budget_exceeded", null);
    }

    public static Refused sessionIterations(String session, int count, int max) {
        return Refused.limit(
                429,
                "Max iterations exceeded for session " + session + ". Current count: " + count + ", max_iterations: "
                        + max + ".",
                "throttling_error");
    }

    /** Not recorded: the words of LiteLLM's source. */
    public static Refused sessionBudget(String session, String spent, String max) {
        return Refused.limit(
                429,
                "Session budget exceeded for session " + session + ". Current spend: $" + spent
                        + ", max_budget_per_session: $" + max + ".",
                "throttling_error");
    }

    public static Refused cooldown(String model, long seconds) {
        return Refused.limit(
                        429,
                        "No deployments available for selected model, Try again in " + seconds
                                + " seconds. Passed model=" + model
                                + ". pre-call-checks=False, cooldown_list=['dep-cool-a', 'dep-cool-b']",
                        "None")
                .param("None")
                .late("retry-after: " + seconds);
    }

    // ---- keys

    public static Refused unknownKey(String key) {
        return Refused.auth(
                401,
                "Authentication Error, Invalid proxy server token passed. Received API Key = " + shortName(key)
                        + ", Key Hash (Token) =" + hash(key)
                        + ". Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
                "token_not_found_in_db",
                "key");
    }

    public static Refused noKey() {
        return authError("Authentication Error, No api key passed in.");
    }

    public static Refused notAKey() {
        return authError("LiteLLM Virtual Key expected. Received=****, expected to start with 'sk-'.");
    }

    public static Refused blockedKey() {
        return authError("Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.");
    }

    public static Refused blockedTeam(String team) {
        return authError(
                "Authentication Error, Team=" + team + " is blocked. Update via `/team/unblock` if you're an admin.");
    }

    public static Refused expiredKey(String key, Instant expired, Instant now) {
        return Refused.auth(
                401,
                "Authentication Error - Expired Key. Key Expiry time " + EXPIRY.format(expired) + " and current time "
                        + EXPIRY.format(now),
                "expired_key",
                shortName(hash(key)));
    }

    /** A route that the key may not use. */
    public static Refused notAdmin(String route) {
        return authError(
                "Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams."
                        + " Route=" + route + ". Your role=unknown. Your user_id=*******");
    }

    private static Refused authError(String message) {
        return Refused.auth(401, message, "auth_error", "None");
    }

    /** @param whose {@code key} or {@code team} */
    public static Refused modelDenied(String whose, List<String> allowed, String model) {
        return Refused.auth(
                403,
                whose + " not allowed to access model. This " + whose + " can only access models="
                        + Written.pythonList(allowed) + ". Tried to access " + model,
                whose + "_model_access_denied",
                "model");
    }

    public static Refused unknownModel(String model) {
        String message = "/chat/completions: Invalid model name passed in model=" + model
                + ". Call `/v1/models` to view available models for your key.";
        return Refused.limit(400, message, "None")
                .param("None")
                .more("\"provider_specific_fields\":{\"error\":\"" + message + "\"}");
    }

    public static Refused badJson(int length) {
        return Refused.auth(
                400,
                "Invalid JSON payload: unexpected end of data: line 1 column " + (length + 1) + " (char " + length
                        + ")",
                "invalid_request_error",
                "request_body");
    }

    // ---- content

    public static Refused contextWindow(String model) {
        return shortUpstream(
                model,
                "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's"
                        + " maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the"
                        + " length of the messages.");
    }

    public static Refused contentPolicy(String model) {
        return shortUpstream(
                model,
                "litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - Your"
                        + " request was rejected as a result of our safety system.");
    }

    /** Azure's filter behind a deployment that is not Azure's. */
    public static Refused contentFilter(String model) {
        return upstream(
                400,
                model,
                "litellm.BadRequestError: OpenAIException - The response was filtered due to the prompt triggering the content"
                        + " management policy.",
                null,
                false);
    }

    /** Not recorded: the shape of LiteLLM's source, a Python dictionary in the message. */
    public static Refused guardrail(String name) {
        return Refused.limit(400, "{'error': 'Violated guardrail policy', 'guardrail': '" + name + "'}", "None")
                .param("None");
    }

    // ---- provider

    public static Refused providerKey(String model) {
        return upstream(
                401,
                model,
                "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: x.",
                null,
                false);
    }

    public static Refused providerRateLimit(String model) {
        return upstream(
                429,
                model,
                "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for model in organization org-x on"
                        + " requests per min.",
                "throttling_error",
                true);
    }

    public static Refused providerQuota(String model) {
        return upstream(
                429,
                model,
                "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan and"
                        + " billing details.",
                "throttling_error",
                true);
    }

    public static Refused serverError(String model) {
        return upstream(
                500,
                model,
                "litellm.InternalServerError: InternalServerError: OpenAIException - The server had an error while processing your"
                        + " request.",
                null,
                true);
    }

    public static Refused badGateway(String model) {
        return upstream(
                502,
                model,
                "litellm.BadGatewayError: BadGatewayError: OpenAIException - <html><body><h1>502 Bad Gateway</h1></body></html>",
                null,
                true);
    }

    public static Refused unavailable(String model) {
        return upstream(
                503,
                model,
                "litellm.ServiceUnavailableError: ServiceUnavailableError: OpenAIException - The engine is currently overloaded.",
                null,
                true);
    }

    public static Refused timeout(String model) {
        return upstream(
                408,
                model,
                "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=1.0, time taken=1.01"
                        + " seconds\n\nDeployment Info: request_timeout: None\ntimeout: None",
                null,
                false);
    }

    public static Refused noDatabase() {
        return Refused.auth(500, NO_DATABASE, "internal_server_error", "None");
    }

    static Refused noDatabaseForSpend() {
        return Refused.auth(500, "/spend/logs Error" + NO_DATABASE, "internal_error", "None");
    }

    static Refused noDatabaseForKeys() {
        return Refused.auth(
                500,
                "{'error': 'DB not connected. This endpoint needs a database; set DATABASE_URL to a PostgreSQL connection string"
                        + " (postgresql://...) to enable it. See https://docs.litellm.ai/docs/proxy/virtual_keys'}",
                "internal_server_error",
                "None");
    }

    public static Refused other(int status, @Nullable String type, String message) {
        return Refused.limit(status, message, type);
    }

    /** The router tells of its own configuration, twice. */
    private static Refused upstream(int status, String model, String error, @Nullable String type, boolean retried) {
        String told = error + "No fallback model group found for original model_group=" + model
                + ". Fallbacks=[{'scripted-fallback': ['scripted']}, {'scripted-fallback-midstream': ['scripted']}]";
        return Refused.provider(
                status,
                routed(model, told) + (retried ? " LiteLLM Retried: 1 times, LiteLLM Max Retries: 1" : ""),
                type);
    }

    private static Refused shortUpstream(String model, String error) {
        return Refused.provider(400, routed(model, error), null);
    }

    private static String routed(String model, String error) {
        return error + ". Received Model Group=" + model
                + "\nAvailable Model Group Fallbacks=None\nError doing the fallback: " + error;
    }

    /** The last four characters, as the gateway shows a key; of a short one none. */
    static String shortName(String key) {
        return "sk-..." + (key.length() < 16 ? "" : key.substring(key.length() - 4));
    }

    /** SHA-256, in hex: what the gateway calls a key's token. */
    static String hash(String key) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}

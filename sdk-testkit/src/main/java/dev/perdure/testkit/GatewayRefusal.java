package dev.perdure.testkit;

import dev.perdure.testkit.internal.gateway.Call;
import dev.perdure.testkit.internal.gateway.GatewayState;
import dev.perdure.testkit.internal.gateway.Refusals;
import dev.perdure.testkit.internal.gateway.Refused;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A model call that a {@link FakeGateway} refuses, in the words of LiteLLM 1.96.2 as they were recorded, with the headers that belong to the
 * kind. Also a stream is refused so: plain JSON with the status of the failure. Amounts are texts, sent as they are. Immutable.
 */
public final class GatewayRefusal implements FakeGateway.Answer {
    private interface Words {
        Refused of(Call call, GatewayState state);
    }

    private final Words words;

    private GatewayRefusal(Words words) {
        this.words = words;
    }

    private static GatewayRefusal of(Words words) {
        return new GatewayRefusal(words);
    }

    // ---- limits, which pass with time

    /** 429: too many requests in this minute. Says to come back in 60 s; see {@link #retryAfter}. */
    public static GatewayRefusal rateLimit() {
        return limit("requests", 3);
    }

    /** 429: too many tokens in this minute. */
    public static GatewayRefusal tokenLimit() {
        return limit("tokens", 40);
    }

    /** 429: too many calls at the same time. */
    public static GatewayRefusal parallelLimit() {
        return limit("max_parallel_requests", 1);
    }

    private static GatewayRefusal limit(String type, long limit) {
        return of((call, state) ->
                Refusals.rateLimit(call.key(), type, limit, 0, state.now().plusSeconds(60)));
    }

    /** 429: every deployment of the model is out for some seconds. */
    public static GatewayRefusal noDeployment(Duration cooldown) {
        return of((call, state) -> Refusals.cooldown(call.model(), cooldown.toSeconds()));
    }

    // ---- budgets, which do not

    /** 429: the key's budget is spent, in the words for keys of the gateway's database. */
    public static GatewayRefusal keyBudget(String spent, String max) {
        return of((call, state) -> Refusals.keyBudget(call.key(), spent, max));
    }

    /** 429: a budget is spent, nothing says whose. So without a database, and by older gateways. */
    public static GatewayRefusal budget(String spent, String max) {
        return of((call, state) -> Refusals.plainBudget(spent, max));
    }

    /** 429: the budget of the key's team is spent. */
    public static GatewayRefusal teamBudget(String team, String spent, String max) {
        return of((call, state) -> Refusals.groupBudget("Team", team, spent, max));
    }

    /** 429: the budget of a tag of the request is spent. */
    public static GatewayRefusal tagBudget(String tag, String spent, String max) {
        return of((call, state) -> Refusals.groupBudget("Tag", tag, spent, max));
    }

    /** 429: the budget of the key's user is spent. */
    public static GatewayRefusal userBudget(String user, String spent, String max) {
        return of((call, state) -> Refusals.personBudget("User", user, spent, max));
    }

    /** 429: the budget of the end user, or customer, is spent. */
    public static GatewayRefusal endUserBudget(String user, String spent, String max) {
        return of((call, state) -> Refusals.personBudget("End User", user, spent, max));
    }

    /** 429: the session made as many calls as it may. */
    public static GatewayRefusal sessionIterations(String session, int count, int max) {
        return of((call, state) -> Refusals.sessionIterations(session, count, max));
    }

    /** 429: the session spent what it may. Not recorded: the words of LiteLLM's source. */
    public static GatewayRefusal sessionBudget(String session, String spent, String max) {
        return of((call, state) -> Refusals.sessionBudget(session, spent, max));
    }

    // ---- keys

    /** 401: no such key. */
    public static GatewayRefusal unknownKey() {
        return of((call, state) -> Refusals.unknownKey(call.key()));
    }

    /** 401: no key at all. */
    public static GatewayRefusal noKey() {
        return of((call, state) -> Refusals.noKey());
    }

    /** 401: the key does not look like one. */
    public static GatewayRefusal notAKey() {
        return of((call, state) -> Refusals.notAKey());
    }

    /** 401: the key is blocked. */
    public static GatewayRefusal blockedKey() {
        return of((call, state) -> Refusals.blockedKey());
    }

    /** 401: the key's team is blocked. */
    public static GatewayRefusal blockedTeam(String team) {
        return of((call, state) -> Refusals.blockedTeam(team));
    }

    /** 401: the key expired a moment ago. */
    public static GatewayRefusal expiredKey() {
        return of((call, state) -> {
            Instant now = state.now();
            return Refusals.expiredKey(call.key(), now.minusMillis(764), now);
        });
    }

    /** 403: the key may use these models only. */
    public static GatewayRefusal modelDenied(String... allowed) {
        List<String> models = List.of(allowed);
        return of((call, state) -> Refusals.modelDenied("key", models, call.model()));
    }

    /** 403: the key's team may use these models only. */
    public static GatewayRefusal teamModelDenied(String... allowed) {
        List<String> models = List.of(allowed);
        return of((call, state) -> Refusals.modelDenied("team", models, call.model()));
    }

    /** 400: the gateway has no such model. */
    public static GatewayRefusal unknownModel() {
        return of((call, state) -> Refusals.unknownModel(call.model()));
    }

    // ---- content

    /** 400: the conversation is too long for the model. */
    public static GatewayRefusal contextWindow() {
        return of((call, state) -> Refusals.contextWindow(call.model()));
    }

    /** 400: the provider refused the content. */
    public static GatewayRefusal contentPolicy() {
        return of((call, state) -> Refusals.contentPolicy(call.model()));
    }

    /** 400: Azure's filter refused the content; nothing but the sentence tells it. */
    public static GatewayRefusal contentFilter() {
        return of((call, state) -> Refusals.contentFilter(call.model()));
    }

    /** 400: a guardrail of the gateway refused the content. Not recorded: the shape of LiteLLM's source. */
    public static GatewayRefusal guardrail(String name) {
        return of((call, state) -> Refusals.guardrail(name));
    }

    // ---- provider

    /** 401: the gateway's own key at the provider is wrong. The caller's key is not. */
    public static GatewayRefusal providerKey() {
        return of((call, state) -> Refusals.providerKey(call.model()));
    }

    /** 429: the provider's rate limit, after the gateway tried again. No {@code retry-after}. */
    public static GatewayRefusal providerRateLimit() {
        return of((call, state) -> Refusals.providerRateLimit(call.model()));
    }

    /** 429: the gateway's account at the provider is empty; but for the sentence as {@link #providerRateLimit}. */
    public static GatewayRefusal providerQuota() {
        return of((call, state) -> Refusals.providerQuota(call.model()));
    }

    /** 500: the provider failed, twice. */
    public static GatewayRefusal serverError() {
        return of((call, state) -> Refusals.serverError(call.model()));
    }

    /** 502: the provider answered with HTML, which is in the message. */
    public static GatewayRefusal badGateway() {
        return of((call, state) -> Refusals.badGateway(call.model()));
    }

    /** 503: the provider is overloaded. */
    public static GatewayRefusal unavailable() {
        return of((call, state) -> Refusals.unavailable(call.model()));
    }

    /** 408: the provider did not answer in time. */
    public static GatewayRefusal timeout() {
        return of((call, state) -> Refusals.timeout(call.model()));
    }

    /** 500: the gateway has no database, or lost it. */
    public static GatewayRefusal noDatabase() {
        return of((call, state) -> Refusals.noDatabase());
    }

    /** Any other, with the gateway's headers for a limit. */
    public static GatewayRefusal of(int status, String type, String message) {
        return of((call, state) -> Refusals.other(status, type, message));
    }

    static GatewayRefusal endOfScript(int answers) {
        return of(
                400,
                "fake_gateway_error",
                "the script of this FakeGateway has " + answers + (answers == 1 ? " answer" : " answers")
                        + ", and this call is one more");
    }

    /** The same with another {@code retry-after}, in whole seconds; one without that header gets it. */
    public GatewayRefusal retryAfter(Duration wait) {
        return changed(refused -> refused.retryAfter(wait.toSeconds()));
    }

    /** The same with another status: older gateways refuse with 400 when a budget is spent. */
    public GatewayRefusal status(int status) {
        return changed(refused -> refused.status(status));
    }

    private GatewayRefusal changed(UnaryOperator<Refused> change) {
        return new GatewayRefusal((call, state) -> change.apply(words.of(call, state)));
    }

    @Override
    public void play(FakeGateway.Exchange exchange) throws IOException {
        exchange.refuse(words.of(exchange.call(), exchange.state()));
    }
}

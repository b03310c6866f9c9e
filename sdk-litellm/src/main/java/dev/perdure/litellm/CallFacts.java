package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a LiteLLM gateway said of one call, besides the reply: of a reply at hand, or of one in a session's log, years later. What it did not say is empty; of other
 * servers all is. Immutable.
 *
 * <p>Streams say less than plain calls: their headers are sent before cost, retries in mid-stream and limits are known.
 */
public final class CallFacts {
    private final Json gateway;
    private final Json reply;

    private CallFacts(Json details) {
        this.gateway = details.find("gateway").orElse(Json.EMPTY);
        this.reply = details.find("reply").orElse(Json.EMPTY);
    }

    public static CallFacts of(ModelReply reply) {
        return new CallFacts(reply.details());
    }

    public static CallFacts of(Event.ModelReplied replied) {
        return new CallFacts(Objects.requireNonNullElse(replied.details(), Json.EMPTY));
    }

    /** The gateway's name of the key that was used: the SHA-256 of it, as its tables and messages have it. */
    public Optional<String> findKeyId() {
        return gateway.findText("key");
    }

    /** The model group that answered; after a fallback another one than was asked for. */
    public Optional<String> findModelGroup() {
        return gateway.findText("group");
    }

    /** The provider's model behind the deployment, for example {@code openai/gpt-5-mini}. */
    public Optional<String> findDeploymentModel() {
        return gateway.findText("deploymentModel");
    }

    /** How often the gateway tried again by itself. */
    public Optional<Integer> findRetries() {
        return findNumber("retries").map(BigDecimal::intValue);
    }

    /** How many other model groups the gateway went on to. A fallback in mid-stream is not counted there: see {@link #restarted}. */
    public Optional<Integer> findFallbacks() {
        return findNumber("fallbacks").map(BigDecimal::intValue);
    }

    /** Whether the reply was begun by one deployment and written anew by another. */
    public boolean restarted() {
        return gateway.find("restarted").isPresent();
    }

    /** Time that the gateway itself took. */
    public Optional<Duration> findOverhead() {
        return findMillis("overheadMillis");
    }

    /** Time from the gateway's receipt of the request to its answer; of a stream to its beginning. */
    public Optional<Duration> findDuration() {
        return findMillis("millis");
    }

    /** US dollars that the key has spent; of a stream without the call itself. */
    public Optional<BigDecimal> findKeySpend() {
        return findNumber("keySpend");
    }

    /** US dollars that the key may spend. */
    public Optional<BigDecimal> findKeyBudget() {
        return findNumber("keyBudget");
    }

    /** Present when the answer came from the gateway's cache. */
    public Optional<String> findCacheKey() {
        return gateway.findText("cacheKey");
    }

    /** The provider's own id of the request, for its support. */
    public Optional<String> findProviderRequest() {
        return gateway.findText("providerRequest");
    }

    /**
     * Limits of the gateway and what is left of them, by {@code scope-(limit|remaining)-what}, for example {@code api_key-remaining-requests}; empty for streams.
     */
    public Map<String, Long> limits() {
        Map<String, Long> limits = new LinkedHashMap<>();
        Json all = gateway.find("limits").orElse(Json.EMPTY);
        for (String name : all.names()) {
            Numbers.find(all, name).ifPresent(value -> limits.put(name, value));
        }
        return Map.copyOf(limits);
    }

    /** Id of the answer, by which {@code /spend/logs} finds the call. */
    public Optional<String> findResponseId() {
        return reply.findText("id");
    }

    /** Fields of the answer that {@link ModelReply} has no place for, such as {@code logprobs}, as they came; an empty object when there are none. */
    public Json more() {
        return reply;
    }

    private Optional<Duration> findMillis(String name) {
        return findNumber(name)
                .map(millis -> Duration.ofNanos(millis.movePointRight(6).longValue()));
    }

    private Optional<BigDecimal> findNumber(String name) {
        return Numbers.findDecimal(gateway, name);
    }

    @Override
    public String toString() {
        return "CallFacts" + gateway.text();
    }
}

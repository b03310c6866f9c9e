package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.litellm.internal.plain.Catalog;
import dev.perdure.litellm.internal.plain.Embedding;
import dev.perdure.litellm.internal.plain.HealthCheck;
import dev.perdure.litellm.internal.plain.Prices;
import dev.perdure.litellm.internal.plain.TokenCount;
import dev.perdure.litellm.internal.wire.ChatCall;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Calls models through a LiteLLM gateway, or through another server that speaks OpenAI's chat completions.
 *
 * <pre>{@code
 * ModelClient model = LiteLlm.at("http://gateway:4000").key(key).model("gpt-5-mini");
 * }</pre>
 *
 * <p>Immutable and thread-safe: each method gives a changed copy, and all copies share one pool of connections. Nothing needs
 * to be closed: its threads are daemons, and an unused connection is closed after four seconds.
 *
 * <p>A call runs on the caller's thread and starts no other. It streams when {@link CallScope.Deltas#wanted() somebody listens}
 * and else asks for the whole reply at once. It ends promptly, with {@code INTERRUPTED}, when the scope's interruption is
 * requested or its thread is interrupted; the thread stays marked as interrupted.
 *
 * <p><b>Never repeats a request</b>, not even one whose connection was closed before an answer came: nobody can tell whether
 * the gateway has begun to work, and to pay, for it. Such a failure is {@code UNAVAILABLE} and retryable; the engine repeats
 * it and writes that down.
 *
 * <p><b>A cut that cannot be seen.</b> A stream without its end mark is {@code CUT_STREAM}. But when the provider behind a
 * LiteLLM gateway (seen in 1.96) ends a stream early without an error, the gateway itself adds the finish reason {@code stop},
 * usage and end mark: that reply looks complete to every client.
 *
 * <p>Costs come from the gateway's header, of streams from its usage ({@code include_cost_in_streaming_usage: true} in the
 * gateway's settings). Where it tells none they are estimated from its prices, which are asked for once for each model; else they are {@link
 * dev.perdure.session.Cost#UNKNOWN unknown}.
 */
public final class LiteLlm implements ModelClient {
    private final Settings settings;
    private final Transport transport;
    private final Prices prices;

    private LiteLlm(Settings settings, Transport transport, Prices prices) {
        this.settings = settings;
        this.transport = transport;
        this.prices = prices;
    }

    /**
     * A LiteLLM gateway. It is told session, call and tags of each call in {@code x-litellm-} headers, and reports costs.
     *
     * @param baseUrl for example {@code http://gateway:4000}; may end in a path such as {@code /v1}
     * @throws IllegalArgumentException when it is no http or https URL, or has a user, a query or a fragment in it
     */
    public static LiteLlm at(String baseUrl) {
        return new LiteLlm(new Settings(Endpoint.of(baseUrl), true), new Transport(), new Prices());
    }

    /**
     * Another server with OpenAI's chat completions. It is told nothing of sessions and tags, and is not relied on for costs.
     *
     * @param baseUrl for example {@code https://api.openai.com/v1}; {@code /v1} is added where there is no path
     * @throws IllegalArgumentException as {@link #at}
     */
    public static LiteLlm openAiCompatible(String baseUrl) {
        return new LiteLlm(new Settings(Endpoint.of(baseUrl), false), new Transport(), new Prices());
    }

    /**
     * Sent as bearer token; default none. Never in a message, a log or {@link #toString}.
     *
     * @throws IllegalArgumentException when it is blank or has other than visible ASCII characters
     */
    public LiteLlm key(String key) {
        return with(s -> s.key = Settings.requireKey(key));
    }

    /** The model, or group of models, for requests that name none. */
    public LiteLlm model(String name) {
        if (Settings.requireGiven("model", name).isBlank()) {
            throw new IllegalArgumentException("a model's name is not blank");
        }
        return with(s -> s.model = name);
    }

    /** For what a request leaves open; default {@link ModelParameters#DEFAULT}. */
    public LiteLlm parameters(ModelParameters parameters) {
        Objects.requireNonNull(parameters, "parameters");
        return with(s -> s.parameters = parameters);
    }

    /** Added to the tags of each call's scope; default none. Commas and characters that a header cannot have become {@code _}. */
    public LiteLlm tags(String... tags) {
        return with(s -> s.tags = List.of(tags));
    }

    /** Until a connection stands; default 5 seconds, for each address of the host. */
    public LiteLlm connectTimeout(Duration timeout) {
        return with(s -> s.connectTimeout = Settings.requirePositive("connectTimeout", timeout));
    }

    /**
     * From the request until the first byte of a stream; default 5 minutes, as some models think for long. A reply that is not
     * streamed comes all at once and is bounded by the total alone. When set, a gateway is told too, and it wins over the
     * deployment's own.
     */
    public LiteLlm firstByteTimeout(Duration timeout) {
        Settings.requirePositive("firstByteTimeout", timeout);
        return with(s -> {
            s.firstByteTimeout = timeout;
            s.tellsFirstByteTimeout = true;
        });
    }

    /** Silence inside of a reply; default 2 minutes. A server's keep-alive comments are no silence. */
    public LiteLlm chunkTimeout(Duration timeout) {
        return with(s -> s.chunkTimeout = Settings.requirePositive("chunkTimeout", timeout));
    }

    /**
     * For the whole call; default 10 minutes. The scope's own timeout holds as well. When set, a gateway is told too, and it
     * wins over the deployment's own.
     */
    public LiteLlm totalTimeout(Duration timeout) {
        Settings.requirePositive("totalTimeout", timeout);
        return with(s -> {
            s.totalTimeout = timeout;
            s.tellsTotalTimeout = true;
        });
    }

    /** The route that carries the calls; default {@link Wire#CHAT}. */
    public LiteLlm wire(Wire wire) {
        Objects.requireNonNull(wire, "wire");
        return with(s -> s.wire = wire);
    }

    /**
     * @throws ModelException as {@link ModelClient#call}; a {@code TIMEOUT} says which time ran out
     * @throws IllegalStateException when neither request nor client names a model
     * @throws IllegalArgumentException when an extra parameter names a field that this client writes itself
     */
    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        return new ChatCall(settings, transport, prices, request, scope).run();
    }

    /**
     * Texts as vectors. Bounded by {@link #totalTimeout}; never repeated.
     *
     * @param model or group of models, for embeddings
     * @param texts at least one
     * @throws ModelException as {@link #call}
     */
    public Embeddings embed(String model, List<String> texts) {
        Objects.requireNonNull(model, "model");
        return new Embedding(settings, http()).of(model, List.copyOf(texts));
    }

    /**
     * The names of the models that the key may use, in the gateway's order.
     *
     * @throws ModelException as {@link #call}
     */
    public List<String> models() {
        return new Catalog(settings, http()).models();
    }

    /**
     * What the gateway tells of a model: limits, prices, abilities. Empty when it knows none of that name, or the key may not use it.
     *
     * @throws ModelException as {@link #call}
     */
    public Optional<ModelGroup> findModelGroup(String name) {
        Objects.requireNonNull(name, "name");
        return new Catalog(settings, http()).findGroup(name);
    }

    /**
     * How many tokens the request is, as the gateway counts. For many models it counts with another model's tokenizer, leaves
     * tools out (seen in LiteLLM 1.96) and guesses what images take: good for an estimate.
     *
     * @throws ModelException as {@link #call}
     * @throws IllegalStateException when neither request nor client names a model
     */
    public long countTokens(ModelRequest request) {
        return new TokenCount(settings, http()).of(request);
    }

    /**
     * How the gateway is, within ten seconds for each of three questions. One that cannot be reached is not alive: that is an answer here, not an exception.
     *
     * @throws ModelException {@code INTERRUPTED} when the thread is interrupted
     */
    public GatewayHealth health() {
        return new HealthCheck(new GatewayHttp(settings.within(Duration.ofSeconds(10)), transport)).run();
    }

    private GatewayHttp http() {
        return new GatewayHttp(settings, transport);
    }

    /** True for a gateway. */
    @Override
    public boolean reportsCost() {
        return settings.gateway;
    }

    @Override
    public String provider() {
        return settings.gateway ? "litellm" : "openai";
    }

    @Override
    public String defaultModel() {
        return settings.findModel(ModelParameters.DEFAULT).orElse("unknown");
    }

    /** Where and which model; not the key. */
    @Override
    public String toString() {
        return "LiteLlm[" + settings.endpoint + ", model=" + defaultModel() + "]";
    }

    Settings settings() {
        return settings;
    }

    private LiteLlm with(Consumer<Settings> change) {
        Settings changed = settings.copy();
        change.accept(changed);
        return new LiteLlm(changed, transport, prices);
    }
}

package dev.perdure.litellm;

import dev.perdure.litellm.internal.guard.Asking;
import dev.perdure.litellm.internal.guard.Delivered;
import dev.perdure.litellm.internal.guard.Guard;
import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.litellm.internal.plain.Catalog;
import dev.perdure.litellm.internal.plain.Embedding;
import dev.perdure.litellm.internal.plain.HealthCheck;
import dev.perdure.litellm.internal.plain.Prices;
import dev.perdure.litellm.internal.plain.TokenCount;
import dev.perdure.litellm.internal.telemetry.ClientTelemetry;
import dev.perdure.litellm.internal.wire.ChatCall;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * <p><b>Never repeats a request</b> at the same gateway by {@link #call}, not even one whose connection was closed before an answer came: nobody can tell whether
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
    private static final Logger LOG = LoggerFactory.getLogger(LiteLlm.class);

    private final Settings settings;
    private final Transport transport;
    private final Prices prices;
    private final Guard guard;
    private final @Nullable ClientTelemetry telemetry;
    private final @Nullable LiteLlm second;

    private LiteLlm(
            Settings settings,
            Transport transport,
            Prices prices,
            Guard guard,
            @Nullable ClientTelemetry telemetry,
            @Nullable LiteLlm second) {
        this.settings = settings;
        this.transport = transport;
        this.prices = prices;
        this.guard = guard;
        this.telemetry = telemetry;
        this.second = second;
    }

    private static LiteLlm of(Settings settings) {
        return new LiteLlm(settings, new Transport(), new Prices(), guard(settings, Protection.STANDARD), null, null);
    }

    private static Guard guard(Settings settings, Protection protection) {
        return new Guard(
                settings.endpoint.name(),
                protection.failurePercent(),
                protection.open(),
                protection.mostInFlight(),
                protection.longestWait(),
                protection.keepsLimits());
    }

    /**
     * A LiteLLM gateway. It is told session, call and tags of each call in {@code x-litellm-} headers, and reports costs.
     *
     * @param baseUrl for example {@code http://gateway:4000}; may end in a path such as {@code /v1}
     * @throws IllegalArgumentException when it is no http or https URL, or has a user, a query or a fragment in it
     */
    public static LiteLlm at(String baseUrl) {
        return of(new Settings(Endpoint.of(baseUrl), true));
    }

    /**
     * Another server with OpenAI's chat completions. It is told nothing of sessions and tags, and is not relied on for costs.
     *
     * @param baseUrl for example {@code https://api.openai.com/v1}; {@code /v1} is added where there is no path
     * @throws IllegalArgumentException as {@link #at}
     */
    public static LiteLlm openAiCompatible(String baseUrl) {
        return of(new Settings(Endpoint.of(baseUrl), false));
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
     * How calls are kept back that would do harm; default {@link Protection#STANDARD}. The copies made from the returned client share its circuit breaker, its bulkhead and what it knows
     * of limits.
     */
    public LiteLlm protection(Protection protection) {
        return new LiteLlm(settings, transport, prices, guard(settings, protection), telemetry, second);
    }

    /**
     * Another gateway, asked within the same call when this one cannot be reached, gives no sign of life, or its circuit breaker is open, and nothing of a reply has come. It has
     * a key, a model and a protection of its own. What this gateway answers, a provider's failure included, is an answer. When the connection broke after the request was sent, this gateway
     * may have worked on it, and been paid for it, all the same; the log has one attempt.
     */
    public LiteLlm fallback(LiteLlm second) {
        Objects.requireNonNull(second, "second");
        return new LiteLlm(settings, transport, prices, guard, telemetry, second);
    }

    /**
     * Spans and metrics for {@link #ask}: {@code chat MODEL} spans and {@code gen_ai.client.*} metrics by the current conventions for GenAI, the attributes {@code litellm.*} and the
     * counter {@code litellm.client.cost}; never content. Default none. Calls inside of a session are measured by the engine; to its spans the attributes are added without this.
     * {@code traceparent} is sent whenever there is a current span.
     */
    public LiteLlm telemetry(OpenTelemetry telemetry) {
        HttpUrl url = settings.endpoint.completions();
        return new LiteLlm(
                settings,
                transport,
                prices,
                guard,
                new ClientTelemetry(telemetry, provider(), url.host(), url.port()),
                second);
    }

    /** As {@link #ask(ModelRequest, CallOptions)}, one text without instructions, tools and options. */
    public ModelReply ask(String text) {
        return ask(
                ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text(text)))), List.of()),
                CallOptions.DEFAULT);
    }

    /**
     * Calls a model for an application that runs no agent. Blocks; see {@link CallOptions} for retries, streaming and interruption, and {@link CallFacts} for what else the gateway
     * said.
     *
     * @throws ModelException when there is no whole reply
     * @throws IllegalStateException when neither request nor client names a model
     * @throws IllegalArgumentException when an extra parameter names a field that this client writes itself
     */
    public ModelReply ask(ModelRequest request, CallOptions options) {
        ModelRequest full = settings.gateway ? withMetadata(request, options) : request;
        CallContext context = new CallContext(
                options.findCallId().orElseGet(() -> UUID.randomUUID().toString()),
                options.session(),
                options.tags(),
                options.endUser(),
                options.timeout(),
                options.interruption(),
                options.deltas());
        String model = settings.findModel(full.parameters()).orElse("unknown");
        return Asking.ask(
                context,
                options.retries(),
                attempt -> telemetry == null
                        ? send(full, attempt)
                        : telemetry.around(model, attempt, inside -> send(full, inside)));
    }

    private static ModelRequest withMetadata(ModelRequest request, CallOptions options) {
        if (options.metadata().names().isEmpty()) {
            return request;
        }
        return new ModelRequest(
                request.instructions(),
                request.messages(),
                request.tools(),
                request.parameters().extra("litellm_metadata", options.metadata()),
                request.outputSchema());
    }

    /**
     * {@link #ask(ModelRequest, CallOptions)} on a thread of {@code executor}, which blocks as long as the call lasts.
     *
     * @return cancelling it interrupts the call
     */
    public CompletableFuture<ModelReply> askAsync(ModelRequest request, CallOptions options, Executor executor) {
        Interruption asked = options.interruption();
        Interruption stop = new Interruption();
        Interruption.Registration passedOn = asked.onRequest(() -> stop.request(asked.reason()));
        CompletableFuture<ModelReply> reply = new CompletableFuture<>();
        var ignored = reply.whenComplete((value, error) -> {
            passedOn.close();
            if (reply.isCancelled()) {
                stop.request("its future was cancelled");
            }
        });
        try {
            executor.execute(() -> complete(reply, request, options.interruption(stop)));
        } catch (RuntimeException e) {
            passedOn.close();
            throw e;
        }
        return reply;
    }

    private void complete(CompletableFuture<ModelReply> reply, ModelRequest request, CallOptions options) {
        if (reply.isDone()) {
            return;
        }
        try {
            reply.complete(ask(request, options));
        } catch (Throwable e) {
            reply.completeExceptionally(e);
        }
    }

    /**
     * @throws ModelException as {@link ModelClient#call}; a {@code TIMEOUT} says which time ran out
     * @throws IllegalStateException when neither request nor client names a model
     * @throws IllegalArgumentException when an extra parameter names a field that this client writes itself
     */
    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        ModelReply reply = send(request, CallContext.of(scope));
        ClientTelemetry.enrich(Span.current(), reply);
        return reply;
    }

    private ModelReply send(ModelRequest request, CallContext context) {
        if (second == null) {
            return guarded(request, context);
        }
        long started = System.nanoTime();
        Delivered delivered = new Delivered(context.deltas());
        try {
            return guarded(request, context.withDeltas(delivered));
        } catch (ModelException e) {
            Duration left = context.timeout().minusNanos(System.nanoTime() - started);
            if (!Guard.noGateway(e) || delivered.any() || left.isNegative() || left.isZero()) {
                throw e;
            }
            LOG.info("{}: {} is asked instead of {} ({})", context.callId(), second, this, e.kind());
            return second.send(request, context.within(left));
        }
    }

    private ModelReply guarded(ModelRequest request, CallContext context) {
        return guard.run(
                keyName(),
                context,
                (inside, signs) -> new ChatCall(settings, transport, prices, request, inside).run(signs));
    }

    private String keyName() {
        String id = settings.keyId();
        return id == null ? "" : id;
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
        return new HealthCheck(http(settings.within(Duration.ofSeconds(10)))).run();
    }

    private GatewayHttp http() {
        return http(settings);
    }

    /** Over this client's connections. */
    GatewayHttp http(Settings changed) {
        return new GatewayHttp(changed, transport);
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
        return new LiteLlm(changed, transport, prices, guard, telemetry, second);
    }
}

package dev.perdure.litellm.internal.wire;

import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.internal.guard.Guard;
import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.litellm.internal.http.CallWatch;
import dev.perdure.litellm.internal.http.CallWatch.Phase;
import dev.perdure.litellm.internal.http.ErrorText;
import dev.perdure.litellm.internal.http.Failures;
import dev.perdure.litellm.internal.http.NotTheProtocolException;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.WireJson;
import dev.perdure.litellm.internal.plain.Prices;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import okhttp3.Call;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.JacksonIOException;

/** One call, from the request to the whole reply. Confined to the caller's thread. */
public final class ChatCall {
    private static final Logger LOG = LoggerFactory.getLogger(LiteLlm.class);

    private final Settings settings;
    private final Call.Factory transport;
    private final Prices prices;
    private final CallContext context;
    private final CallWatch watch;
    private final Failures failures;
    private final String model;
    private final Call call;
    private final ReplyDraft draft;
    private final WireFormat format;
    private @Nullable Response response;

    public ChatCall(
            Settings settings, Call.Factory transport, Prices prices, ModelRequest request, CallContext context) {
        this.settings = settings;
        this.transport = transport;
        this.prices = prices;
        this.context = context;
        this.watch = new CallWatch(settings, context.timeout(), context.deltas().wanted());
        this.failures = new Failures(settings);
        this.model = settings.requireModel(request);
        this.draft = new ReplyDraft(context.deltas());
        this.format = WireFormat.of(settings.wire, draft.details());
        this.call = transport.newCall(request(request));
        this.call.timeout().timeout(watch.totalNanos(), TimeUnit.NANOSECONDS);
    }

    private Request request(ModelRequest request) {
        ModelParameters parameters = request.parameters().or(settings.parameters);
        return new Request.Builder()
                .url(settings.endpoint.at(format.route()))
                .headers(CallHeaders.of(settings, context, watch))
                .tag(CallWatch.class, watch)
                .post(format.body(request, model, parameters, watch.streamed))
                .build();
    }

    public ModelReply run(Guard.Signs signs) {
        watch.whenConnected(signs::connected);
        try {
            return run();
        } catch (ModelException e) {
            if (watch.totalIsOver()) {
                signs.outOfTime();
            }
            throw e;
        }
    }

    public ModelReply run() {
        Interruption.Registration cancelling = context.interruption().onRequest(call::cancel);
        try (Response answer = execute();
                format) {
            return read(answer);
        } catch (IOException e) {
            throw failed(e);
        } finally {
            cancelling.close();
        }
    }

    private Response execute() throws IOException {
        response = call.execute();
        return response;
    }

    private ModelReply read(Response answer) throws IOException {
        if (answer.code() != 200) {
            throw failures.refused(answer);
        }
        try {
            if (isStream(answer)) {
                readStream(answer);
            } else {
                readPlain(answer);
            }
            return reply(answer);
        } catch (NotTheProtocolException e) {
            throw failures.notTheProtocol(answer, String.valueOf(e.getMessage()));
        } catch (JacksonIOException e) {
            throw e.getCause();
        } catch (JacksonException e) {
            throw failures.notTheProtocol(answer, wrong(answer, e));
        } catch (NumberFormatException e) {
            throw failures.notTheProtocol(answer, "what came has a number with an exponent beyond all bounds");
        }
    }

    /** Without the parser's own words, which may quote what came. It names no place where a limit of its own is reached, or a value does not fit. */
    private String wrong(Response answer, JacksonException e) {
        if (e.getLocation() == null) {
            return "what came is nested too deep, too long, or of another shape, to be read";
        }
        return isStream(answer)
                ? "what came is not JSON, at byte " + format.offset(e) + " of a chunk"
                : "what came is not JSON, at byte " + e.getLocation().getByteOffset() + " of the answer";
    }

    /** By what came, not by what was asked: a server may ignore either wish. */
    private static boolean isStream(Response answer) {
        String type = answer.header("content-type", "");
        return type != null && type.toLowerCase(Locale.ROOT).startsWith("text/event-stream");
    }

    private void readStream(Response answer) throws IOException {
        BufferedSource source = answer.body().source();
        awaitFirstByte(source);
        EventStream events = new EventStream(source, WireJson.LONGEST);
        Consumer<Chunk> to = chunk -> add(answer, chunk);
        while (!format.isOver() && events.next()) {
            if (events.isDone()) {
                format.done();
                break;
            }
            format.event(events.data(), events.length(), to);
        }
        if (!format.isWhole()) {
            throw failures.cut(answer, null);
        }
    }

    private void awaitFirstByte(BufferedSource source) throws IOException {
        if (watch.streamed) {
            source.timeout().timeout(watch.firstByteLeftMillis(), TimeUnit.MILLISECONDS);
        }
        source.request(1);
        watch.enter(Phase.RECEIVING);
        source.timeout().timeout(CallWatch.millis(watch.chunk), TimeUnit.MILLISECONDS);
    }

    private void readPlain(Response answer) throws IOException {
        awaitFirstByte(answer.body().source());
        String type = answer.header("content-type");
        if (type != null && !type.toLowerCase(Locale.ROOT).contains("json")) {
            throw new NotTheProtocolException("the answer is " + ErrorText.clean(type, settings.key) + ", not JSON");
        }
        format.plain(answer.body().byteStream(), chunk -> add(answer, chunk));
    }

    private void add(Response answer, Chunk chunk) {
        if (chunk.error != null) {
            throw failures.broken(answer, chunk.error);
        }
        draft.add(chunk);
    }

    private ModelReply reply(Response answer) {
        if (!draft.answered()) {
            throw new NotTheProtocolException("there is no reply in the answer");
        }
        if (draft.restarted()) {
            LOG.debug("{}: the gateway fell back to {} in mid-stream", context.callId(), draft.model());
        }
        return new ModelReply(
                draft.parts(),
                draft.finishReason(),
                draft.usage(),
                cost(answer),
                draft.model().isEmpty() ? model : draft.model(),
                // After a fallback in mid-stream the header still names the deployment that broke.
                draft.restarted() ? null : answer.header("x-litellm-model-id"),
                answer.header("x-litellm-call-id"),
                draft.details().json(settings.gateway ? gatewayFacts(answer) : null));
    }

    private String gatewayFacts(Response answer) {
        return GatewayFacts.of(answer.headers(), settings.keyId(), draft.restarted());
    }

    private Cost cost(Response answer) {
        String header = isStream(answer) ? null : answer.header("x-litellm-response-cost");
        Cost cost = ReportedCost.of(header, draft.cost(), format.tellsCost());
        if (cost.source() != Cost.Source.UNKNOWN || context.interruption().requested()) {
            return cost;
        }
        String group = answer.header("x-litellm-model-group");
        String priced = draft.restarted() ? draft.model() : group == null ? model : group;
        return prices.estimate(settings, transport, priced, draft.usage(), watch.total.minus(watch.elapsed()));
    }

    private ModelException failed(IOException e) {
        boolean threadInterrupted = Thread.currentThread().isInterrupted();
        if (context.interruption().requested() || threadInterrupted) {
            return failures.interrupted(context.interruption().reason(), response);
        }
        return failures.of(e, watch, response);
    }
}

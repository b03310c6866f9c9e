package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import dev.perdure.spi.BlobStore;
import dev.perdure.spi.CallScope;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes one attempt of a model call and turns what comes of it into an event. */
final class ModelCaller {
    private static final Logger LOG = LoggerFactory.getLogger(ModelCaller.class);
    /**
     * Dollars per token taken for a call whose cost was not reported although its client reports cost: the price of a dear model, because
     * counting such a call as nothing would let a limit be passed.
     */
    private static final BigDecimal INPUT_PRICE = new BigDecimal("0.000015");

    private static final BigDecimal OUTPUT_PRICE = new BigDecimal("0.000075");

    private final SessionId session;
    private final Telemetry telemetry;
    private final BlobStore blobs;
    private final Duration timeout;

    ModelCaller(SessionId session, Telemetry telemetry, BlobStore blobs, Duration timeout) {
        this.session = session;
        this.telemetry = telemetry;
        this.blobs = blobs;
        this.timeout = timeout;
    }

    /** What came of an attempt. */
    sealed interface Result {
        record Replied(Event.ModelReplied event) implements Result {}

        record Failed(ModelException failure) implements Result {}
    }

    Result call(
            Agent agent,
            Decision.CallModel decision,
            int turn,
            int attempt,
            EventId id,
            @Nullable BigDecimal budgetLeft,
            Interruption interruption,
            CallScope.Deltas deltas) {
        ModelRequest request = resolved(decision.request());
        String model = request.parameters().findModel().orElse(agent.model().defaultModel());
        long started = System.nanoTime();
        try (Telemetry.Timed chat =
                telemetry.chat(session, agent.name(), agent.model().provider(), model, attempt)) {
            CallScope scope = new CallScope(
                    session,
                    turn,
                    id.toString(),
                    timeout,
                    interruption,
                    Map.of("agent", agent.name(), "tenant", session.tenant().value()),
                    budgetLeft,
                    deltas);
            try {
                ModelReply reply = agent.model().call(request, scope);
                if (reply == null) {
                    throw ModelException.of(
                            ModelException.Kind.CLIENT,
                            "model client " + agent.model().getClass().getName() + " returned null");
                }
                Event.ModelReplied event =
                        event(agent, decision, attempt, request, reply, (System.nanoTime() - started) / 1_000_000);
                telemetry.replied(chat, event);
                return new Result.Replied(event);
            } catch (ModelException e) {
                telemetry.failed(chat, e);
                return new Result.Failed(e);
            } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
                chat.failed(e.getClass().getName());
                LOG.warn("{}: the model client failed", session, e);
                return new Result.Failed(
                        ModelException.builder(ModelException.Kind.CLIENT, "the model client failed: " + e)
                                .cause(e)
                                .build());
            }
        }
    }

    private static Event.ModelReplied event(
            Agent agent,
            Decision.CallModel decision,
            int attempt,
            ModelRequest request,
            ModelReply reply,
            long millis) {
        Usage usage = reply.usage().total() > 0
                ? reply.usage()
                : guess(request, Json.of(reply.parts()).text().length());
        Cost cost = reply.cost();
        if (cost.source() == Cost.Source.UNKNOWN && agent.model().reportsCost()) {
            cost = estimate(usage);
        }
        return new Event.ModelReplied(
                decision.purpose(),
                attempt,
                reply.parts(),
                reply.finishReason(),
                usage,
                cost,
                reply.model(),
                reply.deployment(),
                reply.gatewayCallId(),
                millis,
                decision.covers() == 0 ? null : decision.covers(),
                reply.details().names().isEmpty() ? null : reply.details());
    }

    static Cost estimate(Usage usage) {
        BigDecimal usd = INPUT_PRICE
                .multiply(BigDecimal.valueOf(usage.input()))
                .add(OUTPUT_PRICE.multiply(BigDecimal.valueOf(usage.output())));
        return new Cost(usd, Cost.Source.ESTIMATED);
    }

    /** Tokens of a call that reported none: three characters each, which is more than they are. */
    static Usage guess(ModelRequest request, int received) {
        return Usage.estimated(1 + Json.of(request.messages()).text().length() / 3, 1 + received / 3);
    }

    /**
     * How the failure of an attempt is kept.
     *
     * @param received how many characters of a reply had come
     */
    static Event.ModelFailed failed(
            Agent agent,
            Decision.CallModel decision,
            int attempt,
            ModelException failure,
            boolean willRetry,
            int received) {
        Problem problem = failure.problem();
        if (received == 0 && !mayHaveCost(failure.kind())) {
            return new Event.ModelFailed(decision.purpose(), attempt, problem, willRetry);
        }
        Usage usage = guess(decision.request(), received);
        Cost cost = agent.model().reportsCost() ? estimate(usage) : Cost.UNKNOWN;
        return new Event.ModelFailed(decision.purpose(), attempt, problem, willRetry, usage, cost);
    }

    /** Whether the model may have worked although nothing of it came; what a peer refuses costs nothing. */
    private static boolean mayHaveCost(ModelException.Kind kind) {
        return switch (kind) {
            case TIMEOUT, CUT_STREAM, PROTOCOL -> true;
            default -> false;
        };
    }

    /** The request with files that are kept beside the log put into it. */
    @SuppressWarnings("ReferenceEquality") // whether it was replaced, not whether it is alike
    private ModelRequest resolved(ModelRequest request) {
        List<Message> messages = new ArrayList<>(request.messages().size());
        boolean changed = false;
        for (Message message : request.messages()) {
            Message next = message instanceof Message.User user ? resolved(user) : message;
            changed |= next != message;
            messages.add(next);
        }
        return changed
                ? new ModelRequest(
                        request.instructions(), messages, request.tools(), request.parameters(), request.outputSchema())
                : request;
    }

    private Message.User resolved(Message.User user) {
        if (user.parts().stream()
                .noneMatch(
                        part -> part instanceof Part.Media media && media.uri().startsWith("blob:"))) {
            return user;
        }
        return new Message.User(user.parts().stream()
                .map(part ->
                        part instanceof Part.Media media && media.uri().startsWith("blob:") ? resolved(media) : part)
                .toList());
    }

    private Part resolved(Part.Media media) {
        return BlobRef.ofUri(media.uri())
                .flatMap(ref -> blobs.find(session, ref))
                .<Part>map(bytes -> new Part.Media(
                        media.mediaType(),
                        media.name(),
                        "data:" + media.mediaType() + ";base64,"
                                + Base64.getEncoder().encodeToString(bytes)))
                .orElseGet(() -> new Part.Text("[the file " + media.name() + " is gone]"));
    }
}

package dev.perdure.testkit;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Cost;
import dev.perdure.session.Part;
import dev.perdure.session.Usage;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * A model that says what a test tells it to. Thread-safe; needs no network. Tokens are words: of the request's texts, and of the
 * reply's.
 */
public final class ScriptedModel implements ModelClient {
    private final Function<ModelRequest, Step> script;
    private final Cost cost;
    private final List<ModelRequest> requests;

    private ScriptedModel(Function<ModelRequest, Step> script, Cost cost, List<ModelRequest> requests) {
        this.script = script;
        this.cost = cost;
        this.requests = requests;
    }

    /**
     * One step per call, in the order of the calls, whatever they ask; after the last an {@link IllegalStateException}. Two
     * clients in two processes know nothing of one another: for those take {@link #steps}.
     */
    public static ScriptedModel replies(Step... steps) {
        List<Step> script = List.of(steps);
        AtomicInteger next = new AtomicInteger();
        return answering(request -> at(script, next.getAndIncrement()));
    }

    /** Texts, one per call, in the order of the calls. */
    public static ScriptedModel replies(String... texts) {
        return replies(Arrays.stream(texts).map(Step::text).toArray(Step[]::new));
    }

    /**
     * The step whose place in the list is the number of the model's messages in the request, so that the same request gets the
     * same answer in every process and after every crash. A request that holds less than the whole conversation (compaction)
     * counts fewer.
     */
    public static ScriptedModel steps(List<Step> steps) {
        List<Step> script = List.copyOf(steps);
        return answering(request -> at(script, (int) repliesIn(request)));
    }

    /** The function is called on the caller's thread, perhaps on several at once. */
    public static ScriptedModel answering(Function<ModelRequest, Step> script) {
        return new ScriptedModel(
                script,
                new Cost(new BigDecimal("0.001"), Cost.Source.HEADER),
                Collections.synchronizedList(new ArrayList<>()));
    }

    /** A copy with what each reply costs, in US dollars; default 0.001. The script's progress and the requests are shared. */
    public ScriptedModel cost(String usd) {
        return new ScriptedModel(script, new Cost(new BigDecimal(usd), Cost.Source.HEADER), requests);
    }

    /** All requests so far, oldest first. */
    public List<ModelRequest> requests() {
        synchronized (requests) {
            return List.copyOf(requests);
        }
    }

    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        requests.add(request);
        Step step = script.apply(request);
        try (Pause pause = new Pause(scope)) {
            pause.check();
            pause.of(step.firstAfter());
            step.findFailure().ifPresent(failure -> {
                throw copy(failure);
            });
            List<Part> parts = withIds(step.parts(), repliesIn(request));
            parts.forEach(part -> say(part, step, scope, pause));
            return reply(request, parts);
        }
    }

    @Override
    public boolean reportsCost() {
        return true;
    }

    @Override
    public String provider() {
        return "scripted";
    }

    @Override
    public String defaultModel() {
        return "scripted";
    }

    private static void say(Part part, Step step, CallScope scope, Pause pause) {
        if (part instanceof Part.Thinking thinking
                && scope.deltas().wanted()
                && !thinking.text().isEmpty()) {
            scope.deltas().thinking(thinking.text());
        }
        if (!(part instanceof Part.Text text)) {
            return;
        }
        String[] words = text.text().split("(?<=\\s)(?=\\S)", -1);
        for (int i = 0; i < words.length; i++) {
            if (i > 0) {
                pause.of(step.wordEvery());
            }
            if (scope.deltas().wanted() && !words[i].isEmpty()) {
                scope.deltas().text(words[i]);
            }
        }
    }

    private ModelReply reply(ModelRequest request, List<Part> parts) {
        boolean calls = parts.stream().anyMatch(Part.ToolUse.class::isInstance);
        String model = request.parameters().findModel().orElse(defaultModel());
        Usage usage = Usage.of(Math.max(1, words(request)), Math.max(1, words(parts)));
        return new ModelReply(parts, calls ? "tool_calls" : "stop", usage, cost, model, null, null);
    }

    private static List<Part> withIds(List<Part> parts, long step) {
        List<Part> named = new ArrayList<>();
        for (Part part : parts) {
            named.add(
                    part instanceof Part.ToolUse use && use.providerId().isEmpty()
                            ? new Part.ToolUse("call_" + step + "_" + named.size(), use.name(), use.arguments())
                            : part);
        }
        return named;
    }

    /** A stack trace of this call, not of the one that wrote the script. */
    private static ModelException copy(ModelException e) {
        return ModelException.builder(e.kind(), String.valueOf(e.getMessage()))
                .retryAfter(e.findRetryAfter().orElse(null))
                .status(e.findStatus().orElse(null))
                .gatewayCallId(e.findGatewayCallId().orElse(null))
                .cause(e)
                .build();
    }

    private static Step at(List<Step> script, int index) {
        if (index >= script.size()) {
            throw new IllegalStateException(
                    "the script has " + script.size() + " steps, but this is call " + (index + 1));
        }
        return script.get(index);
    }

    private static long repliesIn(ModelRequest request) {
        return request.messages().stream()
                .filter(Message.Assistant.class::isInstance)
                .count();
    }

    private static long words(ModelRequest request) {
        long words = words(request.instructions());
        for (Message message : request.messages()) {
            words += message instanceof Message.User user
                    ? words(user.parts())
                    : message instanceof Message.Assistant assistant
                            ? words(assistant.parts())
                            : words(((Message.ToolResult) message).output());
        }
        return words;
    }

    private static long words(List<Part> parts) {
        return parts.stream()
                .mapToLong(part -> part instanceof Part.Text text
                        ? words(text.text())
                        : part instanceof Part.ToolUse use ? words(use.arguments()) : 0)
                .sum();
    }

    private static long words(String text) {
        return text.isBlank() ? 0 : text.trim().split("\\s+", -1).length;
    }
}

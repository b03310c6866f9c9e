package dev.perdure.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.model.Message;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.model.ToolSpec;
import dev.perdure.session.Cost;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.Part;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every {@link ModelClient} does. A subclass supplies the client, and a peer behind it that behaves in each of the ways of
 * {@link Peer}.
 */
@Timeout(30)
public abstract class ModelClientContract {
    /** The text that {@link Peer#ANSWERS} answers with. */
    protected static final String TEXT = "Four words, twice over.\nGrüße, 東京 👩‍👩‍👧.";

    private static final ToolSpec ADD = new ToolSpec(
            "add",
            "Adds two numbers",
            Json.parse(
                    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"integer\"}}}"));

    /** How the peer behaves to each request. */
    protected enum Peer {
        /** {@link #TEXT}, in several pieces when asked for a stream. */
        ANSWERS,
        /** Two calls of {@code add}, {@code {"a":1,"b":2}} and {@code {"a":3,"b":4}}; after their results a text of both outputs. */
        CALLS_TOOLS,
        /** The text of the last user's message. */
        ECHOES,
        /** Says nothing for at least a minute. */
        NEVER_ANSWERS,
        /** Some text, then nothing for at least a minute. */
        STALLS,
        /** Does not know the key. */
        REFUSES_KEY,
        /** Fails in a retryable way. */
        FAILS
    }

    /** A client of such a peer. */
    protected abstract ModelClient clientOf(Peer peer);

    /** How many requests have reached the peer of the last client. */
    protected abstract int requestsSeen();

    @Test
    void plainReply_isTheText() {
        ModelReply reply = clientOf(Peer.ANSWERS).call(asking("hi"), scope().build());

        assertThat(reply.text()).isEqualTo(TEXT);
        assertThat(reply.parts()).containsExactly(new Part.Text(TEXT));
        assertThat(reply.finishReason()).isEqualTo("stop");
        assertThat(reply.model()).isNotBlank();
    }

    @Test
    void deltas_joined_areTheText() {
        Heard heard = new Heard();

        ModelReply reply =
                clientOf(Peer.ANSWERS).call(asking("hi"), scope().deltas(heard).build());

        assertThat(heard.text()).isEqualTo(TEXT).isEqualTo(reply.text());
        assertThat(heard.pieces).hasSizeGreaterThan(1).doesNotContain("");
        assertThat(heard.threads).containsOnly(Thread.currentThread());
    }

    @Test
    void toolCalls_comeWithArguments_plainAndStreamed() {
        ModelClient client = clientOf(Peer.CALLS_TOOLS);
        for (CallScope scope :
                List.of(scope().build(), scope().deltas(new Heard()).build())) {
            ModelReply reply = client.call(withTool("add"), scope);

            assertThat(toolUses(reply)).extracting(Part.ToolUse::name).containsExactly("add", "add");
            assertThat(toolUses(reply))
                    .extracting(use -> Json.parse(use.arguments()).as(Map.class))
                    .containsExactly(Map.of("a", 1, "b", 2), Map.of("a", 3, "b", 4));
        }
    }

    @Test
    void toolResults_goBack() {
        ModelClient client = clientOf(Peer.CALLS_TOOLS);
        ModelRequest first = withTool("add");
        ModelReply calls = client.call(first, scope().build());
        List<Message> messages = new ArrayList<>(first.messages());
        messages.add(new Message.Assistant(calls.parts()));
        List<Part.ToolUse> uses = toolUses(calls);
        messages.add(new Message.ToolResult(uses.get(0).providerId(), "add", "three", false));
        messages.add(new Message.ToolResult(uses.get(1).providerId(), "add", "seven", false));

        ModelReply reply = client.call(ModelRequest.of("", messages, List.of(ADD)), scope().build());

        assertThat(reply.text()).contains("three").contains("seven");
        assertThat(toolUses(reply)).isEmpty();
    }

    @Test
    void usageIsCounted_andCostReportedWherePromised() {
        ModelClient client = clientOf(Peer.ANSWERS);
        for (CallScope scope :
                List.of(scope().build(), scope().deltas(new Heard()).build())) {
            ModelReply reply = client.call(asking("hi"), scope);

            assertThat(reply.usage().input()).isPositive();
            assertThat(reply.usage().output()).isPositive();
            if (client.reportsCost()) {
                assertThat(reply.cost().source()).isNotEqualTo(Cost.Source.UNKNOWN);
            }
        }
    }

    @Test
    void interruptedBeforeTheCall_doesNotAnswer() {
        Interruption interruption = new Interruption();
        interruption.request("not wanted any more");

        ModelException e = failure(
                clientOf(Peer.ANSWERS), scope().interruption(interruption).build());

        assertThat(e.kind()).isEqualTo(Kind.INTERRUPTED);
        assertThat(e.getMessage()).contains("not wanted any more");
    }

    @Test
    void interruptedThread_doesNotAnswer_andStaysMarked() {
        Thread.currentThread().interrupt();
        try {
            ModelException e = failure(clientOf(Peer.ANSWERS), scope().build());

            assertThat(e.kind()).isEqualTo(Kind.INTERRUPTED);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            // For the next test on this thread.
            Thread.interrupted();
        }
    }

    @Test
    void interruptedWhileWaiting_endsSoon() throws Exception {
        for (CallScope.Deltas deltas : List.of(CallScope.Deltas.UNWANTED, new Heard())) {
            Interruption interruption = new Interruption();
            ModelClient client = clientOf(Peer.NEVER_ANSWERS);
            Running running = new Running(
                    client, scope().interruption(interruption).deltas(deltas).build());
            awaitRequest();

            interruption.request("stop");

            assertThat(running.failure().kind()).isEqualTo(Kind.INTERRUPTED);
        }
    }

    @Test
    void interruptedInTheMidst_endsSoon() throws Exception {
        Interruption interruption = new Interruption();
        CountDownLatch begun = new CountDownLatch(1);
        Running running = new Running(
                clientOf(Peer.STALLS),
                scope().interruption(interruption)
                        .deltas(new Heard(begun::countDown))
                        .build());
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();

        interruption.request("stop");

        assertThat(running.failure().kind()).isEqualTo(Kind.INTERRUPTED);
    }

    @Test
    void interruptOfTheThread_endsSoon_andLeavesItMarked() throws Exception {
        for (Peer peer : List.of(Peer.NEVER_ANSWERS, Peer.STALLS)) {
            Running running =
                    new Running(clientOf(peer), scope().deltas(new Heard()).build());
            awaitRequest();

            running.thread.interrupt();

            assertThat(running.failure().kind()).isEqualTo(Kind.INTERRUPTED);
            assertThat(running.markedAsInterrupted).isTrue();
        }
    }

    @Test
    void timeoutOfTheScope_holds() {
        for (Peer peer : List.of(Peer.NEVER_ANSWERS, Peer.STALLS)) {
            long start = System.nanoTime();

            ModelException e = failure(
                    clientOf(peer),
                    scope().timeout(Duration.ofMillis(200)).deltas(new Heard()).build());

            assertThat(e.kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(e.retryable()).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofMillis(190), Duration.ofSeconds(5));
        }
    }

    @Test
    void unknownKey_isAuth_notRetryable() {
        ModelException e = failure(clientOf(Peer.REFUSES_KEY), scope().build());

        assertThat(e.kind()).isEqualTo(Kind.AUTH);
        assertThat(e.retryable()).isFalse();
    }

    @Test
    void failure_isRetryable_butNotRetriedHere() {
        ModelException e = failure(clientOf(Peer.FAILS), scope().build());

        assertThat(e.retryable()).isTrue();
        assertThat(requestsSeen()).isEqualTo(1);
    }

    @Test
    void callsAtTheSameTime_doNotMix() throws Exception {
        ModelClient client = clientOf(Peer.ECHOES);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<String>> texts = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                ModelRequest request = asking("question " + i);
                boolean streamed = i % 2 == 0;
                texts.add(threads.submit(() -> client.call(
                                request,
                                scope().deltas(streamed ? new Heard() : CallScope.Deltas.UNWANTED)
                                        .build())
                        .text()));
            }
            for (int i = 0; i < 64; i++) {
                assertThat(texts.get(i).get()).isEqualTo("question " + i);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void awaitRequest() {
        while (requestsSeen() == 0) {
            Thread.onSpinWait();
        }
    }

    private static ModelException failure(ModelClient client, CallScope scope) {
        return catchThrowableOfType(ModelException.class, () -> client.call(asking("hi"), scope));
    }

    private static ModelRequest asking(String text) {
        return ModelRequest.of("Be short.", List.of(new Message.User(List.of(new Part.Text(text)))), List.of());
    }

    private static ModelRequest withTool(String text) {
        return ModelRequest.of("", asking(text).messages(), List.of(ADD));
    }

    private static List<Part.ToolUse> toolUses(ModelReply reply) {
        return reply.parts().stream()
                .filter(Part.ToolUse.class::isInstance)
                .map(Part.ToolUse.class::cast)
                .toList();
    }

    private static ScopeBuilder scope() {
        return new ScopeBuilder();
    }

    private static final class ScopeBuilder {
        private Duration timeout = Duration.ofSeconds(20);
        private Interruption interruption = Interruption.never();
        private CallScope.Deltas deltas = CallScope.Deltas.UNWANTED;

        ScopeBuilder timeout(Duration value) {
            timeout = value;
            return this;
        }

        ScopeBuilder interruption(Interruption value) {
            interruption = value;
            return this;
        }

        ScopeBuilder deltas(CallScope.Deltas value) {
            deltas = value;
            return this;
        }

        CallScope build() {
            String callId = UUID.randomUUID().toString();
            return new CallScope(
                    SessionId.of("acme", "contract"), 1, callId, timeout, interruption, Map.of(), null, deltas);
        }
    }

    /** A call on a thread of its own that is to fail. */
    private static final class Running {
        final Thread thread;
        private final AtomicReference<ModelException> failed = new AtomicReference<>();
        volatile boolean markedAsInterrupted;

        Running(ModelClient client, CallScope scope) {
            thread = new Thread(() -> {
                failed.set(ModelClientContract.failure(client, scope));
                markedAsInterrupted = Thread.currentThread().isInterrupted();
            });
            thread.start();
        }

        ModelException failure() throws InterruptedException {
            thread.join(5_000);
            assertThat(thread.isAlive()).as("ends within five seconds").isFalse();
            return failed.get();
        }
    }

    private static final class Heard implements CallScope.Deltas {
        final List<String> pieces = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();
        private final Runnable onText;

        Heard() {
            this(() -> {});
        }

        Heard(Runnable onText) {
            this.onText = onText;
        }

        @Override
        public void text(String more) {
            pieces.add(more);
            threads.add(Thread.currentThread());
            onText.run();
        }

        @Override
        public void discard() {
            pieces.clear();
        }

        String text() {
            return String.join("", pieces);
        }
    }
}

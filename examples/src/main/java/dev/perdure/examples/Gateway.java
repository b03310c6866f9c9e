package dev.perdure.examples;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Limits;
import dev.perdure.Outcome;
import dev.perdure.examples.gateway.Peer;
import dev.perdure.litellm.CallFacts;
import dev.perdure.litellm.CallOptions;
import dev.perdure.litellm.KeyRequest;
import dev.perdure.litellm.Keys;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.Quota;
import dev.perdure.model.Message;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Part;
import dev.perdure.session.Problem;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.spi.CallScope;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * What a LiteLLM gateway governs: who answers, what it costs, what happens when a model fails, and where the money ends.
 *
 * <pre>{@code examples/run gateway}</pre>
 *
 * <p>With {@code LITELLM_BASE_URL}, {@code LITELLM_API_KEY} and {@code LITELLM_MODEL} it calls a real gateway; with {@code LITELLM_FALLBACK_MODEL} the fallback of that model
 * group is shown, with {@code LITELLM_DB_BASE_URL} and a key that may mint keys a key's own budget. Else a fake one in this process plays LiteLLM's part.
 */
public final class Gateway {
    private static final int MOST_TURNS = 50;

    private final Peer peer;
    private final PrintStream out;
    private int calls;
    private BigDecimal usd = BigDecimal.ZERO;
    private int fallbacks;
    private int stops;

    private Gateway(Peer peer, PrintStream out) {
        this.peer = peer;
        this.out = out;
    }

    public static void main(String... arguments) {
        try (Peer peer = Peer.of(System.getenv())) {
            new Gateway(peer, System.out).run();
        } catch (IllegalArgumentException e) {
            System.err.println("gateway: " + e.getMessage());
            System.exit(2);
        }
    }

    private void run() {
        out.println("gateway: " + peer.saying());
        routing();
        streaming();
        fallback();
        budgetOfASession();
        budgetOfAKey();
        out.println("RESULT gateway calls=" + calls + " usd=" + dollars(usd).substring(1) + " fallbacks=" + fallbacks
                + " budget_stops=" + stops);
    }

    private void routing() {
        ModelReply reply = count(peer.client().ask("What is a gateway?"));
        CallFacts facts = CallFacts.of(reply);
        say("routing", "\"" + shown(reply.text()) + "\"");
        say(
                "",
                peer.client() + " -> group " + facts.findModelGroup().orElse("?") + ", deployment " + reply.deployment()
                        + ", the provider's " + facts.findDeploymentModel().orElse("?"));
        say(
                "",
                "gateway's own time "
                        + facts.findOverhead().map(Duration::toMillis).orElse(0L) + " ms, retries "
                        + facts.findRetries().orElse(0));
        say(
                "cost",
                dollars(reply.cost().usd()) + " by its " + word(reply) + ", "
                        + reply.usage().total() + " tokens");
    }

    private void streaming() {
        Chunks chunks = new Chunks();
        ModelReply reply =
                count(peer.client().ask(request("And what is a stream?"), CallOptions.DEFAULT.deltas(chunks)));
        say("stream", dollars(reply.cost().usd()) + " by its " + word(reply) + ", text in " + chunks.count + " pieces");
    }

    private void fallback() {
        if (peer.fallbackModel() == null) {
            say("fallback", "not shown: LITELLM_FALLBACK_MODEL names no model group that has one");
            return;
        }
        ModelReply reply = count(peer.client().model(peer.fallbackModel()).ask("Are you there?"));
        CallFacts facts = CallFacts.of(reply);
        fallbacks += facts.findFallbacks().orElse(0);
        say(
                "fallback",
                peer.fallbackModel() + " failed, " + facts.findModelGroup().orElse("?") + " answered ("
                        + facts.findFallbacks().orElse(0) + " fallback): \"" + shown(reply.text()) + "\"");
    }

    /** The engine counts what the log says, and makes no call that would begin beyond the limit. */
    private void budgetOfASession() {
        Agent agent = Agent.builder("saver")
                .model(peer.client())
                .limits(Limits.none().perSession(Limits.none().usd("0.0004")))
                .build();
        Problem problem = askUntilItFails(agent, "saver");
        say("budget", "session: " + problem.message());
    }

    /** The gateway counts, whoever calls: it refuses the call, and the refusal is not tried again. */
    private void budgetOfAKey() {
        LiteLlm governed = peer.governed();
        if (peer.governance() == null || governed == null) {
            say("", "key: not shown: LITELLM_DB_BASE_URL names no gateway with a database");
            return;
        }
        Keys keys = peer.governance().keys();
        Keys.Minted key = keys.mint(KeyRequest.create()
                .alias("perdure-example-" + UUID.randomUUID())
                .lifetime(Duration.ofHours(1))
                .quota(Quota.none().usd("0.0004")));
        try {
            Agent agent =
                    Agent.builder("spender").model(governed.key(key.value())).build();
            Problem problem = askUntilItFails(agent, "spender");
            say("", "key:     " + problem.message());
        } finally {
            keys.revoke(key.id());
        }
    }

    private Problem askUntilItFails(Agent agent, String name) {
        SessionId id = SessionId.of("acme", name + "-" + UUID.randomUUID());
        InMemorySessionStore store = InMemorySessionStore.create();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, name);
            for (int turn = 1; turn <= MOST_TURNS; turn++) {
                Outcome outcome = session.send("Question " + turn + "?").await();
                if (outcome.findFailed().isPresent()) {
                    SessionView view = session.view();
                    calls += view.steps();
                    usd = usd.add(view.cost().usd());
                    stops++;
                    say(
                            "",
                            name + " asked " + view.steps() + " times for "
                                    + dollars(view.cost().usd()) + ", then was stopped");
                    return outcome.findFailed().get().problem();
                }
            }
        }
        throw new IllegalStateException(
                "no budget stopped " + MOST_TURNS + " calls: are their prices set at the gateway?");
    }

    private ModelReply count(ModelReply reply) {
        calls++;
        usd = usd.add(reply.cost().usd());
        return reply;
    }

    private static ModelRequest request(String text) {
        return ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text(text)))), List.of());
    }

    private static String word(ModelReply reply) {
        return Map.of("HEADER", "header", "USAGE", "usage")
                .getOrDefault(
                        reply.cost().source().name(),
                        reply.cost().source().name().toLowerCase(java.util.Locale.ROOT));
    }

    private static String shown(String text) {
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= 60 ? line : line.substring(0, 60) + "…";
    }

    private static String dollars(BigDecimal amount) {
        return "$"
                + amount.setScale(8, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString();
    }

    private void say(String what, String line) {
        out.printf("%-10s%s%n", what, line);
    }

    /** Counts what comes in. */
    private static final class Chunks implements CallScope.Deltas {
        private int count;

        @Override
        public void text(String more) {
            count++;
        }

        @Override
        public void discard() {
            count = 0;
        }
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Input;
import dev.perdure.session.Actor;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A process that runs sessions, sends to them, and dies. */
final class CrashChild {
    private static final Logger LOG = LoggerFactory.getLogger(CrashChild.class);
    /** Few, so that sessions come to their end and are woken up again, again and again. */
    private static final int MOST_WAITING = 1;

    private static final double SLOW_CLAIMS = 0.1;
    private static final int INTERRUPTS = 12;

    private final Orders orders;
    private final Crasher crasher;
    private final Witness witness;
    private final Random random;
    private final Map<SessionId, Integer> next = new HashMap<>();

    private CrashChild(Orders orders, Crasher crasher, Witness witness) {
        this.orders = orders;
        this.crasher = crasher;
        this.witness = witness;
        this.random = new Random(orders.seed() * 31 + orders.slot() * 7919L + orders.life());
    }

    public static void main(String... arguments) {
        Orders orders = Orders.of(arguments);
        Crasher crasher = new Crasher(orders.plan());
        try (Witness witness = new Witness(orders.folder(), orders.slot())) {
            new CrashChild(orders, crasher, witness).live();
        }
        // Not the end of main: whatever threads are left must not keep a process that is done.
        System.exit(0);
    }

    private void live() {
        double slow = orders.plan().pauses() ? 1 : SLOW_CLAIMS;
        try (SessionStore store = new CrashingStore(
                        Orders.open(orders.store(), orders.folder()), crasher, random, slow, orders.lease());
                EffectLedger ledger = EffectLedger.open(Orders.ledger(orders.folder()));
                AgentRuntime runtime = runtime(store, ledger)) {
            crasher.say("ready");
            if (orders.sending()) {
                send(store, runtime);
            }
            crasher.awaitEnd();
        }
    }

    private AgentRuntime runtime(SessionStore store, EffectLedger ledger) {
        Agent agent = CrashAgent.of(new Outside(store, ledger), crasher::reach);
        return AgentRuntime.builder(store)
                .agents(witness.watching(agent, crasher))
                .lease(orders.lease())
                .poll(Duration.ofMillis(50))
                // Few, so that a short life brings some of them on instead of claiming all of them in vain.
                .workers(3)
                // Here a session that gets nowhere is not to blame.
                .quarantineAfter(1_000_000)
                .listener(witness)
                .build();
    }

    private void send(SessionStore store, AgentRuntime runtime) {
        learn();
        List<AgentSession> sessions = Orders.sessions(orders.sessions()).stream()
                .map(session -> runtime.open(session, Orders.AGENT))
                .toList();
        while (!crasher.ended()) {
            AgentSession session = sessions.get(random.nextInt(sessions.size()));
            if (store.inbox(session.id(), 0, MOST_WAITING).size() < MOST_WAITING) {
                trySend(session);
            }
            Pauses.sleep(5 + random.nextInt(25));
        }
    }

    private void trySend(AgentSession session) {
        try {
            send(session);
        } catch (StoreException e) {
            LOG.info("{}: not sent, so the same again later", session.id(), e);
        }
    }

    /** What the life before sent last, it may not have heard of: then the same is sent again. */
    private void send(AgentSession session) {
        int number = next.getOrDefault(session.id(), 1);
        String sender = "w" + orders.slot();
        String key = sender + "-" + number;
        session.send(Input.text(key + " to " + session.id().name()).key(key).from(Actor.user(sender)));
        witness.sent(session.id(), key);
        next.put(session.id(), number + 1);
        if (random.nextInt(INTERRUPTS) == 0) {
            session.interrupt("by the crash harness", Actor.user(sender));
        }
    }

    private void learn() {
        Path acks = Witness.acks(orders.folder(), orders.slot());
        for (List<String> ack : Lines.read(acks)) {
            String key = ack.get(1);
            SessionId session = Orders.session(ack.get(0));
            next.merge(session, Integer.parseInt(key.substring(key.indexOf('-') + 1)) + 1, Math::max);
        }
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Input;
import dev.perdure.session.Actor;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A process that runs sessions, sends to them, and dies. */
final class CrashChild {
    private static final Logger LOG = LoggerFactory.getLogger(CrashChild.class);
    /** Few, so that sessions come to their end and are woken up again, again and again. */
    private static final int MOST_WAITING = 1;

    private static final int LOOK_MILLIS = 50;
    private static final Duration LONGEST_AWAY = Duration.ofSeconds(30);

    private static final double SLOW_CLAIMS = 0.1;
    private static final int INTERRUPTS = 12;
    private static final int LAST = 4;

    private final Orders orders;
    private final Crasher crasher;
    private final Witness witness;
    private final Random random;
    private final Map<SessionId, Integer> next = new HashMap<>();

    private CrashChild(Orders orders, Crasher crasher, Witness witness) {
        this.orders = orders;
        this.crasher = crasher;
        this.witness = witness;
        this.random =
                new Random(new SplittableRandom(orders.seed() * 31 + orders.slot() * 7919L + orders.life()).nextLong());
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
        try (SessionStore store = new CrashingStore(open(), crasher, witness, random, slow, orders.lease());
                Ledgers ledgers = new Ledgers(orders.folder());
                AgentRuntime runtime = runtime(store, ledgers)) {
            crasher.say("ready");
            if (orders.senders() > 0) {
                send(store, runtime);
            } else if (orders.slot() == 0) {
                sendLast(runtime);
            }
            crasher.awaitEnd();
        }
    }

    /** Tries again while the server may only be away for a moment. */
    private SessionStore open() {
        long start = System.nanoTime();
        while (true) {
            try {
                return Orders.open(orders.store(), orders.folder(), orders.server());
            } catch (RuntimeException e) {
                if (!orders.serverFails() || System.nanoTime() - start > LONGEST_AWAY.toNanos()) {
                    throw e;
                }
                LOG.info("the store cannot be opened, so another try later", e);
                Pauses.sleep(LOOK_MILLIS);
            }
        }
    }

    private AgentRuntime runtime(SessionStore store, Ledgers ledgers) {
        Agent agent = CrashAgent.of(new Outside(store, ledgers), crasher::reach, orders.lease());
        return AgentRuntime.builder(store)
                .agents(witness.watching(agent, crasher::reach))
                .lease(orders.lease())
                .poll(Duration.ofMillis(LOOK_MILLIS))
                // Few, so that a short life brings some of them on instead of claiming all of them in vain.
                .workers(2)
                // Here a session that gets nowhere is not to blame.
                .quarantineAfter(1_000_000)
                .listener(witness)
                .build();
    }

    private void send(SessionStore store, AgentRuntime runtime) {
        learn();
        List<SessionId> sessions = orders.targets();
        while (!crasher.ended()) {
            SessionId session = sessions.get(random.nextInt(sessions.size()));
            try {
                if (store.inbox(session, 0, MOST_WAITING).size() < MOST_WAITING) {
                    send(runtime.open(session, Orders.AGENT));
                }
            } catch (StoreException e) {
                LOG.info("{}: not sent, so the same again later", session, e);
            }
            // All senders together always send as much.
            Pauses.sleep(orders.senders() * (2L + random.nextInt(12)));
        }
    }

    /** How many of a round's sessions get a last input. */
    static int last(int sessions) {
        return Math.min(LAST, sessions);
    }

    /** When nobody is killed any more, sessions are still good for an input, and for a call that outlasts their lease. */
    private void sendLast(AgentRuntime runtime) {
        List<SessionId> left = new ArrayList<>(orders.targets().subList(0, last(orders.sessions())));
        while (!left.isEmpty() && !crasher.ended()) {
            SessionId session = left.get(0);
            try {
                String key = CrashAgent.LONG + "-1";
                runtime.open(session, Orders.AGENT)
                        .send(Input.text(key + " to " + session).key(key));
                witness.sent(session, key);
                left.remove(0);
            } catch (StoreException e) {
                LOG.info("{}: not sent, so the same again later", session, e);
                Pauses.sleep(LOOK_MILLIS);
            }
        }
    }

    /** What the life before sent last, it may not have heard of: then the same is sent again. */
    private void send(AgentSession session) {
        int number = next.getOrDefault(session.id(), 1);
        String sender = "w" + orders.slot();
        String key = sender + "-" + number;
        session.send(Input.text(key + " to " + session.id()).key(key).from(Actor.user(sender)));
        witness.sent(session.id(), key);
        next.put(session.id(), number + 1);
        if (random.nextInt(INTERRUPTS) == 0) {
            session.interrupt("by the crash harness", Actor.user(sender));
        }
    }

    private void learn() {
        for (List<String> ack : Lines.read(orders.current().paper(Round.Paper.ACKS, orders.slot()))) {
            String key = ack.get(2);
            SessionId session = SessionId.of(ack.get(0), ack.get(1));
            next.merge(session, Integer.parseInt(key.substring(key.indexOf('-') + 1)) + 1, Math::max);
        }
    }
}

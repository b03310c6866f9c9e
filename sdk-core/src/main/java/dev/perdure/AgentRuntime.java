package dev.perdure;

import dev.perdure.internal.engine.Engine;
import dev.perdure.internal.engine.Listeners;
import dev.perdure.internal.engine.Telemetry;
import dev.perdure.session.Draft;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Tool;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs agents' sessions in this process: those that are sent to here, and those that any process left ready or orphaned. Start one in every
 * replica on the same store, and each can go on with any session. Thread-safe. Uses daemon threads only.
 */
public final class AgentRuntime implements AutoCloseable {
    private final Engine engine;
    private final Operator operator;

    private AgentRuntime(Engine engine) {
        this.engine = engine;
        this.operator = new Operator(engine.store(), engine::post);
        engine.start();
    }

    /** A runtime with the defaults of {@link #builder}. */
    public static AgentRuntime open(SessionStore store, Agent... agents) {
        return builder(store).agents(agents).build();
    }

    public static Builder builder(SessionStore store) {
        return new Builder(store);
    }

    /**
     * A session of this name: the one that is there, or a new one of the agent.
     *
     * @throws IllegalArgumentException when this runtime has no such agent
     * @throws IllegalStateException when this runtime is closed, the session was deleted, or it belongs to an agent that this runtime
     *     does not have
     */
    public AgentSession open(SessionId id, String agent) {
        return open(id, agent, Map.of());
    }

    /** @param labels kept with a new session, to find it by */
    public AgentSession open(SessionId id, String agent, Map<String, String> labels) {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(agent, "agent");
        Objects.requireNonNull(labels, "labels");
        engine.requireOpen();
        if (!engine.agents().containsKey(agent)) {
            throw new IllegalArgumentException("this runtime has no agent \"" + agent + "\", only "
                    + engine.agents().keySet());
        }
        Draft first = Draft.of(engine.newId(), 0, new Event.SessionOpened(agent, labels));
        SessionStore.Opened opened = engine.store().open(new SessionStore.NewSession(id, agent, labels, first));
        if (opened instanceof SessionStore.Opened.Deleted) {
            throw new IllegalStateException(
                    "session " + id + " was deleted; its name is free when a purge of DELETED sessions has removed it");
        }
        String bound = opened instanceof SessionStore.Opened.Existing existing
                ? existing.session().agent()
                : agent;
        if (!engine.agents().containsKey(bound)) {
            throw new IllegalStateException(
                    "session " + id + " belongs to agent \"" + bound + "\", which this runtime does not have (it has "
                            + engine.agents().keySet() + "): add it");
        }
        return new AgentSession(engine, operator, id, bound);
    }

    /**
     * A session that is there, whatever its agent. When this runtime does not have that agent, what is sent waits for a process that
     * does.
     */
    public Optional<AgentSession> find(SessionId id) {
        return engine.store()
                .find(id)
                .filter(session -> session.status() != SessionStatus.DELETED)
                .map(session -> new AgentSession(engine, operator, session.id(), session.agent()));
    }

    /** As {@link Operator#of}, and this runtime acts on what it says at once. */
    public Operator operator() {
        return operator;
    }

    /**
     * Claims nothing more, and waits until each turn that runs here is over or waits for somebody; then nothing runs here. What is sent from here meanwhile
     * is stored and left to other runtimes. {@link #close} afterwards stops what is left, at the end of its step. So a process that is told to end
     * loses no work, and its sessions go on elsewhere at once:
     *
     * <pre>{@code
     * Runtime.getRuntime().addShutdownHook(new Thread(() -> {   // SIGTERM; the platform allows 30 s until SIGKILL
     *   runtime.drain(Duration.ofSeconds(15));
     *   runtime.close();                                        // at most closeGrace and 3 s more
     *   store.close();
     * }));
     * }</pre>
     *
     * <p>There is no way back: a drained runtime is only good to be closed. Safe to repeat.
     *
     * @return whether nothing runs here any more; false when some turns still go on after {@code atMost}
     */
    public boolean drain(Duration atMost) {
        return engine.drain(Objects.requireNonNull(atMost, "atMost"));
    }

    /**
     * Stops claiming, lets each run come to the end of its step, gives the sessions back so that others go on at once. Does not close the
     * store. Safe to repeat.
     */
    @Override
    public void close() {
        engine.close();
    }

    /** Collects what makes a runtime. An option that is set twice throws {@link IllegalStateException}. Not thread-safe. */
    public static final class Builder {
        private final SessionStore store;
        private final Map<String, Agent> agents = new LinkedHashMap<>();
        private final List<RuntimeListener> listeners = new ArrayList<>();
        private @Nullable Integer workers;
        private @Nullable Integer workersPerTenant;
        private @Nullable Duration lease;
        private @Nullable Duration poll;
        private @Nullable Integer quarantineAfter;
        private @Nullable Integer modelAttempts;
        private @Nullable Duration modelTimeout;
        private @Nullable Duration closeGrace;
        private @Nullable OpenTelemetry telemetry;
        private @Nullable Supplier<EventId> ids;
        private @Nullable Integer snapshotEvery;
        private boolean acceptUnsafeOnce;

        private Builder(SessionStore store) {
            this.store = Objects.requireNonNull(store, "store");
        }

        /** The agents whose sessions are run here; at least one. */
        public Builder agents(Agent... values) {
            for (Agent agent : values) {
                Objects.requireNonNull(agent, "agent");
                if (agents.putIfAbsent(agent.name(), agent) != null) {
                    throw new IllegalArgumentException("two agents are named \"" + agent.name() + "\"");
                }
            }
            return this;
        }

        /**
         * Most sessions that are claimed and run here at a time; sessions sent to from here are run in any case. 0 claims none. Default:
         * 16.
         */
        public Builder workers(int value) {
            this.workers = once("workers", workers, atLeast("workers", value, 0));
            return this;
        }

        /** Most of them for one tenant. At least 1. Default: all. */
        public Builder workersPerTenant(int value) {
            this.workersPerTenant = once("workersPerTenant", workersPerTenant, atLeast("workersPerTenant", value, 1));
            return this;
        }

        /**
         * How long a session stays with a worker that shows no sign of life. At least 100 ms. Renewed each third of it. Default: 15 s.
         */
        public Builder lease(Duration value) {
            this.lease = once("lease", lease, atLeast("lease", value, Duration.ofMillis(100)));
            return this;
        }

        /**
         * Longest time until work is looked for again that another process sent, or that a worker left behind which died. Where there was work, the next look
         * comes sooner, after 10 to 20 ms, and then later and later; each is put off by chance, never beyond this, so that a fleet does not look
         * in step. A store that hints at work ({@link SessionStore#listen}) makes most looks come at once; a hint may be lost, so this is the
         * time that counts. At least 10 ms. Default: 500 ms.
         */
        public Builder poll(Duration value) {
            this.poll = once("poll", poll, atLeast("poll", value, Duration.ofMillis(10)));
            return this;
        }

        /** Claims without progress after which a session is set aside. At least 1. Default: 5. */
        public Builder quarantineAfter(int value) {
            this.quarantineAfter = once("quarantineAfter", quarantineAfter, atLeast("quarantineAfter", value, 1));
            return this;
        }

        /** How often a model call is tried whose failure may pass. At least 1. Default: 4. */
        public Builder modelAttempts(int value) {
            this.modelAttempts = once("modelAttempts", modelAttempts, atLeast("modelAttempts", value, 1));
            return this;
        }

        /** Longest time one attempt of a model call may take. At least 1 ms. Default: 10 min. */
        public Builder modelTimeout(Duration value) {
            this.modelTimeout =
                    once("modelTimeout", modelTimeout, atLeast("modelTimeout", value, Duration.ofMillis(1)));
            return this;
        }

        /** How long {@link AgentRuntime#close} waits for steps to end before it stops them. Default: 10 s. */
        public Builder closeGrace(Duration value) {
            this.closeGrace = once("closeGrace", closeGrace, atLeast("closeGrace", value, Duration.ZERO));
            return this;
        }

        /** Observes this runtime; more than one may be added. */
        public Builder listener(RuntimeListener value) {
            listeners.add(Objects.requireNonNull(value, "listener"));
            return this;
        }

        /** Where spans and metrics go. Default: nowhere. */
        public Builder telemetry(OpenTelemetry value) {
            this.telemetry = once("telemetry", telemetry, value);
            return this;
        }

        /** Where ids come from; for tests. Default: {@link EventId#random}. */
        public Builder ids(Supplier<EventId> value) {
            this.ids = once("ids", ids, value);
            return this;
        }

        /** Events after which a snapshot is taken; for tests. */
        Builder snapshotEvery(int value) {
            this.snapshotEvery = once("snapshotEvery", snapshotEvery, value);
            return this;
        }

        /**
         * Runs {@link Effect#ONCE} tools although the store cannot promise that they do not run twice; see {@link
         * SessionStore.Guarantees#onceSafe()}.
         */
        public Builder acceptUnsafeOnce() {
            this.acceptUnsafeOnce = true;
            return this;
        }

        /** @throws IllegalStateException when there is no agent, or a tool needs what the store cannot promise */
        public AgentRuntime build() {
            if (agents.isEmpty()) {
                throw new IllegalStateException("a runtime has at least one agent: call agents(…)");
            }
            requireOnceSafe();
            agents.values().forEach(Limits::requirePrices);
            int most = or(workers, 16);
            SessionStore.Terms terms = new SessionStore.Terms(
                    WorkerId.random(),
                    or(lease, Duration.ofSeconds(15)),
                    or(quarantineAfter, 5),
                    Duration.ofSeconds(1),
                    Duration.ofMinutes(1));
            return new AgentRuntime(new Engine(new Engine.Settings(
                    store,
                    agents,
                    terms,
                    most,
                    or(workersPerTenant, Math.max(1, most)),
                    or(poll, Duration.ofMillis(500)),
                    or(modelAttempts, 4),
                    or(modelTimeout, Duration.ofMinutes(10)),
                    or(closeGrace, Duration.ofSeconds(10)),
                    new Telemetry(or(telemetry, OpenTelemetry.noop())),
                    new Listeners(listeners),
                    or(ids, EventId::random),
                    or(snapshotEvery, Engine.SNAPSHOT_EVERY))));
        }

        private void requireOnceSafe() {
            if (acceptUnsafeOnce || store.guarantees().onceSafe()) {
                return;
            }
            for (Agent agent : agents.values()) {
                for (Tool tool : agent.tools().tools()) {
                    if (tool.effect() == Effect.ONCE) {
                        throw new IllegalStateException("tool \"" + tool.name()
                                + "\" must not take effect twice, which this store cannot promise ("
                                + String.join(" ", store.guarantees().notes())
                                + "): use another store, or accept it with acceptUnsafeOnce()");
                    }
                }
            }
        }

        private static <T> T or(@Nullable T value, T otherwise) {
            return value == null ? otherwise : value;
        }

        private static int atLeast(String what, int value, int least) {
            if (value < least) {
                throw new IllegalArgumentException(what + " is at least " + least + ", but this is " + value);
            }
            return value;
        }

        private static Duration atLeast(String what, Duration value, Duration least) {
            if (Objects.requireNonNull(value, what).compareTo(least) < 0) {
                throw new IllegalArgumentException(
                        what + " is at least " + least.toMillis() + " ms, but this is " + value);
            }
            return value;
        }

        private static <T> T once(String what, @Nullable T before, T value) {
            if (before != null) {
                throw new IllegalStateException(what + " is set already");
            }
            return Objects.requireNonNull(value, what);
        }
    }
}

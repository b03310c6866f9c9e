package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.RuntimeListener;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.session.SessionView;
import dev.perdure.session.TenantId;
import dev.perdure.session.WorkerId;
import dev.perdure.spi.Lease;
import dev.perdure.spi.SandboxProvider;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all runs of one runtime share: the store, the agents, threads, leases. Thread-safe. */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /** Events after which a snapshot is taken. */
    public static final int SNAPSHOT_EVERY = Snapshots.EVENTS;

    /** How a runtime is set up. */
    public record Settings(
            SessionStore store,
            Map<String, Agent> agents,
            SessionStore.Terms terms,
            int workers,
            int workersPerTenant,
            Duration poll,
            int modelAttempts,
            Duration modelTimeout,
            Duration closeGrace,
            Telemetry telemetry,
            RuntimeListener listeners,
            Supplier<EventId> ids,
            int snapshotEvery) {
        public Settings {
            agents = Map.copyOf(agents);
        }
    }

    private final Settings settings;
    private final Hub hub = new Hub();
    private final ExecutorService threads;
    private final ScheduledThreadPoolExecutor timers;
    private final Leases leases;
    private final Workers workers;
    private final Pressure pressure;
    private final Acknowledged acknowledged = new Acknowledged();
    private SessionStore.Listening hints = () -> {};
    private volatile boolean draining;
    private volatile boolean closed;

    public Engine(Settings settings) {
        this.settings = settings;
        this.threads = Threads.perTask("perdure-run");
        this.timers = Threads.timers("perdure-timer");
        this.leases = new Leases(settings.store(), settings.terms().ttl());
        this.pressure = new Pressure(
                settings.workers(), settings.terms().ttl(), leases::size, settings.listeners(), System::nanoTime);
        this.workers = new Workers(this, settings);
    }

    public void start() {
        leases.start();
        workers.start();
        hints = settings.store().listen(this::changed);
    }

    /** A store says that a session has news; whoever runs it here is told, or else somebody may claim it. */
    private void changed(long key) {
        hub.posted(key);
        workers.hint();
    }

    public SessionStore store() {
        return settings.store();
    }

    public Map<String, Agent> agents() {
        return settings.agents();
    }

    public SessionStore.Terms terms() {
        return settings.terms();
    }

    public WorkerId worker() {
        return settings.terms().worker();
    }

    Supplier<EventId> ids() {
        return settings.ids();
    }

    public EventId newId() {
        return settings.ids().get();
    }

    Telemetry telemetry() {
        return settings.telemetry();
    }

    RuntimeListener listeners() {
        return settings.listeners();
    }

    int modelAttempts() {
        return settings.modelAttempts();
    }

    ModelCaller modelCaller(SessionId session) {
        return new ModelCaller(session, settings.telemetry(), settings.store().blobs(), settings.modelTimeout());
    }

    Snapshots snapshots(Lease lease) {
        return new Snapshots(settings.store(), lease, threads, settings.snapshotEvery());
    }

    Pressure pressure() {
        return pressure;
    }

    /** How far a session's log goes, as the store acknowledged it to a run of this process. */
    void remember(Lease lease, Position end) {
        acknowledged.put(lease.key(), end);
    }

    /** {@link Position#START} when nothing is known. */
    Position remembered(Lease lease) {
        return acknowledged.of(lease.key());
    }

    /** Says once that a store has lost what it had acknowledged. */
    void regressed(Lease lease, long found, long last) {
        if (!acknowledged.isNews(lease.key(), last)) {
            return;
        }
        SessionId session = lease.session();
        LOG.error(
                "{}: the store has lost acknowledged events: the log ends at {} and had ended at {}",
                session,
                found,
                last);
        telemetry().regressed(session);
        listeners().onStoreRegressed(session, found, last);
    }

    /** A claim of this process has set a session aside. */
    void quarantined(SessionId session) {
        LOG.warn(
                "{}: set aside after {} claims without progress; why is in the logs of the workers that had it. Nobody goes on before"
                        + " Operator.resume",
                session,
                terms().quarantineAfter());
        setAside(session);
    }

    /** Whatever the reason, which has been said. */
    void setAside(SessionId session) {
        telemetry().quarantined(session);
        listeners().onQuarantined(session);
    }

    Hub hub() {
        return hub;
    }

    List<Hub.Follower> followers(SessionId session) {
        return hub.followers(session);
    }

    void execute(Runnable task) {
        threads.execute(task);
    }

    /** Runs what a client wrote, and what may block, beside the caller; on the caller's thread once this is closed. */
    void aside(Runnable task) {
        try {
            threads.execute(task);
        } catch (RejectedExecutionException e) {
            task.run();
        }
    }

    /** Runs {@code task} on a thread of its own, so that one that blocks does not hold up the other timers. */
    ScheduledFuture<?> schedule(Runnable task, Duration after) {
        return timers.schedule(() -> aside(task), after.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Posts; whoever runs the session in this process is told at once. */
    public SessionStore.Posted post(SessionId session, SessionStore.Post item) {
        SessionStore.Posted answer = settings.store().post(session, item);
        hub.posted(session);
        workers.wake();
        return answer;
    }

    /** @throws IllegalStateException when this is closed */
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the runtime is closed");
        }
    }

    /** Posts, and runs the session here if its agent is served here and it could be claimed. */
    public SessionStore.Posted send(SessionId session, String agent, SessionStore.Post item) {
        requireOpen();
        if (!agents().containsKey(agent) || draining || shortOfStore()) {
            // Others go on with it, or this one later; a claim that can only be given back counts as fruitless.
            return post(session, item);
        }
        long sent = System.nanoTime();
        SessionStore.Posted answer = settings.store().postAndClaim(session, item, settings.terms());
        if (answer instanceof SessionStore.Posted.Accepted accepted && accepted.lease() != null) {
            run(accepted.lease(), sent);
        } else if (answer instanceof SessionStore.Posted.Accepted accepted && accepted.quarantined()) {
            quarantined(session);
        } else {
            hub.posted(session);
            workers.wake();
            if (settings.workers() == 0 && answer instanceof SessionStore.Posted.Duplicate) {
                // The process that sent it first may be dead, and nobody here claims what it left.
                execute(() -> goOn(session));
            }
        }
        return answer;
    }

    /** Whether a session that is sent to from here has to wait like all others until the store is quick again. */
    private boolean shortOfStore() {
        return settings.workers() > 0 && pressure.on() && running() >= pressure.limit();
    }

    /**
     * Runs a session whose lease was just claimed.
     *
     * @param askedNanos before the store was asked for it
     */
    void run(Lease lease, long askedNanos) {
        LeaseClock clock = new LeaseClock(settings.terms().ttl(), fresh(lease, askedNanos));
        SessionRun run = new SessionRun(this, lease, clock);
        leases.add(run);
        hub.started(run);
        if (draining) {
            run.stopAfterTurn();
        }
        if (closed) {
            run.stop();
        }
        try {
            threads.execute(run);
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: claimed while the runtime closes; another worker goes on", lease.session());
            runEnded(run, null);
        }
    }

    /**
     * From when the lease counts. A claim that had to wait for the store would by that time be over here as soon as it begins, and good there: nobody could go on
     * until it has run out.
     */
    private long fresh(Lease lease, long askedNanos) {
        long now = System.nanoTime();
        if (now - askedNanos < terms().ttl().toNanos() / 3) {
            return askedNanos;
        }
        try {
            SessionStore.Renewal answer =
                    store().renew(List.of(lease), terms().ttl()).get(0);
            return answer.state() == SessionStore.Renewal.State.HELD ? now : askedNanos;
        } catch (RuntimeException e) {
            LOG.debug("{}: the lease could not be renewed before its run", lease.session(), e);
            return askedNanos;
        }
    }

    void runEnded(SessionRun run, @Nullable Throwable error) {
        leases.remove(run);
        hub.ended(run, error);
        workers.wake();
        if (settings.workers() == 0 && followed(run.session())) {
            // Nobody here claims what came in as the run ended, or what it left when it broke off, and it was sent to
            // here.
            aside(() -> goOn(run.session()));
        }
    }

    private boolean followed(SessionId session) {
        return !closed && !draining && !hub.followers(session).isEmpty();
    }

    /** Claims a session that has something to do; tries again as long as somebody follows it, for its lease may have to run out first. */
    private void goOn(SessionId session) {
        boolean again = true;
        try {
            again = !hub.runsHere(session) && unfinished(session);
            long sent = System.nanoTime();
            SessionStore.Claimed claimed = again ? settings.store().claim(session, settings.terms()) : null;
            if (claimed instanceof SessionStore.Claimed.Held held) {
                again = false;
                run(held.lease(), sent);
            } else if (claimed instanceof SessionStore.Claimed.Quarantined set && set.now()) {
                quarantined(session);
            }
        } catch (RuntimeException e) {
            LOG.debug("{}: could not be claimed again", session, e);
        }
        if (again && followed(session)) {
            var unused = schedule(() -> goOn(session), settings.terms().ttl());
        }
    }

    private boolean unfinished(SessionId session) {
        return settings.store()
                .find(session)
                .filter(info -> info.status() == SessionStatus.READY || info.status() == SessionStatus.RUNNING)
                .filter(info -> agents().containsKey(info.agent()))
                .isPresent();
    }

    /** Removes the sandbox that a log speaks of, if an agent that is served here made it. */
    public void removeSandbox(SessionView view) {
        Agent agent = agents().get(view.agent());
        Event.SandboxBound bound = view.findSandbox().orElse(null);
        SandboxProvider provider = agent == null ? null : agent.sandbox().orElse(null);
        if (bound == null || provider == null || !provider.name().equals(bound.provider())) {
            return;
        }
        long fence = view.events().get(view.events().size() - 1).fence();
        try {
            provider.attach(bound.handle(), fence).close();
        } catch (SandboxException e) {
            if (e.kind() != SandboxException.Kind.LOST) {
                throw e;
            }
        }
    }

    int running() {
        return leases.size();
    }

    Map<TenantId, Long> runningByTenant() {
        return leases.runs().stream()
                .collect(Collectors.groupingBy(run -> run.session().tenant(), Collectors.counting()));
    }

    /**
     * Claims nothing more, and waits until each turn that runs here is over or waits for somebody. What is sent from here is left to others.
     *
     * @return false when some still run after that time
     */
    public boolean drain(Duration atMost) {
        draining = true;
        workers.close();
        leases.runs().forEach(SessionRun::stopAfterTurn);
        return leases.awaitEmpty(atMost);
    }

    /** Stops claiming, lets runs come to their next step, gives their sessions back. Safe to repeat. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        hints.close();
        workers.close();
        leases.runs().forEach(SessionRun::stop);
        if (!leases.awaitEmpty(settings.closeGrace())) {
            leases.runs().forEach(SessionRun::stopNow);
            if (!leases.awaitEmpty(RunningCall.GRACE)) {
                leases.runs().forEach(SessionRun::interruptThread);
            }
        }
        leases.close();
        timers.shutdownNow();
        // Not by force: a body that must not run twice goes on, and reports to the inbox.
        threads.shutdown();
    }
}

package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
import dev.perdure.spi.StoreException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between one run and everything beside it: takes signals for the run, gives bodies what they need, and posts to the inbox what comes when the run is over,
 * for whoever goes on. Thread-safe; only the run's thread takes signals.
 */
final class RunDesk implements RunningCall.Desk, Journal.Lifeline {
    private static final Logger LOG = LoggerFactory.getLogger(RunDesk.class);

    private final Engine engine;
    private final SessionId session;
    private final BooleanSupplier leaseIsGood;
    private final Afterwards afterwards;
    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private volatile boolean over;
    private volatile @Nullable Agent agent;
    private volatile @Nullable SandboxHolder sandbox;

    RunDesk(Engine engine, SessionId session, BooleanSupplier leaseIsGood) {
        this.engine = engine;
        this.session = session;
        this.leaseIsGood = leaseIsGood;
        this.afterwards = new Afterwards(session, engine::aside);
    }

    // ------------------------------------------------------------------ for the run

    /** Whose turn it is; null when nobody here serves the session. */
    void serves(@Nullable Agent current) {
        agent = current;
    }

    void bind(SandboxHolder holder) {
        sandbox = holder;
    }

    /** Waits for a signal at most so long; null when there was none. */
    @Nullable
    Signal poll(long millis) throws InterruptedException {
        return signals.poll(millis, TimeUnit.MILLISECONDS);
    }

    @Nullable
    Signal poll() {
        return signals.poll();
    }

    /** Whether the inbox may have something that the run has not looked at. */
    boolean hasNews() {
        return signals.stream().anyMatch(Signal.News.class::isInstance);
    }

    /** From here on nothing reaches the run. */
    void close() {
        over = true;
    }

    /** Deals with what reached the run and was not taken. */
    void refuseRest() {
        for (Signal signal = signals.poll(); signal != null; signal = signals.poll()) {
            refuse(signal);
        }
    }

    private void refuse(Signal signal) {
        if (signal instanceof Signal.Save save) {
            save.saved().completeExceptionally(new IllegalStateException("the run is over"));
        } else if (signal instanceof Signal.ToolDone done && done.output().returned()) {
            post(Bodies.LateResult.of(done));
        }
    }

    /** What is owed to the session when the run is over. */
    Afterwards afterwards() {
        return afterwards;
    }

    /** Hands a result to whoever goes on with the session, as soon as the store takes it. */
    void post(Bodies.LateResult late) {
        afterwards.owe("the late result of call " + late.call(), () -> postNow(late));
    }

    private void postNow(Bodies.LateResult late) {
        engine.post(
                session,
                new SessionStore.Post(
                        late.call() + "/" + late.attempt(), Event.InputKind.LATE_RESULT, Actor.PERDURE, Json.of(late)));
    }

    // ------------------------------------------------------------------ for bodies and others

    @Override
    public void offer(Signal signal) {
        signals.add(signal);
        // The run may have taken it and have come to its end meanwhile: then it is dealt with.
        if (over && signals.remove(signal)) {
            refuse(signal);
        }
    }

    @Override
    public void done(RunningCall call, ToolOutput output) {
        if (over) {
            late(call, output);
            return;
        }
        try {
            offer(new Signal.ToolDone(call.id(), call.attempt(), kept(output)));
        } catch (RunEnded | StoreException e) {
            LOG.debug("{}: the lease ended before a result could be kept", session, e);
            late(call, output);
        }
    }

    @Override
    public void late(RunningCall call, ToolOutput output) {
        if (output.returned()) {
            afterwards.owe(
                    "the late result of call " + call.id(),
                    () -> postNow(
                            Bodies.LateResult.of(new Signal.ToolDone(call.id(), call.attempt(), offloaded(output)))));
        }
    }

    @Override
    public boolean alive() {
        return !over && leaseIsGood.getAsBoolean();
    }

    @Override
    public void pause(long millis) {
        engine.pressure().troubled();
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RunEnded(RunEnded.Why.STOPPED, "interrupted while waiting for the store");
        }
        if (!alive()) {
            throw new RunEnded(RunEnded.Why.LEASE_LOST, "the lease ran out or was taken");
        }
    }

    @Override
    public ToolOutput kept(ToolOutput output) {
        return Patience.with(this, () -> offloaded(output));
    }

    /** @throws StoreException when the store does not answer for now */
    private ToolOutput offloaded(ToolOutput output) {
        try {
            return output.offloaded(engine.store().blobs(), session);
        } catch (RuntimeException e) {
            if (e instanceof StoreException store && store.retryable()) {
                throw store;
            }
            LOG.warn("{}: the result of a tool could not be kept whole", session, e);
            return ToolOutput.of(
                    Event.CallOutcome.ERROR, "the result could not be kept: " + e.getMessage(), output.millis());
        }
    }

    @Override
    public BlobRef keep(byte[] content) {
        return Patience.with(this, () -> engine.store().blobs().put(session, content));
    }

    @Override
    public Sandbox sandbox() {
        Agent current = agent;
        SandboxHolder holder = sandbox;
        if (current == null || holder == null) {
            throw new IllegalStateException("no agent runs");
        }
        return holder.get(current);
    }

    @Override
    public void aside(Runnable task) {
        engine.aside(task);
    }

    @Override
    public Future<?> schedule(Runnable task, Duration after) {
        return engine.schedule(task, after);
    }

    @Override
    public Telemetry telemetry() {
        return engine.telemetry();
    }
}

package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SessionStore;
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
final class RunDesk implements RunningCall.Desk {
    private static final Logger LOG = LoggerFactory.getLogger(RunDesk.class);

    private final Engine engine;
    private final SessionId session;
    private final BooleanSupplier leaseIsGood;
    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private volatile boolean over;
    private volatile @Nullable Agent agent;
    private volatile @Nullable SandboxHolder sandbox;

    RunDesk(Engine engine, SessionId session, BooleanSupplier leaseIsGood) {
        this.engine = engine;
        this.session = session;
        this.leaseIsGood = leaseIsGood;
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
        signals.forEach(this::refuse);
    }

    private void refuse(Signal signal) {
        if (signal instanceof Signal.Save save) {
            save.saved().completeExceptionally(new IllegalStateException("the run is over"));
        } else if (signal instanceof Signal.ToolDone done && done.output().returned()) {
            post(Bodies.LateResult.of(done));
        }
    }

    /** Hands a result to whoever goes on with the session. */
    void post(Bodies.LateResult late) {
        try {
            engine.store()
                    .post(
                            session,
                            new SessionStore.Post(
                                    late.call() + "/" + late.attempt(),
                                    Event.InputKind.LATE_RESULT,
                                    Actor.PERDURE,
                                    Json.of(late)));
        } catch (RuntimeException e) {
            LOG.warn("{}: the late result of call {} could not be posted", session, late.call(), e);
        }
    }

    // ------------------------------------------------------------------ for bodies and others

    @Override
    public void offer(Signal signal) {
        signals.add(signal);
        if (over) {
            refuse(signal);
        }
    }

    @Override
    public void done(RunningCall call, ToolOutput output) {
        ToolOutput stored = kept(output);
        if (over) {
            late(call, stored);
        } else {
            offer(new Signal.ToolDone(call.id(), call.attempt(), stored));
        }
    }

    @Override
    public void late(RunningCall call, ToolOutput output) {
        if (output.returned()) {
            post(Bodies.LateResult.of(new Signal.ToolDone(call.id(), call.attempt(), kept(output))));
        }
    }

    @Override
    public boolean alive() {
        return !over && leaseIsGood.getAsBoolean();
    }

    @Override
    public ToolOutput kept(ToolOutput output) {
        try {
            return output.offloaded(engine.store().blobs(), session);
        } catch (RuntimeException e) {
            LOG.warn("{}: the result of a tool could not be kept whole", session, e);
            return ToolOutput.of(
                    Event.CallOutcome.ERROR, "the result could not be kept: " + e.getMessage(), output.millis());
        }
    }

    @Override
    public BlobRef keep(byte[] content) {
        return engine.store().blobs().put(session, content);
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

package dev.perdure.internal.engine;

import dev.perdure.sandbox.Sandbox;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.CallView;
import dev.perdure.session.Effect;
import dev.perdure.session.Event;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolCall;
import dev.perdure.tool.ToolResult;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One attempt of one call: what the tool's body sees of it, and its way to a result. Exactly one result is reported. */
final class RunningCall implements ToolCall {
    private static final Logger LOG = LoggerFactory.getLogger(RunningCall.class);
    /** How long a body may take to stop after it was asked to. */
    static final Duration GRACE = Duration.ofSeconds(3);

    /** Where results and wishes of a body go. */
    interface Desk {
        void done(RunningCall call, ToolOutput output);

        /** Called instead of {@link #done} when the run was over before the body. */
        void late(RunningCall call, ToolOutput output);

        /** Whether the run's lease is good; also false once the run has lost or given back the session. */
        boolean alive();

        /** The same, with what is too large for the log kept beside it. */
        ToolOutput kept(ToolOutput output);

        Sandbox sandbox();

        BlobRef keep(byte[] content);

        void offer(Signal signal);

        /** Runs what a tool's author wrote, which may block, on another thread. */
        void aside(Runnable task);

        Future<?> schedule(Runnable task, Duration after);

        Telemetry telemetry();
    }

    private final SessionId session;
    private final CallId id;
    private final int attempt;
    private final String key;
    private final Actor actor;
    private final Tool tool;
    private final Desk desk;
    private final Interruption interruption = new Interruption();
    private final AtomicBoolean reported = new AtomicBoolean();
    private final long startedNanos = System.nanoTime();
    private final Queue<Future<?>> timers = new ConcurrentLinkedQueue<>();
    /** Guards {@link #thread}: an interrupt must hit this body, never the next one on its thread. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile boolean orphaned;
    private volatile boolean timedOut;
    private volatile boolean inSandbox;
    private volatile boolean left;
    private @Nullable Thread thread;
    private Tool.@Nullable Work work;

    RunningCall(SessionId session, CallView call, int attempt, Actor actor, Tool tool, Desk desk) {
        this.session = session;
        this.id = call.id();
        this.attempt = attempt;
        this.key = key(session, call);
        this.actor = actor;
        this.tool = tool;
        this.desk = desk;
    }

    static String key(SessionId session, CallView call) {
        String key = session + "/" + call.id();
        return call.revocations() == 0 ? key : key + "#" + call.revocations();
    }

    /** @throws IllegalArgumentException when the arguments do not fit; for the model */
    void prepare(Json arguments) {
        work = tool.prepare(arguments, this);
    }

    Tool tool() {
        return tool;
    }

    /** Runs the body on this thread and reports its result. */
    void run(Supplier<Telemetry.Timed> span) {
        on(Thread.currentThread());
        ToolOutput output;
        try {
            output = measured(span);
        } catch (Throwable e) {
            output = unreported(e);
        } finally {
            on(null);
        }
        report(output);
    }

    private ToolOutput measured(Supplier<Telemetry.Timed> span) {
        try (Telemetry.Timed timed = span.get()) {
            ToolOutput output = outcome();
            if (output.outcome() != Event.CallOutcome.OK) {
                timed.failed(output.outcome().name().toLowerCase(Locale.ROOT));
            }
            return output;
        }
    }

    /** Stands for a result that did not get through. Not a result itself: the body may have come to its end. */
    private ToolOutput unreported(Throwable e) {
        LOG.error("{}: the result of tool {} is lost", session, tool.name(), e);
        return ToolOutput.cutShort(
                Event.CallOutcome.ERROR, "the result of tool " + tool.name() + " is lost: " + e, millis());
    }

    private void on(@Nullable Thread body) {
        lock.lock();
        try {
            thread = body;
            if (body == null) {
                // An interrupt that came for this body must not hit the next one on this thread.
                Thread.interrupted();
            }
        } finally {
            lock.unlock();
        }
    }

    private ToolOutput outcome() {
        if (interruption.requested()) {
            return ToolOutput.of(
                    Event.CallOutcome.INTERRUPTED, "interrupted before it ran: " + interruption.reason(), millis());
        }
        if (tool.effect() == Effect.ONCE && (orphaned || !desk.alive())) {
            // Its thread came late: by now somebody else may have decided that it did not happen.
            return ToolOutput.of(
                    Event.CallOutcome.INTERRUPTED, "not run: its worker lost the session before", millis());
        }
        try {
            ToolResult result =
                    ToolResult.of(Objects.requireNonNull(work, "prepare first").run());
            Event.CallOutcome outcome = result.error() ? Event.CallOutcome.ERROR : Event.CallOutcome.OK;
            return ToolOutput.of(outcome, result.text(), millis());
        } catch (Throwable e) {
            // Of every kind: a call without a result would hold its session until its time is over.
            return failure(e);
        }
    }

    private ToolOutput failure(Throwable e) {
        if (interruption.requested() || left || e instanceof InterruptedException) {
            return cutShort();
        }
        log(e);
        String message = e.getMessage() == null ? "" : ": " + e.getMessage();
        String text = "tool " + tool.name() + " failed: " + e.getClass().getSimpleName() + message;
        return ToolOutput.of(Event.CallOutcome.ERROR, text, millis());
    }

    /** A bug is warned of, without messages: they may quote arguments. With others a tool says what it cannot do. */
    private void log(Throwable e) {
        if (hintsAtABug(e)) {
            LOG.warn("{}: tool {} failed; its message is in the session's log", session, tool.name(), place(e));
        }
        LOG.debug("{}: tool {} failed", session, tool.name(), e);
    }

    /** Where it was thrown, for a log that may not have what a message quotes. */
    static Throwable place(Throwable e) {
        Throwable place = new Throwable(e.getClass().getName());
        place.setStackTrace(e.getStackTrace());
        return place;
    }

    private static boolean hintsAtABug(Throwable e) {
        return e instanceof Error
                || e instanceof NullPointerException
                || e instanceof ClassCastException
                || e instanceof IndexOutOfBoundsException
                || e instanceof IllegalStateException
                || e instanceof UnsupportedOperationException;
    }

    private ToolOutput cutShort() {
        String why = interruption.requested() ? interruption.reason() : "its worker stops";
        return ToolOutput.cutShort(
                timedOut ? Event.CallOutcome.TIMED_OUT : Event.CallOutcome.INTERRUPTED,
                (timedOut ? "timed out: " : "interrupted: ") + why,
                millis());
    }

    private void report(ToolOutput output) {
        stopTimers();
        if (orphaned) {
            desk.late(this, output);
        } else if (reported.compareAndSet(false, true)) {
            try {
                desk.done(this, output);
            } catch (Throwable e) {
                // A result that is too large for this process, say; nobody else reports for this call.
                desk.done(this, unreported(e));
            }
        } else if (output.returned()) {
            // Given up before; what it did after all settles a doubt.
            desk.late(this, output);
        }
    }

    /** A timer that is of no use once a result is there. */
    void watch(Future<?> timer) {
        timers.add(timer);
        if (reported.get()) {
            timer.cancel(false);
        }
    }

    private void stopTimers() {
        timers.forEach(timer -> timer.cancel(false));
    }

    /** Asks the body to stop. */
    void interrupt(String why) {
        desk.aside(() -> {
            interruption.request(why);
            interruptThread();
        });
    }

    /**
     * Asks the body to stop because another worker goes on with the session. One that waits for a command in the sandbox only stops to wait: the command
     * goes on, and the next attempt finds it.
     */
    void leave(String why) {
        if (inSandbox) {
            left = true;
            interruptThread();
        } else {
            interrupt(why);
        }
    }

    private void interruptThread() {
        lock.lock();
        try {
            if (thread != null) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    void timeOut() {
        if (!reported.get() && !interruption.requested()) {
            timedOut = true;
            interrupt("took longer than " + tool.timeout().toMillis() + " ms");
        }
    }

    /** Reports that the body did not stop when asked to. */
    void giveUp() {
        if (reported.compareAndSet(false, true)) {
            LOG.warn("{}: tool {} does not stop, its thread is left behind", session, tool.name());
            desk.done(this, cutShort());
        }
    }

    /** The run is over before the body: its result goes to the inbox. */
    void orphan() {
        orphaned = true;
    }

    long millis() {
        return (System.nanoTime() - startedNanos) / 1_000_000;
    }

    @Override
    public SessionId session() {
        return session;
    }

    @Override
    public CallId id() {
        return id;
    }

    @Override
    public String idempotencyKey() {
        return key;
    }

    @Override
    public int attempt() {
        return attempt;
    }

    @Override
    public Actor actor() {
        return actor;
    }

    @Override
    public Interruption interruption() {
        return interruption;
    }

    @Override
    public Sandbox sandbox() {
        inSandbox = true;
        return desk.sandbox();
    }

    @Override
    public Event.ArtifactSaved saveArtifact(String name, String mediaType, byte[] content) {
        if (name.isEmpty() || name.length() > 200) {
            throw new IllegalArgumentException("an artifact's name has 1 to 200 characters: \"" + name + "\"");
        }
        CompletableFuture<Event.ArtifactSaved> saved = new CompletableFuture<>();
        desk.offer(new Signal.Save(id, attempt, name, mediaType, desk.keep(content), saved));
        try {
            return saved.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while artifact \"" + name + "\" was saved", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("artifact \"" + name + "\" was not saved: " + e.getCause(), e);
        }
    }
}

package dev.perdure.internal.sandbox;

import dev.perdure.sandbox.Execution;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.sandbox.SandboxException.Kind;
import dev.perdure.session.Interruption;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A command and its runner, seen through the files in the execution's folder. Holds no resource. */
final class LocalExecution implements Execution {
    private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);
    // An end is noticed after at most this; the longer a command runs, the less often we look.
    private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(20);
    // Asking for a process is dearer than asking for a file.
    private static final long RUNNER_CHECK = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long KILL = TimeUnit.SECONDS.toNanos(5);

    private final Home home;
    private final Records records;
    private final long fence;

    LocalExecution(Home home, Records records, long fence) {
        this.home = home;
        this.records = records;
        this.fence = fence;
    }

    @Override
    public String id() {
        return records.facts().id();
    }

    @Override
    public boolean running() {
        return call(() -> records.findEnd().isEmpty());
    }

    @Override
    public Result await(Interruption interruption) {
        CountDownLatch wake = new CountDownLatch(1);
        Interruption.Registration registration = interruption.onRequest(wake::countDown);
        try {
            return poll(wake, Long.MAX_VALUE).orElseGet(this::killed);
        } finally {
            registration.close();
        }
    }

    private Result killed() {
        kill();
        return uninterrupted(() -> poll(new CountDownLatch(1), KILL)).orElseThrow(this::immortal);
    }

    @Override
    public void kill() {
        // A holder that lost the session must not end what the next one has picked up.
        if (running()) {
            call(() -> home.guarded(fence, () -> findRunner().map(Birth::terminate)));
            if (uninterrupted(() -> poll(new CountDownLatch(1), KILL)).isEmpty()) {
                call(() -> home.guarded(fence, this::killRunner));
            }
        }
    }

    /** For a runner that does not react: stopped, or starved. */
    private Optional<Birth> killRunner() throws IOException {
        Optional<Birth> runner = findRunner();
        runner.ifPresent(Birth::kill);
        Commands.sweep(records.facts().cookie());
        return runner;
    }

    private Optional<Birth> findRunner() throws IOException {
        return records.findRunner();
    }

    /** The result; empty when woken, or when the time is up. */
    private Optional<Result> poll(CountDownLatch wake, long nanos) {
        long start = System.nanoTime();
        long checked = start - RUNNER_CHECK;
        long pause = SHORTEST_PAUSE;
        while (true) {
            long now = System.nanoTime();
            boolean check = now - checked >= RUNNER_CHECK;
            checked = check ? now : checked;
            Optional<Result> result = call(() -> records.findResult(check));
            if (result.isPresent() || now - start > nanos || woken(wake, pause)) {
                return result;
            }
            pause = Math.min(LONGEST_PAUSE, pause + pause / 4);
        }
    }

    private boolean woken(CountDownLatch wake, long pause) {
        try {
            return wake.await(pause, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (wake.getCount() == 0) {
                return true;
            }
            throw new SandboxException(
                    Kind.UNAVAILABLE, "interrupted while waiting for command " + id() + ", which goes on", e);
        }
    }

    private static <T> T uninterrupted(java.util.function.Supplier<T> work) {
        boolean interrupted = Thread.interrupted();
        try {
            return work.get();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private <T> T call(Io.Action<T> action) {
        return home.call("command " + id(), action);
    }

    private SandboxException immortal() {
        return new SandboxException(Kind.UNAVAILABLE, "command " + id() + " does not end", null);
    }
}

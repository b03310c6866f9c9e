package dev.perdure.internal.engine;

import dev.perdure.Agent;
import dev.perdure.sandbox.Sandbox;
import dev.perdure.sandbox.SandboxException;
import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.spi.SandboxProvider;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The sandbox of a run, made or found again at the first use. Thread-safe: the tools of a step share it. */
final class SandboxHolder {
    private final SessionId session;
    private final long fence;
    private final Consumer<Signal> signals;
    // Held while a sandbox is made, which may take seconds: other tools of the step have to wait for the same sandbox
    // anyway.
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Sandbox sandbox;
    private Optional<Event.SandboxBound> bound;

    SandboxHolder(SessionId session, long fence, Optional<Event.SandboxBound> bound, Consumer<Signal> signals) {
        this.session = session;
        this.fence = fence;
        this.bound = bound;
        this.signals = signals;
    }

    Sandbox get(Agent agent) {
        SandboxProvider provider = agent.sandbox()
                .orElseThrow(() -> new IllegalStateException(
                        "agent \"" + agent.name() + "\" has no sandbox: give it one with sandbox(…)"));
        lock.lock();
        try {
            Sandbox open = sandbox;
            if (open == null) {
                open = attached(provider).orElseGet(() -> opened(provider, "first use"));
                sandbox = open;
            }
            return open;
        } finally {
            lock.unlock();
        }
    }

    private Optional<Sandbox> attached(SandboxProvider provider) {
        if (bound.isEmpty() || !bound.get().provider().equals(provider.name())) {
            return Optional.empty();
        }
        try {
            return Optional.of(provider.attach(bound.get().handle(), fence));
        } catch (SandboxException e) {
            if (e.kind() != SandboxException.Kind.LOST) {
                throw e;
            }
            signals.accept(new Signal.Note(
                    new Event.SandboxLost(provider.name(), bound.get().handle(), String.valueOf(e.getMessage()))));
            return Optional.of(opened(provider, "the one before was lost"));
        }
    }

    private Sandbox opened(SandboxProvider provider, String cause) {
        Sandbox made = provider.open(session, fence);
        Event.SandboxBound event = new Event.SandboxBound(provider.name(), made.handle(), cause);
        bound = Optional.of(event);
        signals.accept(new Signal.Note(event));
        return made;
    }

    /** Removes the sandbox of a session that is over. */
    void close(Agent agent) {
        if (bound.isPresent() && agent.sandbox().isPresent()) {
            get(agent).close();
        }
    }
}

package dev.perdure.internal.engine;

import dev.perdure.RuntimeListener;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Many listeners as one; an exception of one is logged and the others are called. Thread-safe if they are. */
public record Listeners(List<RuntimeListener> listeners) implements RuntimeListener {
    private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);

    public Listeners {
        listeners = List.copyOf(listeners);
    }

    @Override
    public void onEvent(SessionId session, Recorded event) {
        each(listener -> listener.onEvent(session, event));
    }

    @Override
    public void onClaimed(SessionId session, long fence, boolean takenOver) {
        each(listener -> listener.onClaimed(session, fence, takenOver));
    }

    @Override
    public void onLeaseLost(SessionId session) {
        each(listener -> listener.onLeaseLost(session));
    }

    @Override
    public void onRunFailed(SessionId session, Throwable error) {
        each(listener -> listener.onRunFailed(session, error));
    }

    @Override
    public void onStoreRegressed(SessionId session, long found, long acknowledged) {
        each(listener -> listener.onStoreRegressed(session, found, acknowledged));
    }

    @Override
    public void onQuarantined(SessionId session) {
        each(listener -> listener.onQuarantined(session));
    }

    @Override
    public void onBackPressure(boolean on) {
        each(listener -> listener.onBackPressure(on));
    }

    @Override
    public void onUnserved(Map<String, Long> readyByAgent) {
        each(listener -> listener.onUnserved(readyByAgent));
    }

    private void each(Consumer<RuntimeListener> call) {
        for (RuntimeListener listener : listeners) {
            try {
                call.accept(listener);
            } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
                LOG.warn("listener {} failed", listener.getClass().getName(), e);
            }
        }
    }
}

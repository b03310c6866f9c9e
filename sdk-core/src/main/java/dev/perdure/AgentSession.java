package dev.perdure;

import dev.perdure.internal.engine.Engine;
import dev.perdure.internal.engine.Following;
import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Part;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.session.TurnView;
import dev.perdure.spi.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** A session, as a runtime works with it. Holds no lease and no state: any number may exist for one session. Thread-safe. */
public final class AgentSession {
    private final Engine engine;
    private final Operator operator;
    private final SessionId id;
    private final String agent;

    AgentSession(Engine engine, Operator operator, SessionId id, String agent) {
        this.engine = engine;
        this.operator = operator;
        this.id = id;
        this.agent = agent;
    }

    public SessionId id() {
        return id;
    }

    /** As {@link #send(Input, TurnListener...)}, for a text. */
    public Turn send(String text, TurnListener... listeners) {
        return send(Input.text(text), listeners);
    }

    /**
     * Sends a message. It is stored when this returns: whatever happens then, it is applied once. Usually this process then runs the turn;
     * when another worker holds the session, that one does.
     *
     * <p>Safe to repeat with the same {@link Input#key(String)}.
     *
     * @throws IllegalStateException when the session is closed, or another input was sent under this key
     * @throws dev.perdure.spi.StoreException when it could not be stored
     */
    public Turn send(Input input, TurnListener... listeners) {
        Objects.requireNonNull(input, "input");
        List<TurnListener> all = all(listeners);
        String key = input.findKey().orElseGet(() -> "input:" + engine.newId());
        SessionStore.Post post = input.post(key, parts(input));
        Following turn = new Following(engine, id, key, all);
        boolean followed = false;
        try {
            requireAccepted(engine.send(id, agent, post), key);
            followed = true;
            return turn;
        } finally {
            if (!followed) {
                turn.stop();
            }
        }
    }

    private void requireAccepted(SessionStore.Posted answer, String key) {
        if (answer instanceof SessionStore.Posted.Conflict) {
            throw new IllegalStateException("another input was sent to session " + id + " under the key \"" + key
                    + "\": use a key of its own for each input");
        } else if (answer instanceof SessionStore.Posted.Ended) {
            throw new IllegalStateException("session " + id + " is closed");
        } else if (answer instanceof SessionStore.Posted.Unknown) {
            throw new IllegalStateException("session " + id + " was deleted");
        }
    }

    private List<Part> parts(Input input) {
        List<Part> parts = new ArrayList<>(input.parts());
        for (Input.Attachment file : input.attachments()) {
            BlobRef ref = engine.store().blobs().put(id, file.content());
            parts.add(new Part.Media(file.mediaType(), file.name(), ref.uri()));
        }
        return parts;
    }

    /** The open turn, to follow it from here on; empty when none is open. */
    public Optional<Turn> findTurn(TurnListener... listeners) {
        List<TurnListener> all = all(listeners);
        SessionView view = view();
        return view.findTurn()
                .filter(TurnView::open)
                .map(turn -> Following.open(engine, id, turn.number(), position(view, turn), all));
    }

    private static List<TurnListener> all(TurnListener... listeners) {
        for (TurnListener listener : listeners) {
            Objects.requireNonNull(listener, "listener");
        }
        return List.of(listeners);
    }

    /** Where following begins: before a wait that is still on, so that it is seen. */
    private static long position(SessionView view, TurnView turn) {
        long last = view.position().seq();
        return turn.findWaitingFor().isPresent() ? last - 1 : last;
    }

    /** The whole log, oldest first. */
    public List<Recorded> history() {
        return operator.history(id);
    }

    /** What the log says now. */
    public SessionView view() {
        return SessionView.of(id, history());
    }

    /** The bytes of the newest version of an artifact; empty when there is none of that name. */
    public Optional<byte[]> findArtifact(String name) {
        return operator.findArtifact(id, name);
    }

    /**
     * Asks whoever runs the turn that is open now to stop it; it ends within seconds. A later turn is never stopped by this. Does nothing when none is
     * open, also when an input waits for its turn to begin: that one is stopped by {@link Turn#interrupt}.
     *
     * @throws IllegalArgumentException when the session was deleted
     */
    public void interrupt(String reason, Actor by) {
        operator.interrupt(id, reason, by);
    }

    /**
     * Asks for the session to be closed for good; an open turn is interrupted first. Its log can be read on. Stored when this returns, and carried out by the
     * worker that has the session, or the next one: see {@link Operator#end}.
     *
     * @throws IllegalArgumentException when the session was deleted
     */
    public void end(String reason, Actor by) {
        operator.end(id, reason, by);
    }

    /**
     * Deletes the session with its sandbox, its log and files; its name stays taken. {@link #end} it first when a turn may be open: its worker could make
     * another sandbox meanwhile.
     *
     * @throws dev.perdure.sandbox.SandboxException when its sandbox cannot be removed now; nothing else is deleted then, so that this can be repeated
     */
    public boolean delete() {
        engine.removeSandbox(view());
        return operator.delete(id);
    }

    @Override
    public String toString() {
        return "AgentSession[" + id + "]";
    }
}

package dev.perdure.testkit.crash;

import dev.perdure.Agent;
import dev.perdure.Decision;
import dev.perdure.Limits;
import dev.perdure.RuntimeListener;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Position;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionView;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Toolbox;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Writes down, beside the store, what a child was promised and what it asked: what the log is compared with later. Thread-safe. */
final class Witness implements RuntimeListener, AutoCloseable {
    /** Decision and model call are on one thread, that of the run. */
    private static final ThreadLocal<@Nullable Position> DECIDED = new ThreadLocal<>();

    private final Lines acks;
    private final Lines events;
    private final Lines requests;

    Witness(Path folder, int slot) {
        this.acks = new Lines(acks(folder, slot));
        this.events = new Lines(events(folder, slot));
        this.requests = new Lines(requests(folder, slot));
    }

    static Path acks(Path folder, int slot) {
        return folder.resolve("acks-" + slot);
    }

    static Path events(Path folder, int slot) {
        return folder.resolve("events-" + slot);
    }

    static Path requests(Path folder, int slot) {
        return folder.resolve("requests-" + slot);
    }

    /** The store said that it has this input. */
    void sent(SessionId session, String key) {
        acks.addSynced(session.name(), key);
    }

    @Override
    public void onEvent(SessionId session, Recorded event) {
        events.add(session.name(), event.seq(), event.id(), event.fence());
    }

    /** This agent, with a model that is watched. */
    Agent watching(Agent agent, Crasher crasher) {
        return new Watched(agent, (request, scope) -> {
            asked(scope, request);
            crasher.reach(CrashPoint.IN_MODEL_CALL);
            return agent.model().call(request, scope);
        });
    }

    private void asked(CallScope scope, ModelRequest request) {
        Position position = DECIDED.get();
        if (position != null) {
            requests.add(scope.session().name(), position.seq(), position.event(), hash(request));
        }
    }

    /** Equal for equal requests only: records print all they hold. */
    static String hash(ModelRequest request) {
        try {
            byte[] text = request.toString().getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        acks.close();
        events.close();
        requests.close();
    }

    private interface Calls {
        ModelReply call(ModelRequest request, CallScope scope);
    }

    private static final class Watched implements Agent {
        private final Agent agent;
        private final ModelClient model;

        Watched(Agent agent, Calls calls) {
            this.agent = agent;
            this.model = calls::call;
        }

        @Override
        public String name() {
            return agent.name();
        }

        @Override
        public String version() {
            return agent.version();
        }

        @Override
        public Decision next(SessionView view) {
            DECIDED.set(view.position());
            return agent.next(view);
        }

        @Override
        public Toolbox tools() {
            return agent.tools();
        }

        @Override
        public ModelClient model() {
            return model;
        }

        @Override
        public Limits limits() {
            return agent.limits();
        }
    }
}

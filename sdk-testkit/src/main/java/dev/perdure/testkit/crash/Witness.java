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
import dev.perdure.spi.Lease;
import dev.perdure.spi.ModelClient;
import dev.perdure.tool.Toolbox;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Writes down, beside the store, what a child was promised and what it asked: what the log is compared with later. Thread-safe. */
final class Witness implements RuntimeListener, AutoCloseable {
    /** Decision and model call are on one thread, that of the run. */
    private static final ThreadLocal<@Nullable Position> DECIDED = new ThreadLocal<>();

    private final Path run;
    private final int slot;
    private final Map<Path, Lines> papers = new ConcurrentHashMap<>();

    Witness(Path run, int slot) {
        this.run = run;
        this.slot = slot;
    }

    private Lines paper(Round.Paper paper, SessionId session) {
        return papers.computeIfAbsent(Round.of(run, session).paper(paper, slot), Lines::new);
    }

    /** The store said that it has this input. */
    void sent(SessionId session, String key) {
        paper(Round.Paper.ACKS, session).addSynced(session.tenant(), session.name(), key);
    }

    /** The store said that this lease is held, and then that the log ended here. */
    void claimed(Lease lease, long end) {
        SessionId session = lease.session();
        paper(Round.Paper.CLAIMS, session).add(session.tenant(), session.name(), lease.fence(), end);
    }

    @Override
    public void onEvent(SessionId session, Recorded event) {
        paper(Round.Paper.EVENTS, session)
                .add(session.tenant(), session.name(), event.seq(), event.id(), event.fence());
    }

    /** This agent, with a model that is watched. */
    Agent watching(Agent agent, Consumer<CrashPoint> crasher) {
        return new Watched(agent, (request, scope) -> {
            asked(scope, request);
            crasher.accept(CrashPoint.IN_MODEL_CALL);
            return agent.model().call(request, scope);
        });
    }

    private void asked(CallScope scope, ModelRequest request) {
        Position position = DECIDED.get();
        if (position != null) {
            SessionId session = scope.session();
            paper(Round.Paper.REQUESTS, session)
                    .add(session.tenant(), session.name(), position.seq(), position.event(), hash(request));
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
        papers.values().forEach(Lines::close);
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

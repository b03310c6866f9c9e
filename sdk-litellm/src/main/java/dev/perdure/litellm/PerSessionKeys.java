package dev.perdure.litellm;

import dev.perdure.RuntimeListener;
import dev.perdure.litellm.internal.governance.Fields;
import dev.perdure.litellm.internal.governance.Interruptible;
import dev.perdure.litellm.internal.governance.KeyHash;
import dev.perdure.litellm.internal.governance.Recent;
import dev.perdure.litellm.internal.governance.SessionMark;
import dev.perdure.litellm.internal.governance.SessionSecret;
import dev.perdure.litellm.internal.http.CallHeaders;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.ModelClient;
import dev.perdure.spi.SessionStore;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor.DiscardPolicy;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls models with a key of its own for each session, so that the gateway itself holds a session to its budget, models and limits whatever happens in this process.
 *
 * <pre>{@code
 * PerSessionKeys model = PerSessionKeys.of(
 *     LiteLlm.at(url).model("gpt-5-mini"), Governance.at(url).key(masterKey), secret,
 *     KeyRequest.create().quota(Quota.none().usd("0.50")).lifetime(Duration.ofDays(7)));
 * AgentRuntime.builder(store).agents(agent).listener(model.revokingAtEnd()).build();
 * }</pre>
 *
 * <p><b>The value of a key is stored nowhere.</b> It follows from the secret and the session's name (HMAC-SHA256), so that every replica with the same secret comes to
 * the same key, and minting it twice changes nothing. The first call of a session in a process looks for the key at the gateway and mints it when it was never there: one
 * to three requests; later calls of that session cost none.
 *
 * <p><b>What ends a key.</b> {@link #revokingAtEnd} at the session's end, {@link #revokeEnded} for what that has missed, and its lifetime. A key that has expired while
 * its session lives is given another lifetime and goes on with what it has spent. A key that somebody has blocked, or revoked otherwise, is not minted around: the
 * session's calls fail with {@code AUTH} until it is unblocked. A session of a name whose former session has ended gets a new key.
 *
 * <p><b>A new secret</b> makes other keys. With {@link #formerSecrets} sessions keep the key that they have; without, their calls are refused, because the alias of
 * their key is taken: nobody gets a fresh budget by a new secret. Roll it out in two steps, the new one as a former secret everywhere first: a replica that does not know it cannot
 * go on with a session whose key was made with it.
 *
 * <p>Such a key can only call models. Its alias and metadata tell application, tenant and session in clear. Changes of the quota hold for keys minted after them. Immutable but for what it remembers
 * of the last 10,000 sessions; thread-safe.
 */
public final class PerSessionKeys implements ModelClient {
    private static final Logger LOG = LoggerFactory.getLogger(PerSessionKeys.class);
    private static final int REMEMBERED = 10_000;
    private static final Duration LIFETIME = Duration.ofDays(7);

    private final LiteLlm model;
    private final Keys keys;
    private final List<SessionSecret> secrets;
    private final KeyRequest settings;
    private final Duration lifetime;
    private final String application;
    private final InstantSource clock;
    private final Recent<SessionId, LiteLlm> known = new Recent<>(REMEMBERED);

    private PerSessionKeys(
            LiteLlm model,
            Keys keys,
            List<SessionSecret> secrets,
            KeyRequest settings,
            Duration lifetime,
            String application,
            InstantSource clock) {
        this.model = model;
        this.keys = keys;
        this.secrets = secrets;
        this.settings = settings;
        this.lifetime = lifetime;
        this.application = application;
        this.clock = clock;
    }

    /**
     * @param model that is called; a key of its own is not used
     * @param governance whose key may mint and revoke; its gateway needs a database
     * @param secret at least 32 characters, the same in all replicas; never shown
     * @param key what each session's key shall be: quota, team, user and lifetime, which is 7 days by default
     * @throws IllegalArgumentException when the secret is too short, or {@code key} has an alias or value
     */
    public static PerSessionKeys of(LiteLlm model, Governance governance, String secret, KeyRequest key) {
        Objects.requireNonNull(model, "model");
        if (key.findValue().isPresent() || key.fields().find("key_alias").isPresent()) {
            throw new IllegalArgumentException("value and alias of a session's key are chosen here: leave them out");
        }
        Optional<Duration> lifetime = key.findLifetime();
        KeyRequest all = lifetime.isPresent() ? key : key.lifetime(LIFETIME);
        return new PerSessionKeys(
                model,
                governance.keys(),
                List.of(new SessionSecret(secret)),
                all.fields().find("key_type").isPresent() ? all : all.callsOnly(),
                lifetime.orElse(LIFETIME),
                "perdure",
                InstantSource.system());
    }

    /** Secrets from before this one, newest first: keys made with them stay in use until their sessions end. */
    public PerSessionKeys formerSecrets(String... former) {
        List<SessionSecret> all = new ArrayList<>(secrets.subList(0, 1));
        for (String secret : former) {
            all.add(new SessionSecret(secret));
        }
        return new PerSessionKeys(model, keys, List.copyOf(all), settings, lifetime, application, clock);
    }

    /**
     * Tells the keys of applications apart that share a gateway but no store; default {@code perdure}. Another name is another key for each session.
     *
     * @throws IllegalArgumentException unless it has 1 to 40 letters, digits, {@code _} or {@code -}
     */
    public PerSessionKeys application(String name) {
        if (!name.matches("[A-Za-z0-9_-]{1,40}")) {
            throw new IllegalArgumentException(
                    "an application's name has 1 to 40 letters, digits, _ or -, but this is \"" + name + "\"");
        }
        return new PerSessionKeys(model, keys, secrets, settings, lifetime, name, clock);
    }

    PerSessionKeys clock(InstantSource source) {
        return new PerSessionKeys(model, keys, secrets, settings, lifetime, application, source);
    }

    /**
     * As {@link LiteLlm#call}, with the session's key.
     *
     * @throws ModelException as {@link LiteLlm#call}; {@code AUTH} too when the session's key was blocked or revoked; {@code PROTOCOL} from a gateway without a
     *     database; {@code CLIENT} when its alias belongs to a key of another secret
     */
    @Override
    public ModelReply call(ModelRequest request, CallScope scope) {
        SessionId session = scope.session();
        Optional<LiteLlm> before = known.find(session);
        if (before.isEmpty()) {
            return established(scope).client().call(request, scope);
        }
        try {
            return before.get().call(request, scope);
        } catch (ModelException e) {
            if (e.kind() != Kind.AUTH) {
                throw e;
            }
            known.remove(session);
            Established again = established(scope);
            if (!again.changed()) {
                throw e;
            }
            // What was refused for its key was not begun.
            return again.client().call(request, scope);
        }
    }

    @Override
    public boolean reportsCost() {
        return model.reportsCost();
    }

    @Override
    public String provider() {
        return model.provider();
    }

    @Override
    public String defaultModel() {
        return model.defaultModel();
    }

    /** The key of a session, with what it has spent and {@linkplain Keys.Key#findLeft what is left}; empty before its first call and after its end. */
    public Optional<Keys.Key> find(SessionId session) {
        return keysOf(session).stream()
                .filter(key -> !SessionMark.isEnded(key.metadata()))
                .findFirst();
    }

    /** Revokes what keys a session has. Safe to repeat, and from several processes at a time. */
    public void revoke(SessionId session) {
        known.remove(session);
        keysOf(session).forEach(this::revoke);
    }

    /**
     * Revokes the keys of an ended session when this runtime has written its end: on a thread of the listener's own, so that the session waits for nothing. What fails is logged, and
     * left to {@link #revokeEnded}.
     */
    public RuntimeListener revokingAtEnd() {
        // One thread, which ends when it has nothing to do. What does not fit is left to revokeEnded.
        ThreadPoolExecutor revoker = new ThreadPoolExecutor(
                1,
                1,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(REMEMBERED),
                PerSessionKeys::daemon,
                new DiscardPolicy());
        revoker.allowCoreThreadTimeOut(true);
        return new RuntimeListener() {
            @Override
            public void onEvent(SessionId session, Recorded event) {
                if (event.event() instanceof Event.SessionEnded) {
                    revoker.execute(() -> revokeOrLog(session));
                }
            }
        };
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "perdure-revoke");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Revokes the keys of all sessions that {@code store} says have ended, or no longer knows. Only keys that follow from this secret or the former ones are looked at. Run it
     * now and then, in as many replicas as you like. The store must be the one of all sessions that use this secret and application.
     *
     * @return how many were revoked here
     */
    public int revokeEnded(SessionStore store) {
        int revoked = 0;
        for (Keys.Key key : keys.withAlias(prefix()).filter(this::isOurs).toList()) {
            SessionId session = SessionMark.findSession(key.metadata()).orElseThrow();
            boolean over = store.find(session)
                    .map(info -> info.status() == SessionStatus.ENDED || info.status() == SessionStatus.DELETED)
                    .orElse(true);
            if (over && revokedOrLogged(key, session)) {
                known.remove(session);
                revoked++;
            }
        }
        return revoked;
    }

    /** Model and application; no key and no secret. */
    @Override
    public String toString() {
        return "PerSessionKeys[" + model + ", application=" + application + "]";
    }

    private record Established(LiteLlm client, boolean changed) {}

    private record Derived(String value, String id) {}

    private Established established(CallScope scope) {
        SessionId session = scope.session();
        Established made = Interruptible.run(scope.interruption(), () -> established(session));
        known.put(session, made.client());
        return made;
    }

    private Established established(SessionId session) {
        for (int generation = 0; ; generation++) {
            List<Derived> derived = derived(session, generation);
            boolean ended = false;
            for (Derived one : derived) {
                Optional<Keys.Key> key = keys.find(one.id());
                if (key.isPresent() && !SessionMark.isEnded(key.get().metadata())) {
                    return usable(session, key.get(), one);
                }
                // Whoever marked it may have died before it was revoked.
                ended |= key.map(this::revoke).isPresent();
            }
            if (ended) {
                continue;
            }
            Optional<Keys.Key> revoked = derived.stream()
                    .flatMap(one -> keys.findRevoked(one.id()).stream())
                    .findFirst();
            if (revoked.isEmpty()) {
                return minted(session, generation, derived.get(0));
            }
            if (!SessionMark.isEnded(revoked.get().metadata())) {
                throw refused(
                        session, revoked.get().id(), "was revoked", "Let the session end, and go on in another one");
            }
        }
    }

    private Established usable(SessionId session, Keys.Key key, Derived derived) {
        if (key.blocked()) {
            throw refused(session, key.id(), "is blocked", "Keys.unblock(id) lets it go on");
        }
        boolean renew = key.findExpiresAt()
                .map(end -> end.isBefore(clock.instant().plus(lifetime.dividedBy(2))))
                .orElse(false);
        if (renew) {
            keys.update(key.id(), KeyRequest.create().lifetime(lifetime));
            LOG.debug("{}: the key with id {} has another lifetime", session, key.id());
        }
        return new Established(model.key(derived.value()), renew);
    }

    private Established minted(SessionId session, int generation, Derived derived) {
        String alias = alias(session) + "/" + generation;
        KeyRequest request = settings.value(derived.value())
                .alias(alias)
                .metadata(SessionMark.on(Fields.object(settings.fields(), "metadata"), session, generation));
        try {
            keys.generate(request);
        } catch (ModelException e) {
            // Another replica was faster?
            Optional<Keys.Key> there = e.kind() == Kind.BAD_REQUEST ? keys.find(derived.id()) : Optional.empty();
            if (there.isPresent()) {
                return usable(session, there.get(), derived);
            }
            throw String.valueOf(e.getMessage()).contains("already exists") ? taken(session, alias, e) : e;
        }
        LOG.debug("{}: key minted, id {}", session, derived.id());
        return new Established(model.key(derived.value()), true);
    }

    private List<Derived> derived(SessionId session, int generation) {
        return secrets.stream()
                .map(secret -> secret.keyOf(application, session, generation))
                .map(value -> new Derived(value, KeyHash.of(value)))
                .toList();
    }

    private List<Keys.Key> keysOf(SessionId session) {
        return keys.withAlias(alias(session) + "/").filter(this::isOurs).toList();
    }

    /** Whether its value follows from one of our secrets: names alone anybody could have given to a key. */
    private boolean isOurs(Keys.Key key) {
        return SessionMark.findSession(key.metadata())
                .map(session -> derived(session, SessionMark.generation(key.metadata())).stream()
                        .anyMatch(one -> one.id().equals(key.id())))
                .orElse(false);
    }

    private boolean revoke(Keys.Key key) {
        if (!SessionMark.isEnded(key.metadata())) {
            try {
                keys.update(key.id(), KeyRequest.create().metadata(SessionMark.ended(key.metadata())));
            } catch (ModelException e) {
                if (e.findStatus().equals(Optional.of(404))) {
                    return false;
                }
                throw e;
            }
        }
        return keys.revoke(key.id());
    }

    /** One that fails does not keep the rest. */
    private boolean revokedOrLogged(Keys.Key key, SessionId session) {
        try {
            return revoke(key);
        } catch (ModelException e) {
            LOG.warn("{}: its key with id {} could not be revoked: {}", session, key.id(), e.toString());
            return false;
        }
    }

    private void revokeOrLog(SessionId session) {
        try {
            revoke(session);
        } catch (RuntimeException e) {
            LOG.warn("{}: its key could not be revoked; PerSessionKeys.revokeEnded will: {}", session, e.toString());
        }
    }

    private String prefix() {
        return "perdure/" + application + "/";
    }

    private String alias(SessionId session) {
        return prefix() + CallHeaders.sessionKey(session);
    }

    private static ModelException refused(SessionId session, String id, String what, String remedy) {
        return ModelException.of(
                Kind.AUTH, "the key of session " + session + " " + what + " at the gateway, id " + id + ". " + remedy);
    }

    private static ModelException taken(SessionId session, String alias, ModelException e) {
        return ModelException.builder(
                        Kind.CLIENT,
                        "the key of session " + session + " cannot be minted: the alias " + alias
                                + " belongs to a key that does not follow from this secret. Was the secret changed? Give the one before to"
                                + " formerSecrets(…). Does another application share this gateway? Name this one with application(…)")
                .status(e.findStatus().orElse(null))
                .build();
    }
}

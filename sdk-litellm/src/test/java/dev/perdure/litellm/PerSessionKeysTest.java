package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.InMemorySessionStore;
import dev.perdure.RuntimeListener;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Actor;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Interruption;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PerSessionKeysTest {
    private static final String SECRET = "a secret of at least thirty-two characters";
    private static final SessionId SESSION = SessionId.of("acme", "ticket 4711");

    private final FakeKeys gateway = new FakeKeys();
    private final PerSessionKeys keys = replica(SECRET);

    @AfterEach
    void close() throws IOException {
        gateway.close();
    }

    @Test
    void firstCallOfASession_mintsItsKey_withQuotaAndLifetime_andLaterCallsAskNoMore() {
        assertThat(say(keys, SESSION))
                .startsWith("perdure/perdure/acme-ticket_4711-")
                .endsWith("/0");
        int requests = gateway.requests().size();
        say(keys, SESSION);

        assertThat(gateway.requests()).hasSize(requests + 1);
        Json key = gateway.keys().get(0);
        assertThat(key.find("max_budget").orElseThrow().text()).isEqualTo("0.50");
        assertThat(key.findText("duration")).contains("2h");
        assertThat(key.findText("key_type")).contains("llm_api");
        assertThat(key.find("metadata").orElseThrow())
                .isEqualTo(Json.parse("{\"cost_center\":\"c1\",\"perdure_tenant\":\"acme\","
                        + "\"perdure_session\":\"ticket 4711\",\"perdure_generation\":0}"));
        assertThat(keys.find(SESSION).orElseThrow().quota().findUsd()).contains(new java.math.BigDecimal("0.50"));
    }

    @Test
    void everyReplica_comesToTheSameKey_alsoWhenAllMintAtOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            CountDownLatch start = new CountDownLatch(1);
            List<Callable<String>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                PerSessionKeys replica = replica(SECRET);
                calls.add(() -> {
                    start.await();
                    return say(replica, SESSION);
                });
            }
            List<Future<String>> said = new ArrayList<>();
            for (Callable<String> call : calls) {
                said.add(threads.submit(call));
            }
            start.countDown();
            for (Future<String> one : said) {
                assertThat(one.get()).endsWith("/0");
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(gateway.keys()).hasSize(1);
    }

    @Test
    void sessionsTenantsApplicationsAndSecrets_haveOtherKeys() {
        say(keys, SESSION);
        say(keys, SessionId.of("acme", "ticket 4712"));
        say(keys, SessionId.of("acm", "eticket 4711"));
        say(keys.application("billing"), SESSION);
        say(replica("another secret, of thirty-two characters too").application("other"), SESSION);

        assertThat(gateway.keys().stream().map(key -> key.findText("token")).distinct())
                .hasSize(5);
    }

    @Test
    void keyThatExpiredWhileItsSessionLives_isGivenAnotherLifetime_andKeepsItsSpend() {
        say(keys, SESSION);
        String id = id();
        gateway.change(id, "duration", null);
        gateway.change(id, "expires", Instant.now().minusSeconds(1).toString());

        assertThat(say(keys, SESSION)).endsWith("/0");

        assertThat(gateway.requests("POST /key/generate")).isEqualTo(1);
        assertThat(gateway.requests("POST /key/update")).isEqualTo(1);
        assertThat(keys.find(SESSION).orElseThrow().findExpiresAt().orElseThrow())
                .isAfter(Instant.now().plusSeconds(3600));
    }

    @Test
    void keyThatWasBlocked_isNotMintedAround_untilItIsUnblocked() {
        say(keys, SESSION);
        gateway.change(id(), "blocked", true);

        for (PerSessionKeys replica : List.of(keys, replica(SECRET))) {
            ModelException e = Calls.failure(replica, Calls.of(SESSION));
            assertThat(e.kind()).isEqualTo(Kind.AUTH);
            assertThat(e).hasMessageContaining("is blocked").hasMessageContaining("acme/ticket 4711");
        }
        assertThat(gateway.keys()).hasSize(1);

        gateway.change(id(), "blocked", false);
        assertThat(say(keys, SESSION)).endsWith("/0");
    }

    @Test
    void keyThatAnAdminRevoked_isNotMintedAround() {
        say(keys, SESSION);
        gateway.governance().keys().revoke(id());

        for (PerSessionKeys replica : List.of(keys, replica(SECRET))) {
            ModelException e = Calls.failure(replica, Calls.of(SESSION));
            assertThat(e.kind()).isEqualTo(Kind.AUTH);
            assertThat(e).hasMessageContaining("was revoked");
        }
        assertThat(gateway.keys()).isEmpty();
    }

    @Test
    void sessionOfANameWhoseFormerSessionHasEnded_getsANewKey() {
        say(keys, SESSION);
        keys.revoke(SESSION);
        assertThat(gateway.keys()).isEmpty();

        assertThat(say(keys, SESSION)).endsWith("/1");
        assertThat(say(replica(SECRET), SESSION)).endsWith("/1");
        keys.revoke(SESSION);
        assertThat(say(keys, SESSION)).endsWith("/2");
    }

    @Test
    void whoeverDiedBetweenMarkAndRevocation_isFinishedForByTheNext() {
        say(keys, SESSION);
        Json marked = gateway.keys().get(0).find("metadata").orElseThrow().with("perdure_ended", true);
        gateway.change(id(), "metadata", marked);

        assertThat(keys.find(SESSION)).isEmpty();
        assertThat(say(replica(SECRET), SESSION)).endsWith("/1");
        assertThat(gateway.keys()).hasSize(1);
    }

    @Test
    void newSecret_keepsTheKeysOfTheFormerOne_whenItIsGiven() {
        say(keys, SESSION);
        PerSessionKeys rotated =
                replica("a new secret, of thirty-two characters too").formerSecrets(SECRET);

        assertThat(say(rotated, SESSION)).endsWith("/0");
        say(rotated, SessionId.of("acme", "new"));
        assertThat(gateway.keys()).hasSize(2);
        rotated.revoke(SESSION);
        assertThat(gateway.keys()).hasSize(1);
    }

    @Test
    void newSecretWithoutTheFormerOne_isRefused_soThatNobodyGetsAFreshBudget() {
        say(keys, SESSION);

        ModelException e = Calls.failure(replica("a new secret, of thirty-two characters too"), Calls.of(SESSION));

        assertThat(e.kind()).isEqualTo(Kind.CLIENT);
        assertThat(e).hasMessageContaining("formerSecrets").hasMessageContaining("application(");
    }

    @Test
    void endOfASession_revokesItsKey() throws Exception {
        say(keys, SESSION);
        RuntimeListener listener = keys.revokingAtEnd();

        listener.onEvent(SESSION, recorded(new Event.Interrupted(Actor.user("ann"), "x")));
        listener.onEvent(SESSION, recorded(new Event.SessionEnded(Actor.user("ann"), "done")));

        while (!gateway.keys().isEmpty()) {
            Thread.onSpinWait();
        }
        assertThat(keys.find(SESSION)).isEmpty();
    }

    @Test
    void reaper_revokesKeysOfSessionsThatHaveEndedOrAreGone_andNoOthers() {
        InMemorySessionStore store = InMemorySessionStore.create();
        SessionId live = open(store, "live");
        SessionId deleted = open(store, "deleted");
        SessionId gone = SessionId.of("acme", "gone");
        for (SessionId session : List.of(live, deleted, gone)) {
            say(keys, session);
        }
        store.delete(deleted);
        say(keys.application("other"), gone);
        // Names as ours, but not derived from the secret: somebody else's.
        gateway.governance()
                .keys()
                .mint(KeyRequest.create()
                        .value("sk-of-somebody-else-0123")
                        .alias("perdure/perdure/forged/0")
                        .metadata(Json.parse("{\"perdure_tenant\":\"acme\",\"perdure_session\":\"gone\"}")));

        assertThat(keys.revokeEnded(store)).isEqualTo(2);
        assertThat(replica(SECRET).revokeEnded(store)).isZero();

        assertThat(keys.find(live)).isPresent();
        assertThat(gateway.keys()).hasSize(3);
    }

    @Test
    void twoReapersAtOnce_revokeEachKeyOnce() throws Exception {
        InMemorySessionStore store = InMemorySessionStore.create();
        for (int i = 0; i < 20; i++) {
            say(keys, SessionId.of("acme", "gone-" + i));
        }
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Integer> one = threads.submit(() -> replica(SECRET).revokeEnded(store));
            Future<Integer> other = threads.submit(() -> replica(SECRET).revokeEnded(store));
            assertThat(one.get() + other.get()).isEqualTo(20);
        } finally {
            threads.shutdownNow();
        }
        assertThat(gateway.keys()).isEmpty();
    }

    @Test
    void whatIsRefusedForAnotherReason_isNotAskedTwice() throws IOException {
        try (FakeGateway broken = FakeGateway.raw(exchange -> exchange.whole(
                400,
                "application/json",
                "{\"detail\":{\"error\":\"DB not connected. This endpoint needs a database\"}}"))) {
            PerSessionKeys none = PerSessionKeys.of(
                    LiteLlm.at(broken.url()).model("m"),
                    Governance.at(broken.url()).key(FakeKeys.ADMIN),
                    SECRET,
                    KeyRequest.create());

            ModelException e = Calls.failure(none, Calls.of(SESSION));

            assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
            assertThat(e.retryable()).isFalse();
            assertThat(e).hasMessageContaining("DATABASE_URL");
            assertThat(broken.received()).hasSize(1);
        }
    }

    @Test
    void interruptionWhileTheKeyIsMinted_endsTheCall_andLeavesTheThreadAsItWas() throws IOException {
        Interruption interruption = new Interruption();
        try (FakeGateway stalled = FakeGateway.raw(exchange -> {
            interruption.request("enough");
            exchange.stall();
        })) {
            PerSessionKeys slow = PerSessionKeys.of(
                    LiteLlm.at(stalled.url()).model("m"),
                    Governance.at(stalled.url()).key(FakeKeys.ADMIN),
                    SECRET,
                    KeyRequest.create());

            ModelException e =
                    Calls.failure(slow, Calls.scope(CallScope.Deltas.UNWANTED, interruption, Duration.ofSeconds(30)));

            assertThat(e.kind()).isEqualTo(Kind.INTERRUPTED);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
        }
    }

    @Test
    void valueOfAKey_isSentOnceWhenItIsMinted_andThenOnlyAsTheCallersOwn() {
        say(keys, SESSION);
        say(replica(SECRET), SESSION);
        keys.revoke(SESSION);

        List<String> withValue =
                gateway.requests().stream().filter(line -> line.contains("sk-")).toList();
        assertThat(withValue).hasSize(1);
        assertThat(withValue.get(0)).startsWith("POST /key/generate");
        assertThat(keys.toString()).doesNotContain("sk-").doesNotContain("secret");
        assertThatThrownBy(() -> replica("too short to be it"))
                .hasMessageContaining("32 characters")
                .hasMessageNotContaining("too short to be");
    }

    private PerSessionKeys replica(String secret) {
        return PerSessionKeys.of(
                LiteLlm.at(gateway.url()).model("m"),
                gateway.governance(),
                secret,
                KeyRequest.create()
                        .quota(Quota.none().usd("0.50"))
                        .lifetime(Duration.ofHours(2))
                        .metadata(Json.parse("{\"cost_center\":\"c1\"}")));
    }

    private String id() {
        return gateway.keys().get(0).findText("token").orElseThrow();
    }

    private static SessionId open(SessionStore store, String name) {
        SessionId id = SessionId.of("acme", name);
        store.open(new SessionStore.NewSession(
                id, "support", Map.of(), Draft.of(EventId.random(), 0, new Event.SessionOpened("support", Map.of()))));
        return id;
    }

    private static Recorded recorded(Event event) {
        return Recorded.of(7, 1, Instant.now(), Draft.of(EventId.random(), 0, event));
    }

    private static String say(PerSessionKeys keys, SessionId session) {
        return keys.call(Calls.saying("hi"), Calls.of(session)).text();
    }
}

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Against a real LiteLLM gateway with a database: {@code LITELLM_DB_BASE_URL}, and {@code LITELLM_API_KEY} for its master key. Without the URL these tests say that
 * they were not asked for, or fail when {@code PERDURE_REQUIRE_GATEWAY=true}. Names and values are new in each run, as the gateway counts spend in memory.
 */
@Timeout(120)
class GovernanceIT {
    private static final String RUN = UUID.randomUUID().toString().substring(0, 8);
    private static Governance governance = Governance.at("http://unset");
    private static LiteLlm model = LiteLlm.at("http://unset");

    @BeforeAll
    static void findGateway() {
        String url = System.getenv("LITELLM_DB_BASE_URL");
        if (url == null || url.isBlank()) {
            String missing = "no gateway with a database: LITELLM_DB_BASE_URL is not set";
            if ("true".equals(System.getenv("PERDURE_REQUIRE_GATEWAY"))) {
                fail(missing + ", but PERDURE_REQUIRE_GATEWAY=true");
            }
            abort(missing);
        }
        String key = System.getenv("LITELLM_API_KEY");
        governance = Governance.at(url).key(key == null ? "sk-test-only" : key);
        model = LiteLlm.at(url).model("scripted");
    }

    @Test
    void key_isMinted_pays_isStoppedByItsBudget_raised_blocked_andRevoked() {
        Keys keys = governance.keys();
        Keys.Minted key = keys.mint(KeyRequest.create()
                .alias("life-" + RUN)
                .lifetime(Duration.ofHours(1))
                .quota(Quota.none()
                        .usd("0.0002")
                        .softUsd("0.0001")
                        .requestsPerMinute(50)
                        .models("scripted"))
                .metadata(Json.parse("{\"team\":\"a\"}")));
        LiteLlm paid = model.key(key.value());

        assertThat(key.key().findExpiresAt().orElseThrow())
                .isAfter(Instant.now().plusSeconds(1800));
        assertThat(keys.find(key.id()).orElseThrow().quota().findSoftUsd()).isPresent();
        assertThat(say(paid)).startsWith("scripted answer");
        ModelException spent =
                until(() -> Calls.failure(paid, Calls.saying("[[words n=20]] more"), Calls.plain()), e -> e != null);
        assertThat(spent.kind()).isEqualTo(Kind.BUDGET);

        assertThat(Governance.at(place()).key(key.value()).whoAmI().findLeft().orElseThrow())
                .isZero();
        Keys.Key raised =
                keys.update(key.id(), KeyRequest.create().quota(Quota.none().usd("1")));
        assertThat(raised.findLeft().orElseThrow()).isPositive();
        assertThat(raised.quota().findRequestsPerMinute()).contains(50);
        assertThat(say(paid)).startsWith("scripted answer");

        keys.block(key.value());
        assertThat(keys.find(key.id()).orElseThrow().blocked()).isTrue();
        assertThat(Calls.failure(paid, Calls.plain()).kind()).isEqualTo(Kind.AUTH);
        keys.unblock(key.id());
        assertThat(say(paid)).startsWith("scripted answer");

        assertThat(keys.revoke(key.id())).isTrue();
        assertThat(keys.revoke(key.id())).isFalse();
        assertThat(keys.find(key.id())).isEmpty();
        assertThat(Calls.failure(paid, Calls.plain()).kind()).isEqualTo(Kind.AUTH);
        assertThat(keys.findRevoked(key.id()).orElseThrow().metadata()).isEqualTo(Json.parse("{\"team\":\"a\"}"));
    }

    @Test
    void aliasAndValueThatAreTaken_areRefused_andTheKeyThereIsUntouched() {
        Keys keys = governance.keys();
        String value = "sk-" + UUID.randomUUID();
        keys.mint(KeyRequest.create()
                .value(value)
                .alias("taken-" + RUN)
                .quota(Quota.none().usd("1")));

        assertThatThrownBy(() -> keys.mint(KeyRequest.create().alias("taken-" + RUN)))
                .isInstanceOfSatisfying(
                        ModelException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_REQUEST))
                .hasMessageContaining("already exists");
        assertThatThrownBy(() -> keys.mint(KeyRequest.create().value(value)))
                .hasMessageContaining("has a key with this value already")
                .hasMessageNotContaining(value);
        // What two replicas do that both found nothing.
        keys.generate(KeyRequest.create().value(value).quota(Quota.none().usd("99")));
        assertThat(keys.find(value).orElseThrow().quota().findUsd().orElseThrow())
                .isEqualByComparingTo("1");
    }

    @Test
    void rotatedKey_hasTheSettingsOfTheOld_whichExpiresAfterTheGrace() {
        Keys keys = governance.keys();
        Quota quota = Quota.none().usd("3").softUsd("2").models("scripted").parallel(4);
        Keys.Minted old = keys.mint(KeyRequest.create()
                .alias("rotated-" + RUN)
                .lifetime(Duration.ofHours(2))
                .callsOnly()
                .metadata(Json.parse("{\"a\":1}"))
                .quota(quota));

        Keys.Minted fresh = keys.rotate(old.id(), Duration.ofSeconds(1));

        Keys.Key now = keys.find(fresh.id()).orElseThrow();
        assertThat(now.findAlias()).contains("rotated-" + RUN);
        assertThat(now.quota().findUsd().orElseThrow()).isEqualByComparingTo("3");
        assertThat(now.quota().findSoftUsd().orElseThrow()).isEqualByComparingTo("2");
        assertThat(now.quota().models()).containsExactly("scripted");
        assertThat(now.quota().findParallel()).contains(4);
        assertThat(now.metadata()).isEqualTo(Json.parse("{\"a\":1}"));
        assertThat(now.all().findText("key_type")).contains("llm_api");
        assertThat(Duration.between(
                        old.key().findExpiresAt().orElseThrow(),
                        now.findExpiresAt().orElseThrow()))
                .isBetween(Duration.ofSeconds(-5), Duration.ofSeconds(5));
        assertThat(say(model.key(fresh.value()))).startsWith("scripted answer");
        ModelException expired = until(() -> Calls.failure(model.key(old.value()), Calls.plain()), e -> e != null);
        assertThat(expired.kind()).isEqualTo(Kind.AUTH);

        Keys.Minted third = keys.rotate(fresh.value(), Duration.ZERO);
        assertThat(keys.find(fresh.id())).isEmpty();
        assertThat(keys.withAlias("rotated-" + RUN).map(Keys.Key::id)).contains(third.id(), old.id());
    }

    @Test
    void keys_areListed_pageByPage() {
        Keys keys = governance.keys();
        String user = "lister-" + RUN;
        for (int i = 0; i < 103; i++) {
            keys.mint(KeyRequest.create().alias("page-" + RUN + "-" + i).user(user));
        }

        assertThat(keys.ofUser(user).map(Keys.Key::id).distinct()).hasSize(103);
        assertThat(keys.withAlias("page-" + RUN).limit(3)).hasSize(3);
        assertThat(keys.withAlias("age-" + RUN)).isEmpty();
    }

    @Test
    void whatIsUnknownOrNotAllowed_isSaid() {
        String nobody = "sk-nobody-" + UUID.randomUUID();

        assertThat(governance.keys().find(nobody)).isEmpty();
        assertThatThrownBy(() ->
                        governance.keys().update(nobody, KeyRequest.create().alias("x")))
                .isInstanceOfSatisfying(
                        ModelException.class, e -> assertThat(e.findStatus()).contains(404))
                .hasMessageNotContaining(nobody);
        assertThatThrownBy(() -> governance.keys().mint(KeyRequest.create().with("tags", java.util.List.of("a"))))
                .isInstanceOfSatisfying(
                        ModelException.class, e -> assertThat(e.kind()).isEqualTo(Kind.ACCESS))
                .hasMessageContaining("licence");
        assertThatThrownBy(() -> Governance.at(place()).key(nobody).keys().mint(KeyRequest.create()))
                .isInstanceOfSatisfying(
                        ModelException.class, e -> assertThat(e.kind()).isEqualTo(Kind.AUTH))
                .hasMessageContaining("Governance.key");
    }

    @Test
    void gatewayWithoutADatabase_isNamed_withTheRemedy() {
        String url = System.getenv("LITELLM_BASE_URL");
        if (url == null || url.isBlank()) {
            abort("no gateway without a database: LITELLM_BASE_URL is not set");
        }
        Governance none = Governance.at(url).key("sk-test-only");
        String aKey = "sk-" + UUID.randomUUID();

        for (Runnable request : java.util.List.<Runnable>of(
                none::whoAmI,
                () -> none.keys().mint(KeyRequest.create()),
                () -> none.keys().find(aKey),
                () -> none.keys().revoke(aKey),
                () -> none.keys().list().count())) {
            assertThatThrownBy(request::run)
                    .isInstanceOfSatisfying(ModelException.class, e -> {
                        assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
                        assertThat(e.retryable()).isFalse();
                    })
                    .hasMessageContaining("DATABASE_URL");
        }
    }

    static String place() {
        return System.getenv("LITELLM_DB_BASE_URL");
    }

    static String say(LiteLlm client) {
        return client.call(Calls.saying("hi"), Calls.plain()).text();
    }

    /** Asks until it is as it shall be: the gateway writes what it spends some time after the call. */
    static <T> T until(Supplier<T> asked, java.util.function.Predicate<? super T> good) {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            T answer = asked.get();
            if (good.test(answer) || System.nanoTime() > end) {
                assertThat(answer).matches(good);
                return answer;
            }
            LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
        }
    }
}

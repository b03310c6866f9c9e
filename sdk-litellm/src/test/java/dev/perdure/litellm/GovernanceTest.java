package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.litellm.internal.governance.KeyHash;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is asked of the gateway, and what is made of refusals that no recording has. */
@Timeout(60)
class GovernanceTest {
    private static final String VALUE = "sk-of-somebody-0123456789";

    @Test
    void key_isAskedForByItsHash_whoeverGivesIdOrValue() throws IOException {
        try (FakeKeys gateway = new FakeKeys()) {
            Keys keys = gateway.governance().keys();
            keys.mint(KeyRequest.create().value(VALUE).alias("a"));
            keys.update(VALUE, KeyRequest.create().alias("b"));
            keys.find(KeyHash.of(VALUE)).orElseThrow();
            keys.revoke(VALUE);

            assertThat(gateway.requests())
                    .filteredOn(line -> line.contains(VALUE))
                    .singleElement()
                    .asString()
                    .startsWith("POST /key/generate");
        }
        assertThatThrownBy(() -> Governance.at("http://g").keys().find("hello"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("64 hexadecimal digits")
                .hasMessageNotContaining("hello");
    }

    @Test
    void valueThatIsThere_isNotMintedAgain() throws IOException {
        try (FakeKeys gateway = new FakeKeys()) {
            Keys keys = gateway.governance().keys();
            keys.mint(KeyRequest.create().value(VALUE).alias("a"));

            assertThatThrownBy(() -> keys.mint(KeyRequest.create().value(VALUE).alias("b")))
                    .isInstanceOfSatisfying(ModelException.class, e -> {
                        assertThat(e.kind()).isEqualTo(Kind.BAD_REQUEST);
                        assertThat(e.findStatus()).contains(409);
                    })
                    .hasMessageContaining("already")
                    .hasMessageNotContaining(VALUE);
            assertThat(gateway.requests("POST /key/generate")).isEqualTo(1);
        }
    }

    @Test
    void rotation_keepsTheAlias_andLetsTheOldKeyExpireAfterTheGrace() throws IOException {
        try (FakeKeys gateway = new FakeKeys()) {
            Keys keys = gateway.governance().keys();
            keys.mint(KeyRequest.create()
                    .value(VALUE)
                    .alias("a")
                    .lifetime(Duration.ofHours(5))
                    .quota(Quota.none().usd("3").models("m")));
            String old = KeyHash.of(VALUE);

            Keys.Minted fresh = keys.rotate(old, Duration.ofMinutes(1));

            assertThat(gateway.requests())
                    .filteredOn(line -> line.startsWith("POST /key/generate"))
                    .last()
                    .asString()
                    .contains("\"max_budget\":3", "\"models\":[\"m\"]", "\"key_alias\":\"a\"")
                    .doesNotContain("spend", "token", "\"key\"");
            Keys.Key now = keys.find(fresh.id()).orElseThrow();
            assertThat(now.findExpiresAt().orElseThrow())
                    .isBetween(Instant.now().plusSeconds(17_900), Instant.now().plusSeconds(18_000));
            Keys.Key before = keys.find(old).orElseThrow();
            assertThat(before.findAlias()).contains("a.rotated-" + old.substring(0, 8));
            assertThat(before.findExpiresAt().orElseThrow())
                    .isBefore(Instant.now().plusSeconds(61));

            // A second one at once: the new key goes, the former of the first goes on until its grace is over.
            assertThat(keys.rotate(fresh.value(), Duration.ZERO).key().findAlias())
                    .contains("a");
            assertThat(keys.find(fresh.id())).isEmpty();
            assertThat(keys.find(old)).isPresent();
        }
        assertThatThrownBy(() -> Governance.at("http://g").keys().rotate("x", Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void pages_areFetchedWhenTheyAreNeeded_andWhatComesTwiceIsGivenOnce() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            int page = Integer.parseInt(exchange.request().line().replaceAll(".*[?&]page=(\\d+).*", "$1"));
            List<Json> keys = new ArrayList<>();
            // Each page begins with the last key of the page before, as when one was added meanwhile.
            for (int i = (page - 1) * 2; i <= page * 2; i++) {
                keys.add(Json.of(Map.of("token", "id-" + i, "key_alias", "k" + i)));
            }
            exchange.json(Json.of(Map.of("keys", keys, "total_pages", 3)).text());
        })) {
            Iterator<Keys.Key> keys =
                    Governance.at(gateway.url()).keys().ofTeam("t 1&2").iterator();
            assertThat(gateway.received()).isEmpty();
            assertThat(keys.next().id()).isEqualTo("id-0");
            assertThat(gateway.received()).hasSize(1);
            assertThat(gateway.received().get(0).line()).contains("team_id=t%201%262", "return_full_object=true");

            List<String> rest = new ArrayList<>();
            keys.forEachRemaining(key -> rest.add(key.id()));
            assertThat(rest).containsExactly("id-1", "id-2", "id-3", "id-4", "id-5", "id-6");
            assertThat(gateway.received()).hasSize(3);
        }
    }

    @Test
    void ledgerWhoseRowsWereNotCountedToTheEnd_isReadToTheEnd() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            int page = Integer.parseInt(exchange.request().line().replaceAll(".*[?&]page=(\\d+).*", "$1"));
            List<Json> rows = page > 4
                    ? List.of()
                    : List.of(Json.of(Map.of("request_id", "r" + page, "startTime", "2026-11-23T00:00:01Z")));
            exchange.json(Json.of(Map.of("data", rows, "total_pages", 2, "total_is_capped", true))
                    .text());
        })) {
            Instant from = Instant.parse("2026-11-23T00:00:00.5Z");

            assertThat(Governance.at(gateway.url()).spend().between(from, from.plusSeconds(1)))
                    .hasSize(4);
            assertThat(Governance.at(gateway.url()).spend().between(from.plusSeconds(1), from.plusSeconds(2)))
                    .isEmpty();
            assertThat(gateway.received().get(0).line())
                    .contains("start_date=2026-11-23%2000%3A00%3A00&end_date=2026-11-23%2000%3A00%3A02");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"error\":{\"message\":\"Database not connected. Connect a database to your proxy\",\"code\":\"500\"}}",
                "{\"error\":{\"message\":\"{'error': 'No db connected'}\",\"type\":\"internal_server_error\"}}",
                "{\"error\":{\"message\":\"Not connected to DB!\",\"type\":\"internal_server_error\"}}",
                "{\"error\":{\"message\":\"Prisma Client is not initialized\",\"type\":\"internal_error\"}}",
                "{\"detail\":\"Database not connected\"}",
                "{\"detail\":{\"error\":\"DB not connected. This endpoint needs a database; set DATABASE_URL\"}}"
            })
    void gatewayWithoutADatabase_isNamed_withTheRemedy_andNotRetried(String body) throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> exchange.whole(500, "application/json", body))) {
            assertThatThrownBy(() -> Governance.at(gateway.url()).teams().list().count())
                    .isInstanceOfSatisfying(ModelException.class, e -> {
                        assertThat(e.kind()).isEqualTo(Kind.PROTOCOL);
                        assertThat(e.retryable()).isFalse();
                    })
                    .hasMessageContaining("DATABASE_URL");
            assertThat(gateway.received()).hasSize(1);
        }
    }

    @Test
    void tagThatIsNotThere_isEmpty_thoughTheGatewayCallsItItsOwnFault() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(
                exchange -> exchange.whole(500, "application/json", "{\"detail\":\"404: Tags not found: ['t']\"}"))) {
            assertThat(Governance.at(gateway.url()).tags().find("t")).isEmpty();
            assertThat(Governance.at(gateway.url()).tags().delete("t")).isFalse();
        }
    }

    @Test
    void userThatIsNotThere_isNotMadeByAnUpdate_norABudgetLeftOut() throws IOException {
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            if (exchange.request().line().startsWith("GET")) {
                exchange.whole(404, "application/json", "{\"error\":{\"message\":\"User u not found\"}}");
            } else {
                exchange.json("[]");
            }
        })) {
            for (Accounts accounts : List.of(
                    Governance.at(gateway.url()).users(),
                    Governance.at(gateway.url()).budgets())) {
                assertThatThrownBy(() -> accounts.update("u", Quota.none().usd("1")))
                        .isInstanceOfSatisfying(
                                ModelException.class,
                                e -> assertThat(e.findStatus()).contains(404))
                        .hasMessageContaining("\"u\"");
            }
            assertThat(gateway.received()).noneMatch(request -> request.line().contains("update"));
        }
    }

    @Test
    void limitThatTheGatewayWouldDrop_isRefused_beforeAnythingIsAsked() {
        Governance governance = Governance.at("http://127.0.0.1:1");
        for (Runnable asked : List.<Runnable>of(
                () -> governance.teams().create("x", Quota.none().parallel(1)),
                () -> governance.users().create("x", Quota.none().softUsd("1")),
                () -> governance.customers().update("x", Quota.none().models("m")),
                () -> governance.budgets().create("x", Quota.none().models("m")),
                () -> governance.tags().create("x", Quota.none().models("m")),
                () -> governance.teams().addMember("x", "u", Quota.none().requestsPerMinute(1)))) {
            assertThatThrownBy(asked::run).isInstanceOf(IllegalArgumentException.class);
        }
        for (Runnable asked : List.<Runnable>of(
                () -> governance.customers().block("x"),
                () -> governance.users().unblock("x"),
                () -> governance.tags().addMember("x", "u", Quota.none()),
                () -> governance.budgets().removeMember("x", "u"))) {
            assertThatThrownBy(asked::run).isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void requestForAKey_refusesWhatCannotBe() {
        assertThatThrownBy(() -> KeyRequest.create().value("hello-hello-hello-hello"))
                .hasMessageContaining("begins with sk-")
                .hasMessageNotContaining("hello");
        assertThatThrownBy(() -> KeyRequest.create().value("sk-short")).hasMessageNotContaining("short");
        assertThatThrownBy(() -> KeyRequest.create().lifetime(Duration.ofMillis(1500)))
                .hasMessageContaining("PT1.5S");
        assertThatThrownBy(() -> KeyRequest.create().with("key", VALUE)).hasMessageNotContaining(VALUE);
        assertThatThrownBy(() -> KeyRequest.create().metadata(Json.parse("[1]")))
                .hasMessageContaining("[1]");
        assertThatThrownBy(() -> Governance.at("http://g")
                        .keys()
                        .update(KeyHash.of(VALUE), KeyRequest.create().value(VALUE)))
                .hasMessageContaining("rotate")
                .hasMessageNotContaining(VALUE);
        assertThat(KeyRequest.create().value(VALUE).alias("a").toString())
                .contains("a")
                .doesNotContain(VALUE);
    }
}

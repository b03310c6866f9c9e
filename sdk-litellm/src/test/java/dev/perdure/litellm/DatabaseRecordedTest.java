package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.perdure.litellm.internal.governance.AdminHttp;
import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowingConsumer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What is made of each answer that a real gateway with a database has given. A recording without a test here is a failure. */
class DatabaseRecordedTest {
    private static final String VALUE = "sk-test-database-0123456789";
    private static final Instant FROM = Instant.parse("2026-11-23T00:00:00Z");
    private static final Instant TO = Instant.parse("2026-11-24T00:00:00Z");

    private final Map<String, ThrowingConsumer<FakeGateway>> checks = new LinkedHashMap<>();

    @TestFactory
    Stream<DynamicTest> everyRecordingOfAGatewayWithADatabase() throws IOException, URISyntaxException {
        calls();
        keys();
        accounts();
        spend();
        others();
        Path folder = Path.of(
                Objects.requireNonNull(getClass().getResource("/recorded")).toURI());
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names = files.map(file -> file.getFileName().toString().replace(".http", ""))
                    .filter(name -> name.startsWith("db-"))
                    .sorted()
                    .toList();
        }
        assertThat(checks.keySet()).containsExactlyInAnyOrderElementsOf(names);
        return names.stream()
                .map(name -> dynamicTest(name, () -> {
                    try (FakeGateway gateway = FakeGateway.raw(Recording.of(name)::play)) {
                        checks.get(name).accept(gateway);
                    }
                }));
    }

    private void calls() {
        replies("db-chat", "scripted answer to: What is a gateway?", "0.00025");
        replies("db-chat-stream", "scripted answer to: What is a gateway?", "0.00025");
        replies("db-chat-team-key", "scripted answer to: hi", "0.00013");
        replies("db-auth-team-blocked-at-once", "scripted answer to: hi", "0.00013");
        replies("db-auth-unblocked", "scripted answer to: hi", "0.00013");
        replies("db-budget-end-user-1", "scripted answer to: hi", "0.00013");
        replies("db-budget-key-1", "w0 w1 w2 w3 w4 w5 w6 w7 ", "0.00027");
        replies("db-budget-key-2", "w0 w1 w2 w3 w4 w5 w6 w7 ", "0.00027");
        replies("db-budget-key-after-raise", "scripted answer to: hi", "0.00013");
        replies("db-budget-tag-1", "scripted answer to: hi", "0.00013");
        replies("db-budget-team-1", "scripted answer to: hi", "0.00013");
        replies("db-budget-user-1", "scripted answer to: hi", "0.00013");
        replies("db-end-user-blocked", "scripted answer to: hi", "0.00013");
        replies("db-limit-rpm-1", "scripted answer to: hi", "0.00013");
        replies("db-limit-rpm-2", "scripted answer to: hi", "0.00013");
        replies("db-session-iterations-1", "scripted answer to: hi", "0.00013");
        replies("db-spend-source-call", "scripted answer to: count me", "0.00017");
        // Nobody had asked for its usage: only the ledger knows what it cost.
        replies("db-spend-source-stream", "scripted answer to: count me too", "0", Cost.Source.UNKNOWN);

        refused("db-auth-bad-key", Kind.AUTH, 401, "LiteLlm.key");
        refused("db-auth-blocked", Kind.AUTH, 401, "Key is blocked");
        refused("db-auth-deleted", Kind.AUTH, 401, "Invalid proxy server token");
        refused("db-auth-expired", Kind.AUTH, 401, "Expired Key");
        refused("db-auth-missing", Kind.AUTH, 401, "No api key");
        refused("db-auth-not-a-key", Kind.AUTH, 401, "expected to start with 'sk-'");
        refused("db-auth-team-blocked-later", Kind.AUTH, 401, "Team=team-blocked is blocked");
        refused("db-auth-management-key", Kind.ACCESS, 403, "not allowed to call this route");
        refused("db-auth-read-only-key", Kind.ACCESS, 403, "not allowed to call this route");
        refused("db-auth-model-denied-key", Kind.ACCESS, 403, "scripted-tools");
        refused("db-auth-model-denied-team", Kind.ACCESS, 403, "team not allowed");
        refused("db-chat-alias", Kind.ACCESS, 403, "Tried to access fast");
        refused("db-auth-model-unknown", Kind.BAD_REQUEST, 400, "no-such");
        refused("db-budget-end-user-2", Kind.BUDGET, 429, "End User=cust-poor");
        refused("db-budget-key-3", Kind.BUDGET, 429, "Max budget: 0.0004");
        refused("db-budget-key-4", Kind.BUDGET, 429, "Max budget: 0.0004");
        refused("db-budget-key-stream", Kind.BUDGET, 429, "Max budget: 0.0004");
        refused("db-budget-key-messages", Kind.BUDGET, 429, "Max budget: 0.0004");
        refused("db-budget-tag-2", Kind.BUDGET, 429, "Tag=poor-tag");
        refused("db-budget-team-2", Kind.BUDGET, 429, "Team=team-poor");
        refused("db-budget-user-2", Kind.BUDGET, 429, "User=u-poor");
        refused("db-limit-rpm-3", Kind.RATE_LIMIT, 429, "Limit type: requests");
        refused("db-session-iterations-2", Kind.SESSION_LIMIT, 429, "max_iterations: 1");
    }

    private void keys() {
        minted("db-key-generate", key -> {
            assertThat(key.findAlias()).contains("full-320419");
            assertThat(key.quota())
                    .isEqualTo(Quota.none()
                            .usd("2.5")
                            .softUsd("2.0")
                            .every(Duration.ofDays(30))
                            .models("scripted", "local", "mock")
                            .tokensPerMinute(100_000)
                            .requestsPerMinute(1_000)
                            .parallel(10));
            assertThat(key.findExpiresAt()).contains(Instant.parse("2026-12-23T01:19:07.670758Z"));
            assertThat(key.findUser()).contains("u-ann");
            assertThat(key.metadata().findText("run")).contains("r1");
            assertThat(key.all().find("aliases")).contains(Json.parse("{\"fast\":\"scripted\"}"));
        });
        minted("db-key-generate-minimal", key -> {
            assertThat(key.quota()).isEqualTo(Quota.none());
            assertThat(key.findExpiresAt()).isEmpty();
            assertThat(key.findLeft()).isEmpty();
        });
        minted("db-key-generate-team", key -> assertThat(key.findTeam()).contains("team-red"));
        minted(
                "db-key-generate-team-model-denied",
                key -> assertThat(key.quota().models()).containsExactly("mock"));
        minted(
                "db-key-generate-budget-id",
                key -> assertThat(key.quota().findUsd()).contains(new BigDecimal("0.00001")));
        // As if it were new; what is told is not what is there. Keys.mint looks before.
        minted(
                "db-key-generate-duplicate-key",
                key -> assertThat(key.quota().findUsd()).isEmpty());
        unminted("db-key-generate-bad-duration", Kind.UNAVAILABLE, 500, "Invalid duration format");
        unminted("db-key-generate-bad-field", Kind.BAD_REQUEST, 422, "valid number");
        unminted("db-key-generate-by-non-admin", Kind.ACCESS, 401, "Only proxy admin");
        unminted("db-key-generate-custom-not-sk", Kind.BAD_REQUEST, 400, "must start with 'sk-'");
        unminted("db-key-generate-duplicate-alias", Kind.BAD_REQUEST, 400, "full-320419' already exists");
        unminted("db-key-generate-model-budget-enterprise", Kind.ACCESS, 500, "licence");
        unminted("db-key-generate-tags-enterprise", Kind.ACCESS, 403, "tags");
        unminted("db-key-generate-spend-permission-enterprise", Kind.UNAVAILABLE, 500, "Internal Server Error");

        check("db-key-info-self", governance -> {
            Keys.Key key = governance.whoAmI();
            assertThat(key.id()).isEqualTo("0e2bb12ea7d27d64fc0f63dd3096b1379a2e1ab8fc0a165acfa49e6343038c20");
            assertThat(key.findLeft()).contains(new BigDecimal("2.5"));
            assertThat(key.findExpiresAt()).contains(Instant.parse("2026-12-23T01:19:07.67Z"));
        });
        check(
                "db-key-info-after-spend",
                governance -> assertThat(governance.whoAmI().findLeft()).contains(new BigDecimal("3.49873")));
        check("db-budget-key-info", governance -> {
            assertThat(governance.whoAmI().spend()).isEqualTo("0.00054");
            assertThat(governance.whoAmI().findLeft()).contains(BigDecimal.ZERO);
        });
        found("db-key-info-by-master", key -> assertThat(key.findUser()).contains("u-ann"));
        found("db-key-info-other-key", key -> assertThat(key.findTeam()).contains("team-red"));
        check(
                "db-key-info-unknown",
                governance -> assertThat(governance.keys().find(VALUE)).isEmpty());
        check("db-key-list", governance -> {
            List<Keys.Key> all = governance.keys().list().toList();
            assertThat(all).hasSize(4);
            assertThat(all.get(0).quota().models()).containsExactly("mock");
            assertThat(governance.keys().withAlias("team-")).hasSize(1);
        });
        changed("db-key-update", key -> assertThat(key.quota().findUsd()).contains(new BigDecimal("3.5")));
        changed("db-budget-key-raised", key -> assertThat(key.quota().findUsd()).contains(new BigDecimal("1.0")));
        failing(
                "db-key-update-unknown",
                governance ->
                        governance.keys().update(VALUE, KeyRequest.create().alias("x")),
                Kind.BAD_REQUEST,
                404,
                "Key not found");
        check("db-key-block", governance -> governance.keys().block(VALUE));
        check("db-key-unblock", governance -> governance.keys().unblock(VALUE));
        check(
                "db-key-delete",
                governance -> assertThat(governance.keys().revoke(VALUE)).isTrue());
        check(
                "db-key-delete-again",
                governance -> assertThat(governance.keys().revoke(VALUE)).isFalse());
    }

    private void accounts() {
        check("db-team-info", governance -> {
            Accounts.Account team = governance.teams().find("team-red").orElseThrow();
            assertThat(team.id()).isEqualTo("team-red");
            assertThat(team.findAlias()).contains("red");
            assertThat(team.quota())
                    .isEqualTo(Quota.none()
                            .usd("10.0")
                            .every(Duration.ofDays(30))
                            .models("scripted", "local")
                            .tokensPerMinute(100_000)
                            .requestsPerMinute(1_000));
            assertThat(team.blocked()).isFalse();
            assertThat(team.all().find("metadata")).contains(Json.parse("{\"cost_center\":\"c1\"}"));
        });
        check("db-team-info-after-spend", governance -> {
            Accounts.Account team = governance.teams().find("team-red").orElseThrow();
            assertThat(team.findSpend()).contains(new BigDecimal("0.00013"));
            assertThat(team.findLeft()).contains(new BigDecimal("10.99987"));
        });
        check(
                "db-team-info-unknown",
                governance -> assertThat(governance.teams().find("team-nope")).isEmpty());
        check(
                "db-team-list",
                governance -> assertThat(governance.teams().list().map(Accounts.Account::id))
                        .containsExactly("team-red"));
        check("db-team-block", governance -> governance.teams().block("team-blocked"));
        check(
                "db-team-member-add",
                governance -> governance
                        .teams()
                        .addMember("team-red", "u-ann", Quota.none().usd("1")));
        failing(
                "db-team-new-duplicate",
                governance -> governance.teams().create("team-red", Quota.none()),
                Kind.BAD_REQUEST,
                400,
                "already exists");
        failing(
                "db-auth-admin-route",
                governance -> governance.teams().create("x", Quota.none()),
                Kind.ACCESS,
                401,
                "Only proxy admin");
        answers("db-team-new", json -> assertThat(json.findText("team_id")).contains("team-red"));
        answers("db-team-update", json -> assertThat(json.find("data")).isPresent());

        check("db-user-info", governance -> {
            Accounts.Account user = governance.users().find("u-ann").orElseThrow();
            assertThat(user.findLeft()).contains(new BigDecimal("3.0"));
            assertThat(user.all().findText("user_email")).contains("ann@example.test");
        });
        failing(
                "db-user-new-duplicate",
                governance -> governance.users().create("u-ann", Quota.none()),
                Kind.BAD_REQUEST,
                409,
                "already exists");
        answers("db-user-new", json -> assertThat(json.findText("key")).contains(""));

        check("db-customer-info", governance -> {
            Accounts.Account customer = governance.customers().find("cust-poor").orElseThrow();
            assertThat(customer.quota())
                    .isEqualTo(Quota.none().usd(new BigDecimal("1e-6")).every(Duration.ofDays(30)));
            assertThat(customer.findLeft())
                    .hasValueSatisfying(left -> assertThat(left).isEqualByComparingTo("0.000001"));
        });
        check(
                "db-customer-new",
                governance -> assertThat(governance
                                .customers()
                                .create("cust-poor", Quota.none().usd("0.000001"))
                                .id())
                        .isEqualTo("cust-poor"));
        unanswered("db-customer-block", Kind.UNAVAILABLE, 500, "Internal server error");

        check("db-budget-info", governance -> {
            Accounts.Account budget = governance.budgets().find("b-new").orElseThrow();
            assertThat(budget.quota())
                    .isEqualTo(Quota.none()
                            .usd("5.0")
                            .softUsd("4.0")
                            .every(Duration.ofDays(30))
                            .requestsPerMinute(100));
            assertThat(budget.findSpend()).isEmpty();
        });
        check(
                "db-budget-list",
                governance -> assertThat(governance.budgets().list())
                        .singleElement()
                        .satisfies(budget -> assertThat(budget.id()).isEqualTo("b-new")));
        failing(
                "db-budget-new-duplicate",
                governance -> governance.budgets().create("b-new", Quota.none()),
                Kind.BAD_REQUEST,
                400,
                "already exists");
        answers("db-budget-new", json -> assertThat(json.findText("budget_id")).contains("b-new"));
        answers("db-budget-update", json -> assertThat(json.find("max_budget")).contains(Json.parse("6.0")));
        answers(
                "db-tag-new",
                json -> assertThat(json.findText("message").orElseThrow()).contains("created"));
    }

    private void spend() {
        SessionId session = SessionId.of("acme", "s");
        String call = "77777777-0000-4000-8000-91619b7e9030";
        check("db-spend-logs-session", governance -> {
            Spend.Row row = governance.spend().ofCall(session, call).get(0);
            assertThat(row.id()).isEqualTo("chatcmpl-fake-6b03942d-31");
            assertThat(row.usd()).isEqualTo("0.00017");
            assertThat(row.usage().input()).isEqualTo(2);
            assertThat(row.usage().output()).isEqualTo(5);
            assertThat(row.model()).isEqualTo("openai/ok");
            assertThat(row.findDeployment()).contains("dep-scripted");
            assertThat(row.session()).isEqualTo("sess-spend-320419");
            assertThat(row.key()).isEqualTo("0e2bb12ea7d27d64fc0f63dd3096b1379a2e1ab8fc0a165acfa49e6343038c20");
            assertThat(row.findUser()).contains("u-ann");
            assertThat(row.findTeam()).isEmpty();
            assertThat(row.findCustomer()).isEmpty();
            assertThat(row.startedAt()).isEqualTo("2026-11-23T01:20:38.984Z");
            assertThat(row.failed()).isFalse();
            assertThat(row.all().findText("api_base")).isPresent();
            assertThat(governance.spend().ofCall(session, "another")).isEmpty();
        });
        check(
                "db-spend-logs-by-response-id",
                governance -> assertThat(governance
                                .spend()
                                .findResponse("chatcmpl-fake-6b03942d-31")
                                .orElseThrow()
                                .callId())
                        .isEqualTo(call));
        check(
                "db-spend-logs-by-call-id",
                governance -> assertThat(governance.spend().findResponse(call)).isEmpty());
        check("db-spend-logs-v2", governance -> {
            List<Spend.Row> rows = governance.spend().between(FROM, TO).limit(3).toList();
            assertThat(rows).extracting(Spend.Row::failed).containsExactly(false, false, true);
            assertThat(rows).extracting(Spend.Row::usd).contains(new BigDecimal("0.00021"), BigDecimal.ZERO);
            assertThat(rows.get(2).callId()).isEqualTo(rows.get(2).id());
        });
        check(
                "db-spend-logs-ui",
                governance -> assertThat(
                                governance.spend().ofKey(VALUE, FROM, TO).limit(2))
                        .hasSize(2));
        answers(
                "db-spend-logs-by-key",
                json -> assertThat(json.elements().stream().map(Spend.Row::of))
                        .hasSize(7)
                        .allMatch(row -> row.failed() == (row.usd().signum() == 0)));
        answers(
                "db-spend-logs-by-own-key",
                json -> assertThat(json.elements().stream().map(Spend.Row::of))
                        .hasSize(11)
                        .allMatch(row -> !row.callId().isEmpty()));
        check("db-user-daily-activity", governance -> {
            Spend.Day day = governance
                    .spend()
                    .daily(LocalDate.of(2026, 11, 23), LocalDate.of(2026, 11, 24))
                    .get(0);
            assertThat(day.date()).isEqualTo(LocalDate.of(2026, 11, 23));
            assertThat(day.usd()).isEqualTo("0.004799999999999999");
            assertThat(day.calls()).isEqualTo(54);
            assertThat(day.failed()).isEqualTo(22);
            assertThat(day.usage().output()).isEqualTo(145);
            assertThat(day.all().get(0).find("breakdown")).isPresent();
        });
        check(
                "db-team-daily-activity",
                governance -> assertThat(governance
                                .spend()
                                .dailyOfTeam("team-red", LocalDate.of(2026, 11, 23), LocalDate.of(2026, 11, 24)))
                        .singleElement()
                        .satisfies(day -> assertThat(day.usd()).isEqualTo("0.00013")));
        answers(
                "db-spend-keys",
                json -> assertThat(json.elements().stream().map(Keys.Key::of))
                        .isNotEmpty()
                        .allMatch(key -> key.id().length() == 64));
        answers("db-spend-tags", json -> assertThat(json.elements()).hasSize(3));
        answers("db-spend-logs-summary", json -> assertThat(json.elements()).hasSize(2));
        unanswered("db-global-spend", Kind.UNAVAILABLE, 500, "MonthlyGlobalSpend");
        unanswered("db-global-spend-report-enterprise", Kind.ACCESS, 400, "licence");
    }

    private void others() {
        unanswered("db-key-regenerate-enterprise", Kind.ACCESS, 500, "licence");
        unanswered("db-workflow-run-new", Kind.ACCESS, 401, "Only proxy admin");
        answers("db-key-health", json -> assertThat(json.findText("key")).contains("healthy"));
        answers("db-readiness", json -> assertThat(json.findText("db")).contains("connected"));
        answers(
                "db-models",
                json -> assertThat(json.find("data").orElseThrow().elements()).hasSize(3));
        answers("db-model-one", json -> assertThat(json.findText("id")).contains("scripted"));
        answers("db-agents-list", json -> assertThat(json.elements()).isEmpty());
    }

    private void replies(String name, String text, String usd) {
        replies(name, text, usd, name.endsWith("stream") ? Cost.Source.USAGE : Cost.Source.HEADER);
    }

    private void replies(String name, String text, String usd, Cost.Source source) {
        checks.put(name, gateway -> {
            CallScope scope = name.endsWith("stream") ? Calls.streaming(new Heard()) : Calls.plain();
            ModelReply reply = LiteLlm.at(gateway.url()).key(VALUE).model("m").call(Calls.saying("hi"), scope);
            assertThat(reply.text()).isEqualTo(text);
            assertThat(reply.cost().usd().round(new MathContext(6))).isEqualByComparingTo(usd);
            assertThat(reply.cost().source()).isEqualTo(source);
        });
    }

    private void refused(String name, Kind kind, int status, String words) {
        checks.put(
                name,
                gateway -> assertRefusal(
                        Calls.failure(LiteLlm.at(gateway.url()).key(VALUE).model("m"), Calls.plain()),
                        kind,
                        status,
                        words));
    }

    private void check(String name, Consumer<Governance> check) {
        checks.put(name, gateway -> {
            check.accept(Governance.at(gateway.url()).key(VALUE));
            assertThat(gateway.received()).isNotEmpty();
        });
    }

    private void failing(String name, Consumer<Governance> asked, Kind kind, int status, String words) {
        check(
                name,
                governance -> assertRefusal(
                        catchThrowableOfType(ModelException.class, () -> asked.accept(governance)),
                        kind,
                        status,
                        words));
    }

    private void minted(String name, Consumer<Keys.Key> check) {
        check(name, governance -> {
            Keys.Minted minted = governance.keys().generate(KeyRequest.create());
            assertThat(minted.value()).startsWith("sk-");
            assertThat(minted.key().all().text() + minted).doesNotContain(minted.value());
            check.accept(minted.key());
        });
    }

    private void unminted(String name, Kind kind, int status, String words) {
        failing(name, governance -> governance.keys().mint(KeyRequest.create()), kind, status, words);
    }

    private void found(String name, Consumer<Keys.Key> check) {
        check(name, governance -> check.accept(governance.keys().find(VALUE).orElseThrow()));
    }

    private void changed(String name, Consumer<Keys.Key> check) {
        check(
                name,
                governance -> check.accept(
                        governance.keys().update(VALUE, KeyRequest.create().alias("x"))));
    }

    private void answers(String name, Consumer<Json> check) {
        checks.put(name, gateway -> check.accept(admin(gateway).get("any/route", Map.of())));
    }

    private void unanswered(String name, Kind kind, int status, String words) {
        checks.put(
                name,
                gateway -> assertRefusal(
                        catchThrowableOfType(
                                ModelException.class, () -> admin(gateway).get("any/route", Map.of())),
                        kind,
                        status,
                        words));
    }

    private static AdminHttp admin(FakeGateway gateway) {
        return new AdminHttp(new Settings(Endpoint.of(gateway.url()), true), new Transport());
    }

    private static void assertRefusal(ModelException e, Kind kind, int status, String words) {
        assertThat(e.kind()).isEqualTo(kind);
        assertThat(e.findStatus()).contains(status);
        assertThat(e.getMessage())
                .contains(words)
                .hasSizeLessThan(750)
                .doesNotContain("\n")
                .doesNotContain("Traceback")
                .doesNotContain(VALUE)
                .doesNotContainPattern("[0-9a-f]{40}");
    }
}

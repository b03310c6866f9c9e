package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Outcome;
import dev.perdure.TurnListener;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelParameters;
import dev.perdure.model.ModelReply;
import dev.perdure.session.Actor;
import dev.perdure.session.Cost;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against a real LiteLLM gateway with a database: {@code LITELLM_DB_BASE_URL}, and {@code LITELLM_API_KEY} for its master key. Without the URL these tests say that
 * they were not asked for, or fail when {@code PERDURE_REQUIRE_GATEWAY=true}. Names and values are new in each run, as the gateway counts spend in memory.
 */
@Timeout(240)
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

        Governance own = Governance.at(place()).key(key.value());
        until(() -> own.whoAmI().findLeft().orElseThrow(), left -> left.compareTo(new BigDecimal("0.0002")) < 0);
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

    @Test
    void teamBudget_stopsItsKeys_raised_blocked_andItsMembersComeAndGo() {
        Accounts teams = governance.teams();
        String team = "team-" + RUN;
        Accounts.Account made = teams.create(
                team,
                Quota.none().usd("0.00001").every(Duration.ofDays(30)).models("scripted"),
                Json.parse("{\"team_alias\":\"Red\"}"));
        Keys.Minted key = governance.keys().mint(KeyRequest.create().team(team));
        LiteLlm paid = model.key(key.value());

        assertThat(made.findAlias()).contains("Red");
        assertThat(made.quota().models()).containsExactly("scripted");
        until(() -> Calls.failure(paid, Calls.plain()), e -> e != null && e.kind() == Kind.BUDGET);
        until(() -> teams.find(team).orElseThrow().findLeft().orElseThrow(), left -> left.signum() == 0);
        assertThat(governance.keys().ofTeam(team).map(Keys.Key::id)).containsExactly(key.id());

        assertThat(teams.update(team, Quota.none().usd("2")).quota().findUsd().orElseThrow())
                .isEqualByComparingTo("2");
        until(() -> Calls.failure(paid, Calls.plain()), e -> e == null);
        assertThat(Calls.failure(paid.model("mock"), Calls.plain()).kind()).isEqualTo(Kind.ACCESS);

        teams.addMember(team, "member-" + RUN, Quota.none().usd("1"));
        assertThatThrownBy(() -> teams.addMember(team, "member-" + RUN, Quota.none()))
                .hasMessageContaining("already in team");
        assertThat(teams.find(team).orElseThrow().all().text()).contains("member-" + RUN);
        teams.removeMember(team, "member-" + RUN);
        assertThat(teams.find(team).orElseThrow().all().text()).doesNotContain("member-" + RUN);

        teams.block(team);
        assertThat(teams.find(team).orElseThrow().blocked()).isTrue();
        teams.unblock(team);
        assertThat(teams.find(team).orElseThrow().blocked()).isFalse();
    }

    @Test
    void userBudget_stopsItsKeys() {
        String user = "user-" + RUN;
        governance.users().create(user, Quota.none().usd("0.00001"));
        LiteLlm paid =
                model.key(governance.keys().mint(KeyRequest.create().user(user)).value());

        until(() -> Calls.failure(paid, Calls.plain()), e -> e != null && e.kind() == Kind.BUDGET);
        until(() -> governance.users().find(user).orElseThrow().findLeft().orElseThrow(), left -> left.signum() == 0);
    }

    @Test
    void customerBudget_stopsCallsOnItsBehalf_andNoOthers() {
        String customer = "customer-" + RUN;
        governance.customers().create(customer, Quota.none().usd("0.000001").softUsd("0.0000001"));
        LiteLlm paid = model.key(governance.keys().mint(KeyRequest.create()).value());
        LiteLlm onBehalf = paid.parameters(ModelParameters.DEFAULT.extra("user", customer));

        until(() -> Calls.failure(onBehalf, Calls.plain()), e -> e != null && e.kind() == Kind.BUDGET);
        assertThat(say(paid)).startsWith("scripted answer");
        assertThatThrownBy(() -> governance.customers().block(customer))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void tagBudget_stopsCallsWithTheTag_andNoOthers() {
        String tag = "tag-" + RUN;
        governance.tags().create(tag, Quota.none().usd("0.000001"));
        LiteLlm paid = model.key(governance.keys().mint(KeyRequest.create()).value());

        until(() -> Calls.failure(paid.tags(tag), Calls.plain()), e -> e != null && e.kind() == Kind.BUDGET);
        assertThat(say(paid)).startsWith("scripted answer");
        LocalDate today = LocalDate.now(ZoneOffset.UTC);
        List<Spend.Day> days =
                until(() -> governance.spend().dailyOfTag(tag, today.minusDays(1), today), found -> !found.isEmpty());
        assertThat(days.get(0).usd()).isPositive();
    }

    @Test
    void namedBudget_holdsForTheKeysThatHaveIt() {
        String budget = "budget-" + RUN;
        governance.budgets().create(budget, Quota.none().usd("0.00001"));
        Keys.Minted key = governance.keys().mint(KeyRequest.create().budget(budget));

        assertThat(key.key().quota().findUsd().orElseThrow()).isEqualByComparingTo("0.00001");
        until(() -> Calls.failure(model.key(key.value()), Calls.plain()), e -> e != null && e.kind() == Kind.BUDGET);
    }

    @ParameterizedTest
    @ValueSource(strings = {"teams", "users", "customers", "budgets", "tags"})
    void accounts_areMadeOnce_found_changed_listed_andDeletedOnce(String which) {
        Accounts accounts = accounts(which);
        String id = which + " life/" + RUN;
        Quota quota = Quota.none().usd("5").every(Duration.ofDays(1)).requestsPerMinute(10);

        assertThat(accounts.find(id)).isEmpty();
        assertThatThrownBy(() -> accounts.update(id, quota)).hasMessageContaining("knows no");
        assertThat(accounts.find(id)).isEmpty();
        assertThat(accounts.delete(id)).isFalse();

        Accounts.Account made = accounts.create(id, quota);
        assertThat(made.id()).isEqualTo(id);
        assertThat(made.quota().findUsd().orElseThrow()).isEqualByComparingTo("5");
        assertThat(made.quota().findEvery()).contains(Duration.ofDays(1));
        assertThat(made.quota().findRequestsPerMinute()).contains(10);
        assertThatThrownBy(() -> accounts.create(id, quota))
                .isInstanceOfSatisfying(
                        ModelException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_REQUEST))
                .hasMessageContaining("already exists");

        Accounts.Account changed = accounts.update(id, Quota.none().usd("7"));
        assertThat(changed.quota().findUsd().orElseThrow()).isEqualByComparingTo("7");
        assertThat(changed.quota().findRequestsPerMinute()).contains(10);
        assertThat(accounts.list().map(Accounts.Account::id)).contains(id);
        assertThat(accounts.delete(id)).isTrue();
        assertThat(accounts.delete(id)).isFalse();
        assertThat(accounts.find(id)).isEmpty();
    }

    @Test
    void limitsThatAreDropped_areStillDropped() {
        String id = "dropped-" + RUN;
        Json parallel = Json.parse("{\"max_parallel_requests\":3}");
        Json soft = Json.parse("{\"soft_budget\":1}");
        Json models = Json.parse("{\"models\":[\"scripted\"]}");

        assertThat(governance.teams().create(id, Quota.none(), parallel).quota().findParallel())
                .isEmpty();
        assertThat(governance.users().create(id, Quota.none(), soft).quota().findSoftUsd())
                .isEmpty();
        assertThat(governance
                        .customers()
                        .create(id, Quota.none(), models)
                        .quota()
                        .models())
                .isEmpty();
        assertThat(governance.budgets().create(id, Quota.none(), models).quota().models())
                .isEmpty();
    }

    @Test
    void ledger_hasACall_byItsId_itsResponse_itsKey_andItsDay() {
        Spend spend = governance.spend();
        Instant before = Instant.now().minusSeconds(60);
        Keys.Minted key = governance.keys().mint(KeyRequest.create());
        SessionId session = SessionId.of("acme", "spend " + RUN);
        CallScope scope = Calls.of(session);

        ModelReply reply = model.key(key.value()).call(Calls.saying("count me"), scope);
        model.key(key.value()).call(Calls.saying("and me"), Calls.of(session));
        ModelException refused = Calls.failure(
                model.key(key.value()).model("scripted"),
                Calls.saying("[[flaky n=9 key=" + RUN + " status=400]]"),
                Calls.of(session));

        List<Spend.Row> rows = spend.awaitCall(session, scope.callId(), Duration.ofSeconds(60));
        assertThat(rows).hasSize(1);
        Spend.Row row = rows.get(0);
        assertThat(row.usd()).isEqualByComparingTo(reply.cost().usd());
        assertThat(row.usage().output()).isEqualTo(reply.usage().output());
        assertThat(row.key()).isEqualTo(key.id());
        assertThat(row.findDeployment()).contains("dep-scripted");
        assertThat(row.failed()).isFalse();
        assertThat(spend.findResponse(row.id()).orElseThrow().callId()).isEqualTo(scope.callId());
        assertThat(spend.findResponse("nobody-" + RUN)).isEmpty();

        List<Spend.Row> all = until(() -> spend.ofSession(session).toList(), found -> found.size() == 3);
        assertThat(all).filteredOn(Spend.Row::failed).singleElement().satisfies(failed -> {
            assertThat(failed.usd()).isZero();
            assertThat(failed.callId()).isEqualTo(refused.findGatewayCallId().orElseThrow());
        });
        assertThat(spend.ofKey(key.value(), before, Instant.now().plusSeconds(60))
                        .map(Spend.Row::id))
                .containsExactlyElementsOf(all.stream().map(Spend.Row::id).toList());
        assertThat(spend.ofKey(key.id(), before.minusSeconds(60), before)).isEmpty();
        LocalDate today = LocalDate.now(ZoneOffset.UTC);
        assertThat(spend.daily(today.minusDays(1), today)).isNotEmpty().allMatch(day -> day.calls() >= day.failed());
    }

    @Test
    void rows_arePaged() {
        SessionId session = SessionId.of("acme", "pages " + RUN);
        LiteLlm paid = model.key(governance.keys().mint(KeyRequest.create()).value());
        for (int i = 0; i < 103; i++) {
            paid.call(Calls.saying("hi"), Calls.of(session));
        }

        List<Spend.Row> rows =
                until(() -> governance.spend().ofSession(session).toList(), found -> found.size() == 103);
        assertThat(rows.stream().map(Spend.Row::callId).distinct()).hasSize(103);
    }

    @Test
    void session_callsWithItsOwnKey_isStoppedByItsQuota_andItsKeyGoesWithIt() {
        PerSessionKeys keys = perSession("budget", "0.0002");
        PerSessionKeys replica = perSession("budget", "0.0002");
        InMemorySessionStore store = InMemorySessionStore.create();
        Agent agent =
                Agent.builder("support").instructions("Answer.").model(keys).build();
        SessionId id = SessionId.of("acme", "per session " + RUN);
        try (AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent)
                .listener(keys.revokingAtEnd())
                .build()) {
            AgentSession session = runtime.open(id, "support");
            assertThat(session.send("hi").await()).isInstanceOf(Outcome.Done.class);
            Keys.Key key = keys.find(id).orElseThrow();
            assertThat(key.quota().findUsd().orElseThrow()).isEqualByComparingTo("0.0002");
            assertThat(replica.find(id).orElseThrow().id()).isEqualTo(key.id());
            assertThat(replica.call(Calls.saying("hi"), Calls.of(id)).text()).startsWith("scripted answer");

            Outcome stopped =
                    until(() -> session.send("[[words n=20]] more").await(), Outcome.Failed.class::isInstance);
            assertThat(((Outcome.Failed) stopped).problem().kind()).isEqualTo("budget");
            session.end("done", Actor.user("ann"));
            until(() -> governance.keys().find(key.id()), java.util.Optional::isEmpty);
            assertThat(keys.find(id)).isEmpty();

            SessionId other = SessionId.of("acme", "gone " + RUN);
            keys.call(Calls.saying("hi"), Calls.of(other));
            assertThat(replica.revokeEnded(store)).isEqualTo(1);
            assertThat(Calls.failure(model.key("sk-none-of-theirs-0000"), Calls.of(other))
                            .kind())
                    .isEqualTo(Kind.AUTH);
            // The name begins anew, with a key of its own.
            assertThat(keys.call(Calls.saying("hi"), Calls.of(other)).text()).startsWith("scripted answer");
            assertThat(keys.find(other).orElseThrow().alias()).endsWith("/1");
        }
    }

    @Test
    void sessionKey_thatExpires_isRenewed_blockedIsNotMintedAround_norRevoked() {
        SessionId session = SessionId.of("acme", "expires " + RUN);
        PerSessionKeys keys = perSession("live", "1");
        keys.call(Calls.saying("hi"), Calls.of(session));
        String id = keys.find(session).orElseThrow().id();

        governance.keys().update(id, KeyRequest.create().lifetime(Duration.ofSeconds(1)));
        until(
                () -> governance.keys().find(id).orElseThrow().findExpiresAt().orElseThrow(),
                end -> end.isBefore(Instant.now()));
        assertThat(keys.call(Calls.saying("hi"), Calls.of(session)).text()).startsWith("scripted answer");
        assertThat(keys.find(session).orElseThrow().findExpiresAt().orElseThrow())
                .isAfter(Instant.now());

        governance.keys().block(id);
        assertThat(Calls.failure(keys, Calls.of(session))).hasMessageContaining("is blocked");
        governance.keys().unblock(id);
        assertThat(keys.call(Calls.saying("hi"), Calls.of(session)).text()).startsWith("scripted answer");

        governance.keys().revoke(id);
        assertThat(Calls.failure(keys, Calls.of(session))).hasMessageContaining("was revoked");
        assertThat(Calls.failure(perSession("live", "1"), Calls.of(session))).hasMessageContaining("was revoked");
    }

    @Test
    void session_isReconciledWithTheLedger_callByCall() {
        InMemorySessionStore store = InMemorySessionStore.create();
        PerSessionKeys keys = perSession("live", "1");
        Agent agent =
                Agent.builder("support").instructions("Answer.").model(keys).build();
        SessionId id = SessionId.of("acme", "reconcile " + RUN);
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            AgentSession session = runtime.open(id, "support");
            session.send("hi").await();
            session.send("hi", TurnListener.text(text -> {})).await();
        }

        Reconciliation found = governance.spend().reconcile(store, id, Duration.ofSeconds(60));

        assertThat(found.complete()).isTrue();
        assertThat(found.calls()).hasSize(2).allSatisfy(call -> {
            assertThat(call.rows()).hasSize(1);
            assertThat(call.findDifference().orElseThrow().abs()).isLessThan(new BigDecimal("1e-12"));
        });
        assertThat(found.calls()).extracting(call -> call.logged().source()).containsOnly(Cost.Source.USAGE);
        assertThat(found.unlogged()).isEmpty();
        assertThat(found.cost().source()).isEqualTo(Cost.Source.LEDGER);
        assertThat(found.cost().usd()).isEqualByComparingTo(found.ledger()).isPositive();

        // Somebody calls under the session's name.
        model.key(governance.keys().mint(KeyRequest.create()).value()).call(Calls.saying("hi"), Calls.of(id));
        Reconciliation more = until(
                () -> governance.spend().reconcile(store, id, Duration.ZERO),
                r -> !r.unlogged().isEmpty());
        assertThat(more.cost().usd()).isGreaterThan(more.logged().usd());
    }

    private static PerSessionKeys perSession(String application, String usd) {
        return PerSessionKeys.of(
                        model,
                        governance,
                        "a secret of this run, long enough: " + RUN,
                        KeyRequest.create().quota(Quota.none().usd(usd)).lifetime(Duration.ofHours(1)))
                .application(application + "-" + RUN);
    }

    private static Accounts accounts(String which) {
        return switch (which) {
            case "teams" -> governance.teams();
            case "users" -> governance.users();
            case "customers" -> governance.customers();
            case "budgets" -> governance.budgets();
            default -> governance.tags();
        };
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

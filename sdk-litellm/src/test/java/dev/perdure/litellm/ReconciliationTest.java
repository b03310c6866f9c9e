package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.session.Cost;
import dev.perdure.session.Draft;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Problem;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.Usage;
import dev.perdure.testkit.FakeGateway;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReconciliationTest {
    private static final SessionId SESSION = SessionId.of("acme", "s");
    private static final Instant START = Instant.parse("2026-11-23T12:00:00Z");
    private static final Cost ESTIMATE = new Cost(new BigDecimal("0.05"), Cost.Source.ESTIMATED);

    private final List<Recorded> log = new ArrayList<>();

    @Test
    void costOfASession_isTheLedgers_whereItSays() {
        replied("call-1", new Cost(new BigDecimal("0.010"), Cost.Source.HEADER));
        replied("call-2", ESTIMATE);

        Reconciliation found = reconcile(row("call-1", "0.010", 1), row("call-2", "0.020", 2));

        assertThat(found.complete()).isTrue();
        assertThat(found.cost()).isEqualTo(new Cost(new BigDecimal("0.030"), Cost.Source.LEDGER));
        assertThat(found.logged()).isEqualTo(new Cost(new BigDecimal("0.060"), Cost.Source.ESTIMATED));
        assertThat(found.calls().get(0).findDifference()).contains(new BigDecimal("0.000"));
        assertThat(found.calls().get(1).findDifference()).contains(new BigDecimal("-0.030"));
        assertThat(found.unlogged()).isEmpty();
    }

    @Test
    void callThatTheLedgerLacks_costsWhatTheLogSays_asUncertainAsThat() {
        replied("call-1", new Cost(new BigDecimal("0.010"), Cost.Source.HEADER));
        replied("call-2", ESTIMATE);

        Reconciliation found = reconcile(row("call-1", "0.010", 1));

        assertThat(found.complete()).isFalse();
        assertThat(found.cost()).isEqualTo(new Cost(new BigDecimal("0.060"), Cost.Source.ESTIMATED));
        assertThat(found.calls().get(1).findDifference()).isEmpty();
    }

    @Test
    void lostCall_isGivenTheRowThatNobodyClaims_insteadOfItsEstimate() {
        failed("lost", null, ESTIMATE);
        replied("call-2", new Cost(new BigDecimal("0.010"), Cost.Source.HEADER));

        Reconciliation found = reconcile(row("call-2", "0.010", 2), row("call-of-the-dead", "0.007", 1));

        assertThat(found.calls().get(0).rows()).extracting(Spend.Row::callId).containsExactly("call-of-the-dead");
        assertThat(found.cost()).isEqualTo(new Cost(new BigDecimal("0.017"), Cost.Source.LEDGER));
        assertThat(found.unlogged()).isEmpty();
    }

    @Test
    void lostCall_isGivenNoRowThatBeganAfterIt_norOneOfACallThatFailedWhenAnotherHasPaid() {
        failed("lost", null, ESTIMATE);

        Reconciliation late = reconcile(row("later", "0.007", 600));
        assertThat(late.calls().get(0).rows()).isEmpty();
        assertThat(late.unlogged()).hasSize(1);
        assertThat(late.cost()).isEqualTo(new Cost(new BigDecimal("0.057"), Cost.Source.ESTIMATED));

        Reconciliation two = reconcile(failedRow("refused", 0), row("paid", "0.007", 1));
        assertThat(two.calls().get(0).rows()).extracting(Spend.Row::callId).containsExactly("paid");
    }

    @Test
    void rowsThatTheLogKnowsNothingOf_areNamed_andCount() {
        replied("call-1", new Cost(new BigDecimal("0.010"), Cost.Source.HEADER));

        Reconciliation found =
                reconcile(row("call-3", "0.003", 3), row("call-2", "0.002", 2), row("call-1", "0.010", 1));

        assertThat(found.unlogged()).extracting(Spend.Row::callId).containsExactly("call-2", "call-3");
        assertThat(found.ledger()).isEqualTo("0.015");
        assertThat(found.cost().usd()).isEqualTo("0.015");
    }

    @Test
    void allRowsOfACall_areItsCost() {
        replied("call-1", new Cost(new BigDecimal("0.010"), Cost.Source.HEADER));

        Reconciliation found = reconcile(row("call-1", "0.004", 1), row("call-1", "0.008", 2));

        assertThat(found.calls().get(0).ledger()).isEqualTo("0.012");
    }

    @Test
    void replyWithoutTheGatewaysId_isKnownByItsEvent_andFailureByItsCall() {
        replied(null, ESTIMATE);
        failed("timeout", "call-2", ESTIMATE);
        failed("rate_limit", null, null);

        Reconciliation found =
                reconcile(row(log.get(0).id().toString(), "0.001", 1), row("call-2", "0.002", 2), row("x", "0.1", 3));

        assertThat(found.calls()).hasSize(2);
        assertThat(found.calls().get(1).problem()).isEqualTo("timeout");
        assertThat(found.calls()).allMatch(call -> call.rows().size() == 1);
        assertThat(found.unlogged()).extracting(Spend.Row::callId).containsExactly("x");
    }

    @Test
    void ledgerIsRead_untilItHasEachReply_pageByPage() throws IOException {
        replied("call-1", ESTIMATE);
        replied("call-2", ESTIMATE);
        AtomicInteger looks = new AtomicInteger();
        try (FakeGateway gateway = FakeGateway.raw(exchange -> {
            boolean second = exchange.request().line().contains("&page=2&");
            List<Json> data = second
                    ? List.of(row("call-1", "0.01", 1).all())
                    : looks.incrementAndGet() == 1
                            ? List.of()
                            : List.of(row("call-2", "0.02", 2).all());
            exchange.json(Json.of(Map.of("data", data, "total_pages", 2)).text());
        })) {
            Reconciliation found = Governance.at(gateway.url()).spend().reconcile(SESSION, log, Duration.ofSeconds(30));

            assertThat(found.complete()).isTrue();
            assertThat(found.cost()).isEqualTo(new Cost(new BigDecimal("0.03"), Cost.Source.LEDGER));
            assertThat(gateway.received().get(0).line())
                    .startsWith("GET /spend/logs/session/ui?session_id=acme-s-")
                    .contains("page_size=100");
        }
    }

    private Reconciliation reconcile(Spend.Row... rows) {
        return Reconciliation.of(SESSION, log, Arrays.asList(rows));
    }

    private void replied(String callId, Cost cost) {
        add(new Event.ModelReplied(
                Event.Purpose.ANSWER, 1, List.of(), "stop", Usage.NONE, cost, "m", null, callId, 1, null, null));
    }

    private void failed(String kind, String callId, Cost cost) {
        add(new Event.ModelFailed(
                Event.Purpose.ANSWER,
                1,
                new Problem(kind, "x", true, null, callId),
                true,
                cost == null ? null : Usage.estimated(1, 1),
                cost));
    }

    private void add(Event event) {
        log.add(Recorded.of(log.size() + 1, 1, START.plusSeconds(10), Draft.of(EventId.random(), 1, event)));
    }

    private static Spend.Row row(String callId, String usd, int second) {
        return row(callId, usd, second, "success");
    }

    private static Spend.Row failedRow(String callId, int second) {
        return row(callId, "0", second, "failure");
    }

    private static Spend.Row row(String callId, String usd, int second, String status) {
        return Spend.Row.of(Json.of(Map.of(
                "request_id",
                "chatcmpl-" + callId + second,
                "spend",
                new BigDecimal(usd),
                "status",
                status,
                "startTime",
                START.plusSeconds(second).toString(),
                // As some versions send it.
                "metadata",
                "{\"litellm_call_id\":\"" + callId + "\"}")));
    }
}

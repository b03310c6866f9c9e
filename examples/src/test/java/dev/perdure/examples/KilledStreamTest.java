package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Input;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.TurnListener;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.session.Cost;
import dev.perdure.session.Event;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayReply;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process dies while the model's answer comes in. */
@Timeout(180)
class KilledStreamTest {
    private static final SessionId ID = SessionId.of("acme", "killed");

    @TempDir
    Path folder;

    /** A process that asks, and says what comes in. */
    static final class Asker {
        private Asker() {}

        public static void main(String[] args) {
            try (JdbcSessionStore store = JdbcSessionStore.sqlite(Path.of(args[1]))) {
                ask(store, args[0], TurnListener.text(System.out::print));
            }
        }
    }

    private static Outcome ask(JdbcSessionStore store, String gateway, TurnListener listener) {
        Agent agent = Agent.builder("teller")
                .model(LiteLlm.at(gateway).key("sk-any").model("m"))
                .build();
        try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            return runtime.open(ID, "teller")
                    .send(Input.text("Tell me").key("k"), listener)
                    .await();
        }
    }

    @Test
    void jvmKilledInTheMidstOfAStream_theAnswerIsAskedAgainOnce_andTheCostOfBothAttemptsIsInTheLog() throws Exception {
        Path database = folder.resolve("s.db");
        FakeGateway.Answer endless = exchange -> {
            exchange.stream().role().text("once upon a time ");
            exchange.stall();
        };
        try (FakeGateway gateway = FakeGateway.start(endless, GatewayReply.text("they lived happily"))) {
            try (Program asker = Program.of(Asker.class).with(gateway.url(), database.toString())) {
                asker.awaitText("once upon a time");
                asker.signal("KILL");
                assertThat(asker.awaitEnd().status()).isNotZero();
            }
            StringBuilder seen = new StringBuilder();
            List<Recorded> log;
            try (JdbcSessionStore store = JdbcSessionStore.sqlite(database)) {
                Outcome outcome = ask(store, gateway.url(), TurnListener.text(seen::append));
                assertThat(outcome.findDone().orElseThrow().text()).isEqualTo("they lived happily");
                log = Operator.of(store).history(ID);
            }

            assertThat(seen).hasToString("they lived happily");
            assertThat(gateway.received()).hasSize(2);
            assertThat(gateway.received().get(1).json())
                    .isEqualTo(gateway.received().get(0).json());
            assertThat(gateway.received().stream().map(call -> call.headers().get("x-litellm-call-id")))
                    .doesNotHaveDuplicates();
            assertThat(gateway.received().stream().map(call -> call.headers().get("x-litellm-session-id")))
                    .containsOnly(gateway.received().get(0).headers().get("x-litellm-session-id"));
            requireBothCosts(log);
        }
    }

    private static void requireBothCosts(List<Recorded> log) {
        Event.ModelFailed lost = only(log, Event.ModelFailed.class);
        Event.ModelReplied replied = only(log, Event.ModelReplied.class);
        assertThat(lost.problem().kind()).isEqualTo("lost");
        assertThat(lost.attempt()).isEqualTo(1);
        assertThat(lost.cost()).isNotNull();
        assertThat(lost.cost().source()).isEqualTo(Cost.Source.ESTIMATED);
        assertThat(lost.cost().usd()).isPositive();
        assertThat(replied.attempt()).isEqualTo(1);
        assertThat(replied.cost().source()).isEqualTo(Cost.Source.USAGE);
        assertThat(only(log, Event.TurnEnded.class).cost().usd())
                .isEqualByComparingTo(lost.cost().usd().add(replied.cost().usd()));
    }

    private static <E extends Event> E only(List<Recorded> log, Class<E> type) {
        List<E> found = log.stream()
                .map(Recorded::event)
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
        assertThat(found).hasSize(1);
        return found.get(0);
    }
}

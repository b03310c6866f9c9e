package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.session.Retention;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A process remembers sessions by their numbers, so no store gives the number of one that is gone to another. */
@Timeout(60)
class ReusedNumberTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"first", "second"})
    void sessionWithTheNumberOfOneThatWasPurged_isNoStoreThatLostItsEnd(String name) {
        Agent agent = Agent.builder(AGENT)
                .model(ScriptedModel.answering(request -> Step.text("done")))
                .build();
        try (SessionStore store = JdbcSessionStore.sqlite(folder.resolve("s.db"));
                AgentRuntime runtime = AgentRuntime.open(store, agent)) {
            SessionId first = SessionId.of("acme", "first");
            for (int turn = 0; turn < 3; turn++) {
                assertThat(runtime.open(first, AGENT).send("hi").await()).isInstanceOf(Outcome.Done.class);
            }
            Operator operator = Operator.of(store);
            assertThat(operator.delete(first)).isTrue();
            assertThat(store.purge(Retention.of(Duration.ZERO).status(SessionStatus.DELETED), 10))
                    .isOne();

            SessionId second = SessionId.of("acme", name);
            Outcome outcome = runtime.open(second, AGENT).send("hi").await();

            assertThat(outcome).isInstanceOf(Outcome.Done.class);
            assertThat(store.find(second).orElseThrow().status()).isNotEqualTo(SessionStatus.QUARANTINED);
        }
    }
}

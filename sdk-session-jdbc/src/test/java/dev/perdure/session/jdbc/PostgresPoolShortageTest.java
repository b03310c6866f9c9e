package dev.perdure.session.jdbc;

import static dev.perdure.session.jdbc.SqliteStore.AGENT;
import static dev.perdure.session.jdbc.SqliteStore.log;
import static dev.perdure.session.jdbc.SqliteStore.opened;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.RuntimeListener;
import dev.perdure.session.Json;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.tool.Tool;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many more workers than connections, and a database that takes its time. */
@Timeout(180)
class PostgresPoolShortageTest {
    private final Postgres postgres = Postgres.empty();
    private final List<String> trouble = new CopyOnWriteArrayList<>();
    private final List<Boolean> pressure = new CopyOnWriteArrayList<>();
    private final AtomicInteger ran = new AtomicInteger();
    private final RuntimeListener listener = new RuntimeListener() {
        @Override
        public void onLeaseLost(SessionId session) {
            trouble.add("lost " + session);
        }

        @Override
        public void onRunFailed(SessionId session, Throwable error) {
            trouble.add("failed " + session + ": " + error);
        }

        @Override
        public void onBackPressure(boolean on) {
            pressure.add(on);
        }
    };

    @AfterEach
    void drop() {
        postgres.close();
    }

    private Agent agent() {
        return Agent.builder(AGENT)
                .model(ScriptedModel.answering(request ->
                        request.messages().stream().anyMatch(m -> m instanceof dev.perdure.model.Message.ToolResult)
                                ? Step.text("done")
                                : Step.call("pay", "{}")))
                .tool(Tool.once("pay", "", Json.class, (in, call) -> ran.incrementAndGet())
                        .noProbe())
                .build();
    }

    @Test
    void sixteenWorkersOnAPoolOfTwoConnections_holdBack_andEverySessionEnds_noLeaseLost_noneQuarantined() {
        try (SessionStore sender = JdbcSessionStore.of(postgres.pool());
                HikariDataSource two = postgres.pool(2);
                SessionStore store = JdbcSessionStore.of(two)) {
            List<SessionId> sessions = IntStream.range(0, 32)
                    .mapToObj(i -> opened(sender, SessionId.of("acme", "s" + i)))
                    .toList();
            sessions.forEach(session -> sender.post(session, Messages.text("k", "hi")));
            postgres.sql(
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                            + " $$ BEGIN PERFORM pg_sleep(0.08); RETURN NEW; END $$",
                    "CREATE TRIGGER slow BEFORE INSERT ON perdure_event FOR EACH STATEMENT EXECUTE FUNCTION slow()");
            try (AgentRuntime runtime = AgentRuntime.builder(store)
                    .agents(agent())
                    .workers(16)
                    .lease(Duration.ofSeconds(5))
                    .listener(listener)
                    .build()) {
                Eventually.await(
                        "every session ends",
                        () -> sessions.stream()
                                .allMatch(session ->
                                        sender.find(session).orElseThrow().status() == SessionStatus.IDLE));
                assertThat(runtime.find(sessions.get(0))).isPresent();
            }
            for (SessionId session : sessions) {
                assertThat(log(sender, session))
                        .extracting(recorded -> recorded.event().type())
                        .containsOnlyOnce("TurnEnded")
                        .doesNotContain("TakenOver", "ToolInDoubt", "HandedBack");
            }
        }
        assertThat(trouble).isEmpty();
        assertThat(ran).hasValue(32);
        assertThat(pressure).startsWith(true);
    }
}

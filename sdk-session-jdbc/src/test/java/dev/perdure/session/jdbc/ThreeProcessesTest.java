package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Operator;
import dev.perdure.Outcome;
import dev.perdure.Turn;
import dev.perdure.session.Actor;
import dev.perdure.session.Answer;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.session.Question;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.testkit.crash.LogChecker;
import dev.perdure.tool.Approval;
import dev.perdure.tool.Tool;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A question outlives the process that asked it: each part is a JVM of its own, and none of them runs beside another. */
@Timeout(180)
class ThreeProcessesTest {
    private static final SessionId ID = SessionId.of("acme", "asked");

    @TempDir
    Path folder;

    @Test
    void callAskedAboutByOneProcess_answeredByASecond_isRunByAThird_onSqlite() throws Exception {
        String place = "sqlite:" + folder.resolve("s.db");
        processes(place);
        try (SessionStore store = store(place)) {
            requireRunOnce(store);
        }
    }

    @Test
    void callAskedAboutByOneProcess_answeredByASecond_isRunByAThird_onPostgres() throws Exception {
        try (Postgres postgres = Postgres.empty()) {
            processes(Postgres.url() + " " + postgres.schema());
            try (SessionStore store = JdbcSessionStore.of(postgres.pool())) {
                requireRunOnce(store);
            }
        }
    }

    private void processes(String place) throws Exception {
        for (String part : List.of("ask", "answer", "run")) {
            Path log = folder.resolve(part + ".log");
            Process process = start(part, place, log);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(part).isTrue();
            assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        }
    }

    private void requireRunOnce(SessionStore store) throws IOException {
        assertThat(Files.readAllLines(folder.resolve("paid"))).containsExactly("run");
        List<Recorded> log = Operator.of(store).history(ID);
        assertThat(log.stream().map(event -> event.event().type()))
                .containsOnlyOnce("QuestionAsked", "QuestionAnswered", "ToolStarted", "ToolFinished", "TurnEnded");
        assertThat(log.stream().map(Recorded::event))
                .filteredOn(event -> event instanceof Event.QuestionAnswered)
                .singleElement()
                .extracting(event -> ((Event.QuestionAnswered) event).by())
                .isEqualTo(Actor.user("ann"));
        assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
        assertThat(LogChecker.of(store).check(ID)).isEmpty();
    }

    private Process start(String part, String place, Path log) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path")
                        + File.pathSeparator
                        + System.getProperty("surefire.test.class.path", ""),
                Part.class.getName(),
                part,
                place,
                folder.resolve("paid").toString()));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private static SessionStore store(String place) {
        if (place.startsWith("sqlite:")) {
            return JdbcSessionStore.sqlite(Path.of(place.substring("sqlite:".length())));
        }
        String[] parts = place.split(" ", 2);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(parts[0]);
        config.setMaximumPoolSize(4);
        return JdbcSessionStore.of(
                new HikariDataSource(config), JdbcOptions.standard().schema(parts[1]));
    }

    /** One of the three. */
    static final class Part {
        private Part() {}

        public static void main(String... arguments) {
            String part = arguments[0];
            try (SessionStore store = store(arguments[1])) {
                switch (part) {
                    case "ask" -> ask(store, agent(part, Path.of(arguments[2])));
                    case "answer" -> answer(store);
                    default -> run(store, agent(part, Path.of(arguments[2])));
                }
            }
            System.exit(0);
        }

        private static Agent agent(String part, Path paid) {
            return Agent.builder("payer")
                    .model(ScriptedModel.steps(List.of(Step.call("pay", "{}"), Step.text("done"))))
                    .tool(Tool.once("pay", "", Json.class, (in, call) -> {
                                Files.writeString(paid, part + System.lineSeparator());
                                return "paid";
                            })
                            .noProbe()
                            .approval(Approval.required()))
                    .build();
        }

        private static void ask(SessionStore store, Agent agent) {
            try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
                Outcome outcome = runtime.open(ID, "payer").send("pay").await();
                if (!(outcome instanceof Outcome.Waiting)) {
                    throw new IllegalStateException("not waiting: " + outcome);
                }
            }
        }

        /** Has no agent. */
        private static void answer(SessionStore store) {
            Operator operator = Operator.of(store);
            Question question = operator.questions(ID.tenant()).get(0);
            if (operator.answer(question.id(), Answer.accept("within policy"), Actor.user("ann"))
                    != Operator.Answered.ACCEPTED) {
                throw new IllegalStateException("not accepted");
            }
        }

        private static void run(SessionStore store, Agent agent) {
            try (AgentRuntime runtime = AgentRuntime.open(store, agent)) {
                AgentSession session = runtime.find(ID).orElseThrow();
                Optional<Turn> turn = session.findTurn();
                while (turn.isPresent()) {
                    LockSupport.parkNanos(20_000_000);
                    turn = session.findTurn();
                }
            }
        }
    }
}

package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.AgentSession;
import dev.perdure.Input;
import dev.perdure.Operator;
import dev.perdure.session.Event;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore;
import dev.perdure.testkit.ScriptedModel;
import dev.perdure.testkit.Step;
import dev.perdure.testkit.crash.LogChecker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TwoProcessesTest {
    private static final SessionId ID = SessionId.of("acme", "shared");
    private static final int SENDS = 500;

    @TempDir
    Path folder;

    @Test
    void everyMessageOfTwoProcesses_isAppliedOnce_inTheOrderOfItsSender() throws Exception {
        List<Process> senders = List.of(sender("a"), sender("b"));
        for (Process sender : senders) {
            assertThat(sender.waitFor(100, TimeUnit.SECONDS)).isTrue();
            assertThat(sender.exitValue()).isZero();
        }

        try (SessionStore store = JdbcSessionStore.sqlite(folder.resolve("s.db"))) {
            List<String> applied = applied(store);
            assertThat(applied).hasSize(2 * SENDS).doesNotHaveDuplicates();
            for (String sender : List.of("a", "b")) {
                assertThat(applied.stream().filter(key -> key.startsWith(sender)))
                        .containsExactlyElementsOf(keys(sender));
            }
            assertThat(store.inbox(ID, 0, 10)).isEmpty();
            assertThat(store.find(ID).orElseThrow().status()).isEqualTo(SessionStatus.IDLE);
            assertThat(LogChecker.of(store).check(ID)).isEmpty();
        }
    }

    private static List<String> applied(SessionStore store) {
        return Operator.of(store).history(ID).stream()
                .filter(event -> event.event() instanceof Event.InputReceived)
                .map(event -> ((Event.InputReceived) event.event()).key())
                .toList();
    }

    private static List<String> keys(String sender) {
        return IntStream.range(0, SENDS).mapToObj(i -> sender + "-" + i).toList();
    }

    private Process sender(String name) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Sender.class.getName(),
                        folder.resolve("s.db").toString(),
                        name)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start();
    }

    /** Sends, and ends when everything in the session is done, whoever did it. */
    static final class Sender {
        public static void main(String... arguments) {
            Agent agent = Agent.builder("echo")
                    .model(ScriptedModel.answering(request -> Step.text("ok")))
                    .build();
            try (SessionStore store = JdbcSessionStore.sqlite(Path.of(arguments[0]));
                    AgentRuntime runtime = AgentRuntime.open(store, agent)) {
                AgentSession session = runtime.open(ID, "echo");
                List<String> keys = keys(arguments[1]);
                keys.subList(0, SENDS - 1).forEach(key -> send(session, key).await(Duration.ZERO));
                send(session, keys.get(SENDS - 1)).await();
            }
        }

        private static dev.perdure.Turn send(AgentSession session, String key) {
            return session.send(Input.text(key).key(key));
        }
    }
}

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.model.ModelException;
import dev.perdure.testkit.FakeGateway;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** The key reaches the gateway and nothing else; nothing keeps the JVM alive. */
class SecretsTest {
    private static final String KEY = "sk-very-secret-0123456789";

    @Test
    void key_isInNoMessageTraceLogOrToString() throws IOException {
        StringBuilder seen = new StringBuilder();
        Handler handler = new ConsoleHandler() {
            @Override
            public void publish(LogRecord entry) {
                seen.append(entry.getMessage())
                        .append(List.of(entry.getParameters() == null ? new Object[0] : entry.getParameters()));
            }
        };
        Logger okHttp = Logger.getLogger("okhttp3");
        okHttp.setLevel(Level.ALL);
        okHttp.addHandler(handler);
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            List<FakeGateway.Answer> answers = List.of(
                    exchange -> exchange.whole(
                            401, "application/json", "{\"error\":{\"message\":\"key " + KEY + " is wrong\"}}"),
                    exchange -> exchange.whole(500, "text/plain", "Bearer " + KEY),
                    exchange -> exchange.whole(200, "text/" + KEY, "x"),
                    exchange -> exchange.json("{\"error\":\"" + KEY + "\"}"),
                    exchange -> exchange.stream()
                            .event("{\"error\":{\"message\":\"" + KEY + "\"}}")
                            .end(),
                    exchange -> exchange.stream().event("{" + KEY).end(),
                    FakeGateway.Exchange::cut);
            for (FakeGateway.Answer answer : answers) {
                try (FakeGateway gateway = FakeGateway.raw(answer)) {
                    LiteLlm client = LiteLlm.at(gateway.url()).key(KEY).model("m");
                    ModelException e = Calls.failure(client, Calls.plain());
                    seen.append(client).append(trace(e)).append(e.problem());
                    assertThat(gateway.received().get(0).headers()).containsEntry("authorization", "Bearer " + KEY);
                }
            }
        } finally {
            System.setErr(before);
            okHttp.removeHandler(handler);
            okHttp.setLevel(null);
        }
        assertThat(seen + err.toString(StandardCharsets.UTF_8)).isNotBlank().doesNotContain("very-secret");
    }

    @Test
    void keyThatIsNoHeader_isRefused_unseen() {
        assertThatThrownBy(() -> LiteLlm.at("http://g").key("sk-very-secret\n"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("very-secret");
    }

    @Test
    void withoutAModel_theCallSaysWhatToDo() {
        assertThatThrownBy(() -> LiteLlm.at("http://g").call(Calls.saying("hi"), Calls.plain()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("LiteLlm.model(");
    }

    @Test
    void onlyDaemonThreadsStay() throws IOException {
        try (FakeGateway gateway =
                FakeGateway.raw(exchange -> exchange.stream().role().text("x").done())) {
            LiteLlm.at(gateway.url()).model("m").call(Calls.saying("hi"), Calls.streaming(new Heard()));
        }
        List<Thread> ours = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().matches("(?i).*(okhttp|okio).*"))
                .toList();
        assertThat(ours).isNotEmpty().allMatch(Thread::isDaemon);
    }

    private static String trace(Throwable e) {
        StringWriter text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}

package dev.perdure.litellm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.InMemorySessionStore;
import dev.perdure.Outcome;
import dev.perdure.litellm.internal.governance.SessionSecret;
import dev.perdure.session.Actor;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.testkit.FakeGateway;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Neither the administrator's key, nor a minted one, nor the secret behind those of sessions is in a message, trace, log, event or text of an object. */
@Timeout(60)
class GovernanceSecretsTest {
    private static final String ADMIN = "sk-very-secret-of-the-admin";
    private static final String MINTED = "sk-very-secret-minted-0123";
    private static final String SECRET = "very-secret-and-of-thirty-two-characters";

    @Test
    void keysAndSecret_areInNoMessageTraceLogOrText_evenWhenTheGatewayQuotesThem() throws IOException {
        StringBuilder seen = new StringBuilder();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        String quoting = ADMIN + " and " + MINTED;
        try {
            for (FakeGateway.Answer answer : List.<FakeGateway.Answer>of(
                    exchange -> exchange.whole(
                            400, "application/json", "{\"error\":{\"message\":\"" + quoting + " already exists\"}}"),
                    exchange -> exchange.whole(500, "text/plain", quoting),
                    exchange -> exchange.whole(404, "application/json", "{\"detail\":\"" + quoting + "\"}"),
                    exchange -> exchange.whole(200, "text/html", quoting),
                    FakeGateway.Exchange::cut)) {
                try (FakeGateway gateway = FakeGateway.raw(answer)) {
                    Governance governance = Governance.at(gateway.url()).key(ADMIN);
                    KeyRequest request = KeyRequest.create().value(MINTED);
                    PerSessionKeys sessions = PerSessionKeys.of(
                            LiteLlm.at(gateway.url()).model("m"), governance, SECRET, KeyRequest.create());
                    seen.append(governance).append(request).append(sessions).append(governance.keys());
                    for (Runnable asked : List.<Runnable>of(
                            governance::whoAmI,
                            () -> governance.keys().generate(request),
                            () -> governance.keys().mint(request),
                            () -> governance.keys().rotate("0".repeat(64), Duration.ZERO),
                            () -> governance.keys().list().count(),
                            () -> governance.teams().create("t", Quota.none()),
                            () -> sessions.call(Calls.saying("hi"), Calls.plain()))) {
                        seen.append(trace(catchThrowable(asked::run)));
                    }
                    assertThat(gateway.received().get(0).headers()).containsEntry("authorization", "Bearer " + ADMIN);
                }
            }
        } finally {
            System.setErr(before);
        }
        assertThat(seen + err.toString(StandardCharsets.UTF_8))
                .contains("ModelException", "Governance[http")
                .doesNotContain("very-secret");
    }

    @Test
    void mintedKey_showsItsValueOnlyWhenAsked() throws IOException {
        try (FakeKeys gateway = new FakeKeys()) {
            Keys.Minted minted = gateway.governance()
                    .keys()
                    .mint(KeyRequest.create().value(MINTED).alias("a"));

            assertThat(minted.value()).isEqualTo(MINTED);
            assertThat(minted + minted.key().toString() + minted.key().all()).doesNotContain("very-secret");
        }
    }

    @Test
    void keyOfASession_isInNoEvent() throws IOException {
        InMemorySessionStore store = InMemorySessionStore.create();
        SessionId id = SessionId.of("acme", "s");
        try (FakeKeys gateway = new FakeKeys()) {
            PerSessionKeys keys = PerSessionKeys.of(
                    LiteLlm.at(gateway.url()).model("m"), gateway.governance(), SECRET, KeyRequest.create());
            Agent agent = Agent.builder("support").instructions("x").model(keys).build();
            try (AgentRuntime runtime = AgentRuntime.builder(store)
                    .agents(agent)
                    .listener(keys.revokingAtEnd())
                    .build()) {
                var session = runtime.open(id, "support");
                assertThat(session.send("hi").await()).isInstanceOf(Outcome.class);
                gateway.change(gateway.keys().get(0).findText("token").orElseThrow(), "blocked", true);
                assertThat(session.send("hi").await()).isInstanceOf(Outcome.Failed.class);
                session.end("done", Actor.user("ann"));
                while (!gateway.keys().isEmpty()) {
                    Thread.onSpinWait();
                }
            }
        }
        String value = new SessionSecret(SECRET).keyOf("perdure", id, 0);
        List<Recorded> log = store.read(id, 0, 1_000);
        assertThat(log)
                .hasSizeGreaterThan(5)
                .allSatisfy(event -> assertThat(event.json())
                        .doesNotContain(value)
                        .doesNotContain("sk-")
                        .doesNotContain("very-secret"));
    }

    @Test
    void nothingIsKeptInAStatic() {
        for (Class<?> type :
                List.of(Governance.class, Keys.class, KeyRequest.class, PerSessionKeys.class, SessionSecret.class)) {
            for (Field field : type.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) {
                    assertThat(Modifier.isFinal(field.getModifiers()))
                            .as("%s", field)
                            .isTrue();
                    assertThat(field.getType().getSimpleName())
                            .as("%s", field)
                            .isIn("Logger", "Duration", "int", "String", "KeyRequest");
                }
            }
        }
    }

    private static String trace(Throwable e) {
        StringWriter text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}

package dev.perdure.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.perdure.Agent;
import dev.perdure.AgentRuntime;
import dev.perdure.Input;
import dev.perdure.RuntimeListener;
import dev.perdure.session.Json;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.jdbc.JdbcSessionStore;
import dev.perdure.spi.SessionStore;
import dev.perdure.tool.Probe;
import dev.perdure.tool.Tool;
import dev.perdure.tool.ToolResult;
import java.nio.file.Path;
import java.time.Duration;

/** An agent whose one turn makes payments, none of which may be made twice; and the process that begins with it and is killed. */
final class Payer {
    static final String AGENT = "payer";
    /** In the turn. */
    static final int PAYMENTS = 60;

    private static final int PAYMENT_MILLIS = 20;

    private Payer() {}

    static Agent agent(Path ledger) {
        Ledger outside = new Ledger(ledger);
        return Agent.builder(AGENT)
                .model(new InstantModel("pay", PAYMENTS, "The next one.", "{}"))
                .tool(Tool.once("pay", "Pays", Json.class, (in, call) -> {
                            Thread.sleep(PAYMENT_MILLIS);
                            return outside.perform(
                                            call.idempotencyKey(), call.id().value())
                                    ? "paid"
                                    : ToolResult.error("revoked");
                        })
                        .probe(key -> outside.revoke(key) ? Probe.revoked() : Probe.done("paid")))
                .build();
    }

    static Input input() {
        return Input.text("Pay all of them").key("input");
    }

    /** Says {@code NUMBER ID} of each event after its commit, until it is killed. Arguments: JDBC URL, session, lease in milliseconds, ledger. */
    public static void main(String[] args) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(args[0]);
        config.setMaximumPoolSize(4);
        SessionStore store = JdbcSessionStore.of(new HikariDataSource(config));
        AgentRuntime runtime = AgentRuntime.builder(store)
                .agents(agent(Path.of(args[3])))
                .workers(0)
                .lease(Duration.ofMillis(Long.parseLong(args[2])))
                .listener(new RuntimeListener() {
                    @Override
                    public void onEvent(SessionId session, Recorded event) {
                        System.out.println(event.seq() + " " + event.id());
                    }
                })
                .build();
        runtime.open(SessionId.of("bench", args[1]), AGENT).send(input()).await();
    }
}

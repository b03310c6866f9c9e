package dev.perdure.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.Agent;
import dev.perdure.litellm.CallFacts;
import dev.perdure.litellm.CallOptions;
import dev.perdure.litellm.Governance;
import dev.perdure.litellm.KeyRequest;
import dev.perdure.litellm.Keys;
import dev.perdure.litellm.LiteLlm;
import dev.perdure.litellm.McpTools;
import dev.perdure.litellm.Protection;
import dev.perdure.litellm.Quota;
import dev.perdure.model.Message;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Effect;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import dev.perdure.spi.CallScope;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayReply;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What docs/gateway.md shows. */
@Timeout(60)
class GatewayGuideTest {
    private final FakeGateway fake = FakeGateway.answering(request -> GatewayReply.pieces("Nothing ", "is owed."));
    private final String url = fake.url();
    private final String masterKey = fake.masterKey();
    private final String key = fake.newKey(Map.of());
    private final List<Object> logged = new ArrayList<>();

    @AfterEach
    void close() {
        fake.close();
    }

    private void log(Object... facts) {
        Collections.addAll(logged, facts);
    }

    @Test
    void ask() {
        LiteLlm gateway = LiteLlm.at(url).key(key).model("gpt-5-mini").tags("billing");
        ModelReply reply = gateway.ask("What is owed on order 4711?");
        CallFacts facts = CallFacts.of(reply);
        log(reply.text(), reply.cost().usd(), reply.cost().source(), facts.findModelGroup(), facts.findOverhead());

        assertThat(logged).startsWith("Nothing is owed.").doesNotContainNull();
        assertThat(facts.findModelGroup()).contains("gpt-5-mini");
    }

    @Test
    void askWithOptions() {
        LiteLlm gateway = LiteLlm.at(url).key(key).model("gpt-5-mini");
        ModelRequest request =
                ModelRequest.of("", List.of(new Message.User(List.of(new Part.Text("What is owed?")))), List.of());
        StringBuilder seen = new StringBuilder();
        CallScope.Deltas screen = new CallScope.Deltas() {
            @Override
            public void text(String more) {
                seen.append(more);
            }

            @Override
            public void discard() {
                seen.setLength(0);
            }
        };
        Interruption stop = new Interruption(); // stop.request("the user left") ends the call, from any thread
        ModelReply reply = gateway.ask(
                request,
                CallOptions.DEFAULT
                        .session("case-7")
                        .endUser("customer-9")
                        .deltas(screen)
                        .interruption(stop));

        assertThat(seen).hasToString(reply.text());
        assertThat(fake.received().get(0).headers()).containsEntry("x-litellm-session-id", "case-7");
    }

    @Test
    void secondGateway() {
        try (FakeGateway other = FakeGateway.start(GatewayReply.text("from the other"))) {
            String otherUrl = other.url();
            String otherKey = "sk-other";
            fake.close();
            LiteLlm gateway = LiteLlm.at(url)
                    .key(key)
                    .model("gpt-5-mini")
                    .protection(Protection.STANDARD.inFlight(64, Duration.ofSeconds(2)))
                    .fallback(LiteLlm.at(otherUrl).key(otherKey).model("gpt-5-mini"));

            assertThat(gateway.ask("Who?").text()).isEqualTo("from the other");
        }
    }

    @Test
    void keyWithABudget() {
        Keys keys = Governance.at(url).key(masterKey).keys();
        Keys.Minted minted = keys.mint(KeyRequest.create()
                .alias("billing")
                .lifetime(Duration.ofDays(30))
                .quota(Quota.none().usd("20").models("gpt-5-mini")));
        LiteLlm gateway = LiteLlm.at(url).key(minted.value()).model("gpt-5-mini"); // the value is shown once, here
        keys.block(minted.id());

        assertThat(gateway.toString()).doesNotContain(minted.value());
        assertThat(keys.find(minted.id()).orElseThrow().blocked()).isTrue();
    }

    @Test
    void toolsOfAnMcpServer() {
        String shop = "\"mcp_info\":{\"server_id\":\"1\",\"alias\":\"shop\"}";
        String list = "{\"tools\":[{\"name\":\"add\"," + shop + "},{\"name\":\"send.mail\"," + shop + "}]}";
        String hints = "{\"result\":{\"tools\":[{\"name\":\"shop-add\",\"annotations\":{\"readOnlyHint\":true}}]}}";
        try (FakeGateway mcp = FakeGateway.raw(
                exchange -> exchange.json(exchange.request().path().equals("/mcp/") ? hints : list))) {
            LiteLlm gateway = LiteLlm.at(mcp.url()).key(key);
            Agent support = Agent.builder("support")
                    .model(gateway)
                    .tools(McpTools.of(gateway).servers("shop").tools()) // named shop-add, shop-send_mail, …
                    .build();

            assertThat(support.tools().names()).containsExactly("shop-add", "shop-send_mail");
            assertThat(support.tools().find("shop-add").orElseThrow().effect()).isEqualTo(Effect.PURE);
        }
    }

    @Test
    void everyRecipeOfTheDocument_isInThisFile() throws IOException {
        Recipes.requireAll("docs/gateway.md", getClass(), 5);
    }
}

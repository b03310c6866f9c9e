package dev.perdure.litellm;

import dev.perdure.session.Json;
import dev.perdure.spi.ModelClient;
import dev.perdure.testkit.FakeGateway;
import dev.perdure.testkit.GatewayRefusal;
import dev.perdure.testkit.ModelClientContract;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** The contract, against a fake gateway that plays each peer; a subclass says how a wire writes. */
abstract class LiteLlmContract extends ModelClientContract {
    private final List<FakeGateway> gateways = new ArrayList<>();

    private final Wire wire;

    LiteLlmContract(Wire wire) {
        this.wire = wire;
    }

    /** Answers with a text, in several pieces when asked for a stream. */
    abstract void text(FakeGateway.Exchange exchange, String text) throws Exception;

    /** Answers with both calls of {@code add}. */
    abstract void calls(FakeGateway.Exchange exchange) throws Exception;

    /** The first words of a stream that does not go on. */
    abstract void begin(FakeGateway.Exchange exchange) throws IOException;

    /** All results of tools in the request, with the ids of their calls. */
    abstract String results(Json request);

    abstract String lastText(Json request);

    @AfterEach
    void close() throws IOException {
        for (FakeGateway gateway : gateways) {
            gateway.close();
        }
    }

    @Override
    protected ModelClient clientOf(Peer peer) {
        FakeGateway gateway = FakeGateway.raw(exchange -> play(peer, exchange));
        gateways.add(gateway);
        return LiteLlm.at(gateway.url()).key("sk-test").model("m").wire(wire);
    }

    @Override
    protected int requestsSeen() {
        return gateways.get(gateways.size() - 1).received().size();
    }

    private void play(Peer peer, FakeGateway.Exchange exchange) throws Exception {
        if (exchange.request().line().startsWith("GET /model_group/info")) {
            exchange.json(
                    "{\"data\":[{\"model_group\":\"m\",\"input_cost_per_token\":1e-06,\"output_cost_per_token\":2e-06}]}");
            return;
        }
        Json request = Json.parse(exchange.request().body());
        switch (peer) {
            case ANSWERS -> text(exchange, TEXT);
            case CALLS_TOOLS -> {
                String results = results(request);
                if (results.isEmpty()) {
                    calls(exchange);
                } else {
                    text(exchange, results);
                }
            }
            case ECHOES -> text(exchange, lastText(request));
            case NEVER_ANSWERS -> exchange.stall();
            case STALLS -> {
                begin(exchange);
                exchange.stall();
            }
            case REFUSES_KEY -> GatewayRefusal.unknownKey().play(exchange);
            case FAILS -> exchange.whole(503, "text/html", "<html><body>try later</body></html>", "retry-after: 0");
        }
    }

    static List<Json> list(Json request, String field) {
        return request.find(field).map(Json::elements).orElse(List.of());
    }

    static String field(Json json, String name) {
        return json.findText(name).orElse("");
    }

    /** Without the quotes around it. */
    static String inner(String text) {
        String json = Json.of(text).text();
        return json.substring(1, json.length() - 1);
    }
}

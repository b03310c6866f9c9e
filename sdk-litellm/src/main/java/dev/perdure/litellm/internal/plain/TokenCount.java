package dev.perdure.litellm.internal.plain;

import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Numbers;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.wire.CountBody;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Json;

/** Lets the gateway count the tokens of a request. */
public final class TokenCount {
    private final Settings settings;
    private final GatewayHttp http;

    public TokenCount(Settings settings, GatewayHttp http) {
        this.settings = settings;
        this.http = http;
    }

    public long of(ModelRequest request) {
        Json answer = http.post("utils/token_counter", CountBody.of(request, settings.requireModel(request)));
        return Numbers.find(answer, "total_tokens")
                .orElseThrow(() -> ModelException.of(
                        Kind.PROTOCOL, settings.endpoint + " counts no tokens: is that a LiteLLM gateway?"));
    }
}

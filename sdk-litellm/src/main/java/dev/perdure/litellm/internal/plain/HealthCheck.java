package dev.perdure.litellm.internal.plain;

import dev.perdure.litellm.GatewayHealth;
import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.util.Map;
import java.util.Optional;

/** Asks a gateway how it is. */
public final class HealthCheck {
    private final GatewayHttp http;

    public HealthCheck(GatewayHttp http) {
        this.http = http;
    }

    public GatewayHealth run() {
        if (ask("health/liveliness").isEmpty()) {
            return new GatewayHealth(false, false, false, null);
        }
        Optional<Json> readiness = ask("health/readiness");
        boolean database = readiness
                .flatMap(answer -> answer.findText("db"))
                .filter("connected"::equals)
                .isPresent();
        return new GatewayHealth(
                true,
                readiness.isPresent(),
                database,
                ask("health/readiness/details")
                        .flatMap(details -> details.findText("litellm_version"))
                        .orElse(null));
    }

    /** Empty when it refuses, fails or does not answer. */
    private Optional<Json> ask(String route) {
        try {
            return Optional.of(http.get(route, Map.of()));
        } catch (ModelException e) {
            if (e.kind() == Kind.INTERRUPTED) {
                throw e;
            }
            return Optional.empty();
        }
    }
}

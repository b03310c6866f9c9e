package dev.perdure.litellm.internal.governance;

import dev.perdure.litellm.internal.http.GatewayHttp;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.http.Transport;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelException.Kind;
import dev.perdure.session.Json;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Requests to the gateway's administration. LiteLLM answers the same refusal with one status here and another there (seen in 1.96: a tag that is not there is a
 * 500 whose text begins with 404), so that its words decide what a refusal is.
 */
public final class AdminHttp {
    private static final List<String> NO_DATABASE = List.of(
            "DB not connected",
            "Database not connected",
            "No db connected",
            "Not connected to DB",
            "Prisma Client is not");

    private static final Pattern KEY = Pattern.compile("\\bsk-[A-Za-z0-9_-]{8,}");

    private final Settings settings;
    private final GatewayHttp http;

    public AdminHttp(Settings settings, Transport transport) {
        this.settings = settings;
        this.http = new GatewayHttp(settings, transport);
    }

    public Json get(String route, Map<String, String> query) {
        return told(() -> http.get(route, query));
    }

    public Json post(String route, Json body) {
        return told(() -> http.post(route, body));
    }

    /** Empty when the gateway knows no such thing. */
    public Optional<Json> find(String route, Map<String, String> query) {
        return known(() -> get(route, query));
    }

    /** Empty when the gateway knows no such thing. */
    public Optional<Json> findByPost(String route, Json body) {
        return known(() -> post(route, body));
    }

    /** Where the gateway is, for messages. */
    public String place() {
        return settings.endpoint.toString();
    }

    private static Optional<Json> known(Supplier<Json> request) {
        try {
            return Optional.of(request.get()).filter(answer -> !answer.isNull());
        } catch (ModelException e) {
            if (e.findStatus().equals(Optional.of(404))) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private Json told(Supplier<Json> request) {
        try {
            return request.get();
        } catch (ModelException e) {
            throw clearer(e);
        }
    }

    private ModelException clearer(ModelException e) {
        String message = Objects.requireNonNullElse(e.getMessage(), "");
        int status = e.findStatus().orElse(0);
        if (NO_DATABASE.stream().anyMatch(message::contains)) {
            return refusal(
                    Kind.PROTOCOL,
                    status,
                    settings.endpoint
                            + " answers that it has no database, which keeps keys, teams, users, budgets and spend:"
                            + " set DATABASE_URL of the gateway. Model calls do not need one");
        }
        if (message.contains("LiteLLM Enterprise user") || message.contains("enterprise license")) {
            int end = message.indexOf("If you have a license");
            return refusal(
                    Kind.ACCESS,
                    status,
                    (end < 0 ? message : message.substring(0, end).trim())
                            + " | The gateway has no licence for this: leave it out");
        }
        if (status == 404 || message.contains(": 404: ")) {
            return refusal(Kind.BAD_REQUEST, 404, message);
        }
        if (message.contains("already exists")) {
            return refusal(Kind.BAD_REQUEST, status == 500 ? 409 : status, message);
        }
        String ours = message.replace("LiteLlm.key(", "Governance.key(");
        if (ours.equals(message) && !KEY.matcher(message).find()) {
            return e;
        }
        return ModelException.builder(e.kind(), withoutKeys(ours))
                .status(e.findStatus().orElse(null))
                .retryAfter(e.findRetryAfter().orElse(null))
                .build();
    }

    private static ModelException refusal(Kind kind, int status, String message) {
        return ModelException.builder(kind, withoutKeys(message)).status(status).build();
    }

    /** What is refused may be quoted, a key just minted too. */
    private static String withoutKeys(String message) {
        return KEY.matcher(message).replaceAll("sk-***");
    }
}

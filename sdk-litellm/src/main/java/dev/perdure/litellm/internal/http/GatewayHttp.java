package dev.perdure.litellm.internal.http;

import dev.perdure.model.ModelException;
import dev.perdure.session.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Plain requests with JSON in and out, for everything but the calls of a model. On the caller's thread; ends promptly when that thread is interrupted. Nothing is
 * ever sent twice here.
 */
public final class GatewayHttp {
    private final Settings settings;
    private final Call.Factory transport;
    private final Failures failures;

    public GatewayHttp(Settings settings, Call.Factory transport) {
        this.settings = settings;
        this.transport = transport;
        this.failures = new Failures(settings);
    }

    /**
     * What came back.
     *
     * @param body {@link Json#NULL} when it was empty; of an event stream, which is read to its end, the last event
     */
    public record Answer(Headers headers, Json body) {}

    /** @param query absent values are left out of the map, not null in it */
    public Json get(String route, Map<String, String> query) {
        return get(url(route, query)).body();
    }

    /** Empty when the gateway knows no such thing (404). */
    public Optional<Json> find(String route, Map<String, String> query) {
        try {
            return Optional.of(get(route, query));
        } catch (ModelException e) {
            if (e.findStatus().equals(Optional.of(404))) {
                return Optional.empty();
            }
            throw e;
        }
    }

    public Answer get(HttpUrl url) {
        return send(request(url, Map.of()).get());
    }

    public Json post(String route, Json body) {
        return post(url(route, Map.of()), body, Map.of()).body();
    }

    /** @param headers further ones */
    public Answer post(HttpUrl url, Json body, Map<String, String> headers) {
        return send(request(url, headers).post(new JsonBody(body.text().getBytes(StandardCharsets.UTF_8))));
    }

    public HttpUrl url(String route, Map<String, String> query) {
        HttpUrl.Builder url = settings.endpoint.above(route);
        query.forEach(url::addQueryParameter);
        return url.build();
    }

    private Request.Builder request(HttpUrl url, Map<String, String> headers) {
        Request.Builder request = new Request.Builder().url(url).header("Accept", "application/json");
        if (settings.key != null) {
            request.header("Authorization", "Bearer " + settings.key);
        }
        headers.forEach(request::header);
        return request;
    }

    private Answer send(Request.Builder request) {
        CallWatch watch = new CallWatch(settings, Duration.ofDays(1), false);
        Call call = transport.newCall(request.tag(CallWatch.class, watch).build());
        call.timeout().timeout(watch.totalNanos(), TimeUnit.NANOSECONDS);
        Response response = null;
        try (Response answer = call.execute()) {
            response = answer;
            if (!answer.isSuccessful()) {
                throw failures.refused(answer);
            }
            watch.enter(CallWatch.Phase.RECEIVING);
            return new Answer(answer.headers(), json(answer));
        } catch (IOException e) {
            throw failed(e, watch, response);
        }
    }

    private Json json(Response answer) throws IOException {
        String text = answer.body().string();
        if (text.isEmpty()) {
            return Json.NULL;
        }
        try {
            return Json.parse(isEvents(answer) ? Events.last(text) : text);
        } catch (IllegalArgumentException e) {
            // Without the parser's own words, which may quote what came.
            throw failures.notJson(answer);
        }
    }

    private static boolean isEvents(Response answer) {
        return String.valueOf(answer.header("Content-Type")).startsWith("text/event-stream");
    }

    private ModelException failed(IOException e, CallWatch watch, @Nullable Response response) {
        return Thread.currentThread().isInterrupted()
                ? failures.interrupted("", response)
                : failures.of(e, watch, response);
    }
}

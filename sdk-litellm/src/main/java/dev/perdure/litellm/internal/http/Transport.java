package dev.perdure.litellm.internal.http;

import dev.perdure.litellm.internal.http.CallWatch.Phase;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Connection;
import okhttp3.ConnectionPool;
import okhttp3.EventListener;
import okhttp3.Headers;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/**
 * One OkHttp client, so that per-call times cost no new one: each request carries its {@link CallWatch} as a tag.
 *
 * <p>No request is ever sent twice. OkHttp would repeat a POST after a reset of its connection, after a 408, after a redirect
 * and after a 503 with {@code Retry-After: 0}; the first two are switched off here, the others by {@link JsonBody} being
 * one-shot.
 */
public final class Transport implements Call.Factory {
    // A LiteLLM gateway (uvicorn) closes an idle connection after 5 s; a shorter life here keeps calls off the dying
    // ones.
    private static final long IDLE_SECONDS = 4;
    // One connection per call in flight (HTTP/1.1); those of a burst shall be there for the next one.
    private static final int IDLE_CONNECTIONS = 256;

    private final OkHttpClient client = new OkHttpClient.Builder()
            .connectionPool(new ConnectionPool(IDLE_CONNECTIONS, IDLE_SECONDS, TimeUnit.SECONDS))
            .retryOnConnectionFailure(false)
            .followRedirects(false)
            .followSslRedirects(false)
            // Connects on the caller's thread, where an interrupt reaches it.
            .fastFallback(false)
            .socketFactory(new InterruptibleSockets())
            .writeTimeout(0, TimeUnit.MILLISECONDS)
            .addInterceptor(Transport::withTimesOfCall)
            .addNetworkInterceptor(Transport::withoutSocketTimeout)
            .addNetworkInterceptor(Transport::withoutHeaders)
            .eventListener(new Phases())
            .build();

    @Override
    public Call newCall(Request request) {
        return client.newCall(request);
    }

    private static CallWatch watch(Request request) {
        return Objects.requireNonNull(request.tag(CallWatch.class), "watch");
    }

    private static Response withTimesOfCall(Interceptor.Chain chain) throws IOException {
        CallWatch watch = watch(chain.request());
        Response answer = chain.withConnectTimeout(CallWatch.millis(watch.connect), TimeUnit.MILLISECONDS)
                .withReadTimeout(watch.firstByteMillis(), TimeUnit.MILLISECONDS)
                .proceed(chain.request());
        return answer.newBuilder().headers(watch.answered).build();
    }

    /** OkHttp sets its read timeout on the socket too, where it could not be changed once the stream has begun. */
    private static Response withoutSocketTimeout(Interceptor.Chain chain) throws IOException {
        Connection connection = chain.connection();
        if (connection != null) {
            connection.socket().setSoTimeout(0);
        }
        return chain.proceed(chain.request());
    }

    /**
     * The headers go past OkHttp's own interceptors, which need none of them here (no cache, no cookies, no redirects, no compression) and copy them at every step. A
     * gateway sends forty.
     */
    private static Response withoutHeaders(Interceptor.Chain chain) throws IOException {
        Response answer = chain.proceed(chain.request());
        watch(chain.request()).answered = answer.headers();
        return answer.newBuilder().headers(Headers.EMPTY).build();
    }

    /** Tells the watch when the request goes out; OkHttp calls it on the caller's thread. */
    private static final class Phases extends EventListener {
        @Override
        public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
            watch(call.request()).enter(Phase.CONNECTING);
        }

        @Override
        public void requestHeadersStart(Call call) {
            watch(call.request()).enter(Phase.WAITING);
        }
    }
}

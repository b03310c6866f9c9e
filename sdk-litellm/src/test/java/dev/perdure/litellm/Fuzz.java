package dev.perdure.litellm;

import dev.perdure.litellm.internal.http.CallContext;
import dev.perdure.litellm.internal.http.Endpoint;
import dev.perdure.litellm.internal.http.Settings;
import dev.perdure.litellm.internal.plain.Prices;
import dev.perdure.litellm.internal.wire.ChatCall;
import dev.perdure.model.ModelException;
import dev.perdure.model.ModelReply;
import dev.perdure.model.ModelRequest;
import dev.perdure.session.Interruption;
import dev.perdure.session.Part;
import java.time.Duration;
import java.util.List;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.BufferedSource;
import okio.Okio;
import org.jspecify.annotations.Nullable;

/** Whole calls without a network: the answer is bytes in memory. Confined to one thread. */
final class Fuzz {
    static final String KEY = "sk-secret-fuzzed";
    private static final MediaType STREAM = MediaType.get("text/event-stream; charset=utf-8");
    private static final MediaType JSON = MediaType.get("application/json");
    /** One for all calls: what it has looked for once it does not look for again. */
    private static final Prices PRICES = new Prices();

    private static final ModelRequest REQUEST = Calls.saying("hi");

    private final Settings settings = new Settings(Endpoint.of("http://gateway.test"), false);
    private final OkHttpClient client = new OkHttpClient.Builder()
            .addInterceptor(chain -> canned(chain.request()))
            .build();
    private Answer next = new Answer(500, "", new byte[0], 1, null);

    Fuzz(Wire wire) {
        settings.wire = wire;
        settings.key = KEY;
        settings.model = "m";
    }

    Wire wire() {
        return settings.wire;
    }

    /** @param most bytes that a read gives */
    record Answer(
            int status,
            String type,
            byte[] body,
            int most,
            @Nullable String retryAfter) {
        static Answer stream(byte[] body, int most) {
            return new Answer(200, STREAM.toString(), body, most, null);
        }

        static Answer plain(byte[] body, int most) {
            return new Answer(200, JSON.toString(), body, most, null);
        }
    }

    /** @throws ModelException or whatever else the client throws */
    ModelReply call(Answer answer, Heard heard) {
        next = answer;
        CallContext context =
                new CallContext("call", null, List.of(), null, Duration.ofMinutes(5), Interruption.never(), heard);
        return new ChatCall(settings, client, PRICES, REQUEST, context).run();
    }

    private Response canned(okhttp3.Request request) {
        BufferedSource source = Okio.buffer(new Pieces(new Buffer().write(next.body), next.most));
        Response.Builder response = new Response.Builder()
                .request(request)
                .protocol(Protocol.HTTP_1_1)
                .code(next.status)
                .message("")
                .header("content-type", next.type)
                .body(ResponseBody.create(source, next.type.equals(STREAM.toString()) ? STREAM : JSON, -1));
        if (next.retryAfter != null) {
            response.header("retry-after", next.retryAfter);
        }
        return response.build();
    }

    static int argumentLength(ModelReply reply) {
        int length = 0;
        for (Part part : reply.parts()) {
            length += part instanceof Part.ToolUse use ? use.arguments().length() : 0;
        }
        return length;
    }
}

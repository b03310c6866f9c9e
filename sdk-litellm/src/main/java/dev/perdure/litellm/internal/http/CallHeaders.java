package dev.perdure.litellm.internal.http;

import dev.perdure.session.SessionId;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.StringJoiner;
import java.util.function.IntPredicate;
import okhttp3.Headers;

/**
 * The headers of a call. All that LiteLLM is told besides the request goes into headers: the field {@code litellm_metadata}
 * would make the same body a bad request elsewhere.
 */
public final class CallHeaders {
    private CallHeaders() {}

    public static Headers of(Settings settings, CallContext context, CallWatch watch) {
        Headers.Builder headers = new Headers.Builder()
                .add("Accept", watch.streamed ? "text/event-stream" : "application/json")
                // A compressing proxy holds a stream back.
                .add("Accept-Encoding", "identity");
        if (settings.key != null) {
            headers.add("Authorization", "Bearer " + settings.key);
        }
        W3CTraceContextPropagator.getInstance().inject(Context.current(), headers, (to, name, value) -> {
            if (to != null) {
                to.set(name, value);
            }
        });
        if (settings.gateway) {
            addForGateway(headers, settings, context, watch);
        }
        return headers.build();
    }

    private static void addForGateway(
            Headers.Builder headers, Settings settings, CallContext context, CallWatch watch) {
        headers.add("x-litellm-call-id", visible(context.callId()));
        if (context.session() != null) {
            String session = visible(context.session());
            // The trace id wins over the session id and sets both, so they must be the same.
            headers.add("x-litellm-session-id", session);
            headers.add("x-litellm-trace-id", session);
        }
        if (context.endUser() != null) {
            headers.add("x-litellm-end-user-id", visible(context.endUser()));
        }
        if (settings.tellsTotalTimeout) {
            headers.add("x-litellm-timeout", seconds(watch.total));
        }
        if (settings.tellsFirstByteTimeout && watch.streamed) {
            headers.add("x-litellm-stream-timeout", seconds(watch.firstByte));
        }
        if (!settings.tags.isEmpty() || !context.tags().isEmpty()) {
            headers.add("x-litellm-tags", tags(settings, context));
        }
    }

    private static String tags(Settings settings, CallContext context) {
        StringJoiner tags = new StringJoiner(",");
        settings.tags.forEach(tag -> tags.add(visible(tag)));
        context.tags().forEach(tag -> tags.add(visible(tag)));
        return tags.toString();
    }

    /** A name that LiteLLM takes for a session: the same for the same session, another for another one of any tenant. */
    public static String sessionKey(SessionId session) {
        String readable = underlined(session.tenant() + "-" + session.name(), CallHeaders::isOfName);
        return readable.substring(0, Math.min(40, readable.length())) + "-"
                + Hashes.sha256(session.tenant() + "\0" + session.name()).substring(0, 16);
    }

    /** Commas are replaced, too: they part the tags. */
    private static String visible(String text) {
        return underlined(text, c -> c > ' ' && c < 0x7f && c != ',');
    }

    private static boolean isOfName(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }

    /** With {@code _} in the place of every other character. Most texts are given back as they are: this runs at each call. */
    private static String underlined(String text, IntPredicate wanted) {
        int at = 0;
        while (at < text.length() && wanted.test(text.charAt(at))) {
            at++;
        }
        if (at == text.length()) {
            return text;
        }
        StringBuilder changed = new StringBuilder(text.length()).append(text, 0, at);
        while (at < text.length()) {
            int c = text.codePointAt(at);
            changed.appendCodePoint(wanted.test(c) ? c : '_');
            at += Character.charCount(c);
        }
        return changed.toString();
    }

    private static String seconds(Duration time) {
        return BigDecimal.valueOf(Math.max(1, time.toMillis()), 3)
                .stripTrailingZeros()
                .toPlainString();
    }
}

package dev.perdure.litellm.internal.http;

import dev.perdure.session.SessionId;
import dev.perdure.spi.CallScope;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import okhttp3.Headers;

/**
 * The headers of a call. All that LiteLLM is told besides the request goes into headers: the field {@code litellm_metadata}
 * would make the same body a bad request elsewhere.
 */
public final class CallHeaders {
    private CallHeaders() {}

    public static Headers of(Settings settings, CallScope scope, CallWatch watch) {
        Headers.Builder headers = new Headers.Builder()
                .add("Accept", watch.streamed ? "text/event-stream" : "application/json")
                // A compressing proxy holds a stream back.
                .add("Accept-Encoding", "identity");
        if (settings.key != null) {
            headers.add("Authorization", "Bearer " + settings.key);
        }
        if (settings.gateway) {
            addForGateway(headers, settings, scope, watch);
        }
        return headers.build();
    }

    private static void addForGateway(Headers.Builder headers, Settings settings, CallScope scope, CallWatch watch) {
        String session = sessionKey(scope.session());
        headers.add("x-litellm-call-id", visible(scope.callId()));
        // The trace id wins over the session id and sets both, so they must be the same.
        headers.add("x-litellm-session-id", session);
        headers.add("x-litellm-trace-id", session);
        if (settings.tellsTotalTimeout) {
            headers.add("x-litellm-timeout", seconds(watch.total));
        }
        if (settings.tellsFirstByteTimeout && watch.streamed) {
            headers.add("x-litellm-stream-timeout", seconds(watch.firstByte));
        }
        if (!settings.tags.isEmpty() || !scope.tags().isEmpty()) {
            headers.add("x-litellm-tags", tags(settings, scope));
        }
    }

    private static String tags(Settings settings, CallScope scope) {
        StringJoiner tags = new StringJoiner(",");
        settings.tags.forEach(tag -> tags.add(visible(tag)));
        new TreeMap<>(scope.tags()).forEach((name, value) -> tags.add(visible(name + ":" + value)));
        return tags.toString();
    }

    /** A name that LiteLLM takes for a session: the same for the same session, another for another one of any tenant. */
    public static String sessionKey(SessionId session) {
        String readable = underlined(session.tenant() + "-" + session.name(), CallHeaders::isOfName);
        byte[] hash = sha256(session.tenant() + "\0" + session.name());
        return readable.substring(0, Math.min(40, readable.length())) + "-"
                + HexFormat.of().formatHex(hash, 0, 8);
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    private static String visible(String text) {
        return underlined(text, c -> c > ' ' && c < 0x7f && c != ',');
    }

    private static boolean isOfName(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-';
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
        text.substring(at).codePoints().forEach(c -> changed.appendCodePoint(wanted.test(c) ? c : '_'));
        return changed.toString();
    }

    private static String seconds(Duration time) {
        return BigDecimal.valueOf(Math.max(1, time.toMillis()), 3)
                .stripTrailingZeros()
                .toPlainString();
    }
}

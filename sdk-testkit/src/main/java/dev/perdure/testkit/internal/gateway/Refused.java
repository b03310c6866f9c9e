package dev.perdure.testkit.internal.gateway;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A refusal before it is written. Where the gateway refuses decides what its headers tell: nothing in authentication; the call and the
 * state of its key at a limit; the time limit, too, when the provider failed.
 *
 * @param more further fields of the error, with a comma before them, or the empty text
 * @param hints headers before all others
 * @param late headers after those that tell of the call
 */
public record Refused(
        Where where,
        int status,
        String message,
        @Nullable String type,
        @Nullable String param,
        String more,
        List<String> hints,
        List<String> late) {
    /** By whom a call is refused. */
    public enum Where {
        AUTH,
        LIMIT,
        PROVIDER
    }

    static Refused auth(int status, String message, String type, @Nullable String param) {
        return new Refused(Where.AUTH, status, message, type, param, "", List.of(), List.of());
    }

    static Refused limit(int status, String message, @Nullable String type) {
        return new Refused(Where.LIMIT, status, message, type, null, "", List.of(), List.of());
    }

    static Refused provider(int status, String message, @Nullable String type) {
        return new Refused(Where.PROVIDER, status, message, type, null, "", List.of(), List.of());
    }

    Refused param(String value) {
        return new Refused(where, status, message, type, value, more, hints, late);
    }

    Refused more(String fields) {
        return new Refused(where, status, message, type, param, "," + fields, hints, late);
    }

    Refused hints(String... headers) {
        return new Refused(where, status, message, type, param, more, List.of(headers), late);
    }

    Refused late(String... headers) {
        return new Refused(where, status, message, type, param, more, hints, List.of(headers));
    }

    /** The same with another wait in its headers; one that has none gets it. */
    public Refused retryAfter(long seconds) {
        String header = "retry-after: " + seconds;
        if (hints.isEmpty()) {
            return late(header);
        }
        return hints(hints.stream()
                .map(hint -> hint.startsWith("retry-after:") ? header : hint)
                .toArray(String[]::new));
    }

    /** The same with another status, in the body as well. */
    public Refused status(int other) {
        return new Refused(where, other, message, type, param, more, hints, late);
    }

    String body() {
        return "{\"error\":{\"message\":" + Written.quoted(message) + ",\"type\":" + Written.json(type) + ",\"param\":"
                + Written.json(param) + ",\"code\":\"" + status + "\"" + more + "}}";
    }
}

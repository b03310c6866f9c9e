package dev.perdure.session;

import java.util.Objects;

/**
 * Identity of one tool call: the id of the event that issued it, a slash, and its ordinal in that event from 0. Stable across
 * crashes and replicas; never the provider's id, which may be missing or used twice.
 */
public record CallId(String value) {
    public CallId {
        Objects.requireNonNull(value, "value");
        int slash = value.indexOf('/');
        if (slash < 1 || slash == value.length() - 1) {
            throw new IllegalArgumentException("a call id is EVENT/ORDINAL, but this is \"" + value + "\"");
        }
    }

    public static CallId of(EventId issuedBy, int ordinal) {
        return new CallId(issuedBy + "/" + ordinal);
    }

    @Override
    public String toString() {
        return value;
    }
}

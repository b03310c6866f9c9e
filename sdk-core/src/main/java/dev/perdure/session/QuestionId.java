package dev.perdure.session;

import java.util.Objects;

/**
 * Identity of a question in its session.
 *
 * @param key unique in the session; a call is asked about at most once for each reason
 */
public record QuestionId(SessionId session, String key) {
    public QuestionId {
        Objects.requireNonNull(session, "session");
        Names.require("question key", key, 200);
    }

    @Override
    public String toString() {
        return session + "?" + key;
    }
}

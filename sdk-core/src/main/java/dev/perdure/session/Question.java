package dev.perdure.session;

import java.time.Instant;
import java.util.Objects;

/**
 * What a session waits for a human to decide: whether a tool call may run, or what became of one in doubt.
 *
 * @param arguments of the call, frozen: what is approved is what runs
 * @param text one line for people
 */
public record Question(
        QuestionId id, Kind kind, CallId call, String tool, String arguments, String text, Instant askedAt) {
    /** What is asked. */
    public enum Kind {
        /** May this call run? Accept, edit or deny. */
        APPROVAL,
        /** Did this call take effect? Happened, did not happen, or give up. */
        IN_DOUBT
    }

    public Question {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(call, "call");
        Objects.requireNonNull(tool, "tool");
        Objects.requireNonNull(arguments, "arguments");
        Objects.requireNonNull(text, "text");
        Objects.requireNonNull(askedAt, "askedAt");
    }

    /** Whether this kind of question can be answered so. */
    public boolean allows(Answer answer) {
        boolean forApproval =
                answer instanceof Answer.Accept || answer instanceof Answer.Edit || answer instanceof Answer.Deny;
        return kind == Kind.APPROVAL ? forApproval : !forApproval && !(answer instanceof Answer.Other);
    }
}

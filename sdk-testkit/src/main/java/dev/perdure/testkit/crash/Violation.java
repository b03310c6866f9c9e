package dev.perdure.testkit.crash;

import dev.perdure.session.SessionId;
import java.util.Objects;

/**
 * Something that must not happen.
 *
 * @param property of {@code docs/proof}, {@code P1} to {@code P10}
 * @param seen what was found where
 */
public record Violation(String property, SessionId session, String seen) {
    public Violation {
        Objects.requireNonNull(property, "property");
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(seen, "seen");
    }

    @Override
    public String toString() {
        return property + " " + session + ": " + seen;
    }
}

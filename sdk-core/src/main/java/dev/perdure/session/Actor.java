package dev.perdure.session;

import java.util.Objects;

/**
 * Who did something to a session from outside: sent an input, answered a question, interrupted a turn. Recorded, not
 * authenticated: the application vouches for it.
 */
public record Actor(Kind kind, String name) {
    /** What kind of party an {@link Actor} is. */
    public enum Kind {
        USER,
        SYSTEM,
        AGENT
    }

    /** The library itself. */
    public static final Actor PERDURE = new Actor(Kind.SYSTEM, "perdure");

    /** Somebody the application did not name. */
    public static final Actor UNNAMED = new Actor(Kind.USER, "unnamed");

    public Actor {
        Objects.requireNonNull(kind, "kind");
        Names.require("actor name", name, 200);
    }

    public static Actor user(String name) {
        return new Actor(Kind.USER, name);
    }

    public static Actor system(String name) {
        return new Actor(Kind.SYSTEM, name);
    }

    public static Actor agent(String name) {
        return new Actor(Kind.AGENT, name);
    }

    @Override
    public String toString() {
        return kind.name().toLowerCase(java.util.Locale.ROOT) + " " + name;
    }
}

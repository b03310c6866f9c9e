package dev.perdure.session.jdbc;

import dev.perdure.session.Actor;
import dev.perdure.session.Event;
import dev.perdure.session.Json;
import dev.perdure.spi.SessionStore.Post;
import java.util.List;
import java.util.Map;

/** What a sender without a runtime posts, in the form that workers read. */
final class Messages {
    private Messages() {}

    static Post text(String key, String text) {
        Json body = Json.of(Map.of("parts", List.of(Map.of("type", "Text", "text", text)), "when", "NEXT_TURN"));
        return new Post(key, Event.InputKind.MESSAGE, Actor.user("ann"), body);
    }
}

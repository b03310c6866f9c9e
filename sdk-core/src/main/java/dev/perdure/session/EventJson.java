package dev.perdure.session;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.node.ObjectNode;

/** The stored form of events. */
final class EventJson {
    private static final Map<String, Class<?>> TYPES = Stream.of(Event.class.getPermittedSubclasses())
            .filter(type -> type != Event.Unknown.class)
            .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, type -> type));

    /** How {@link #write} begins. */
    private static final String START = "{\"v\":" + Event.FORMAT + ",";

    /** What follows is the name of the type. */
    private static final String HEAD = START + "\"type\":\"";

    /** In characters. */
    private static final int LONG = 16 * 1024 * 1024;

    private static final Map<String, ObjectReader> READERS = TYPES.entrySet().stream()
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, type -> reader(type.getValue())));

    private EventJson() {}

    /** {@link #write} has seen to it that no field is there twice; to look again would be a tenth of a resume. */
    private static ObjectReader reader(Class<?> type) {
        return Mapping.JSON.readerFor(type).without(StreamReadFeature.STRICT_DUPLICATE_DETECTION);
    }

    /**
     * The event of a stored form, without a tree of it where this version knows the type: a resume reads the whole tail of a log.
     * Whatever is unusual is left to {@link #read(Json)}, which says what is wrong with it.
     */
    static Event read(String stored) {
        int end = stored.startsWith(HEAD) ? stored.indexOf('"', HEAD.length()) : -1;
        ObjectReader known = end < 0 ? null : READERS.get(stored.substring(HEAD.length(), end));
        if (known != null) {
            try {
                return known.readValue(stored);
            } catch (JacksonException e) {
                return read(Json.parse(stored));
            }
        }
        return read(Json.parse(stored));
    }

    /** Names of the types that this version knows, in order. */
    static List<String> types() {
        return TYPES.keySet().stream().sorted().toList();
    }

    static Json write(Event event) {
        if (event instanceof Event.Unknown unknown) {
            return unknown.json();
        }
        ObjectNode stored = Mapping.JSON.createObjectNode();
        stored.put("v", Event.FORMAT);
        try {
            stored.setAll((ObjectNode) Mapping.JSON.<JsonNode>valueToTree(event));
            return new Json(Mapping.reread(stored));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "the event " + event.type() + " could not be read again: " + Mapping.message(e), e);
        }
    }

    /**
     * The text of {@link #write}, without a tree of it: for each event that is stored. Only what a reader could refuse is looked at once more.
     *
     * @throws IllegalArgumentException as {@link #write}
     */
    static String text(Event event) {
        if (event instanceof Event.Unknown) {
            return write(event).text();
        }
        try {
            String fields = Mapping.writeValue(event);
            // The longest are left to the reader, which has a limit.
            return fields.length() < LONG && Mapping.isReadable(fields)
                    ? START + fields.substring(1)
                    : write(event).text();
        } catch (JacksonException e) {
            return write(event).text();
        }
    }

    static Event read(Json stored) {
        JsonNode node = stored.node();
        String type = node.path("type").asString("");
        if (type.isEmpty()) {
            throw new IllegalArgumentException("not an event, it has no \"type\"");
        }
        int format = node.path("v").asInt(0);
        if (format < 1) {
            throw new IllegalArgumentException("not an event, it has no format number \"v\"");
        }
        if (format > Event.FORMAT) {
            throw new UnsupportedFormatException("the event " + type + " has format " + format
                    + ", this version reads up to " + Event.FORMAT + ": upgrade before this session goes on");
        }
        Class<?> known = TYPES.get(type);
        if (known == null) {
            if (node.path("critical").asBoolean(false)) {
                throw new UnsupportedFormatException("the event type " + type
                        + " is unknown to this version and marked critical: upgrade before this session goes on");
            }
            return new Event.Unknown(type, stored);
        }
        try {
            return (Event) Mapping.JSON.treeToValue(node, known);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not a valid event " + type + ": " + Mapping.message(e), e);
        }
    }
}

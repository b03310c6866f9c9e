package dev.perdure.session;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The stored form of a {@link SessionState}. It is a cache: what was written by a version that may make something else of the same events, or cannot be
 * read, is not there.
 */
final class SnapshotJson {
    /** Raised whenever the same events come to something else. */
    static final int FOLD = 1;

    /** Who knows other types of events folds them otherwise, or would pass over one that must be understood. */
    private static final String FOLDED_BY = FOLD + "/" + Event.FORMAT + "/" + types();

    private SnapshotJson() {}

    /** The stored form, with its writer's mark first. */
    private record Stored(String foldedBy, @Nullable SessionState state) {}

    private static String types() {
        CRC32 sum = new CRC32();
        sum.update(String.join(",", EventJson.types()).getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(sum.getValue());
    }

    static String write(SessionState state) {
        return Json.of(new Stored(FOLDED_BY, state)).text();
    }

    static Optional<SessionState> read(String stored) {
        try {
            Json json = Json.parse(stored);
            return json.findText("foldedBy").filter(FOLDED_BY::equals).isPresent()
                    ? Optional.ofNullable(json.as(Stored.class).state()).map(SnapshotJson::unmodifiable)
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static SessionState unmodifiable(SessionState read) {
        return new SessionState(
                read.agent(),
                read.turn(),
                read.ended(),
                Collections.unmodifiableList(read.calls()),
                Collections.unmodifiableMap(read.questions()),
                Collections.unmodifiableMap(read.notes()),
                Collections.unmodifiableMap(read.artifacts()),
                read.sandbox(),
                read.steps(),
                read.usage(),
                read.cost(),
                Collections.unmodifiableList(read.inputs()),
                read.covered());
    }
}

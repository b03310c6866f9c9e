package dev.perdure.internal.transfer;

import dev.perdure.session.Actor;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Json;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.Recorded;
import dev.perdure.session.SessionId;
import dev.perdure.session.SessionInfo;
import dev.perdure.session.SessionStatus;
import dev.perdure.spi.SessionStore.Image;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The lines of an exported session, in their order. The first field of a line says which it is. Times are milliseconds since 1970 UTC. */
final class Lines {
    /** Number of the format that this version writes. */
    static final int FORMAT = 1;

    /** Bytes of a blob in one line. */
    static final int CHUNK = 48 * 1024;

    private Lines() {}

    /** What the first line of any format has. */
    record Format(String perdure, int format) {}

    /**
     * The first line.
     *
     * @param perdure always {@code session}
     * @param events number of the last event
     * @param last id of the last event
     */
    record Header(
            String perdure,
            int format,
            String tenant,
            String name,
            String agent,
            SessionStatus status,
            Map<String, String> labels,
            long openedAt,
            long changedAt,
            int attempts,
            long fence,
            long inboxHead,
            long events,
            EventId last) {
        static Header of(Image image) {
            SessionInfo session = image.session();
            return new Header(
                    "session",
                    FORMAT,
                    session.id().tenant().value(),
                    session.id().name(),
                    session.agent(),
                    session.status(),
                    session.labels(),
                    session.openedAt().toEpochMilli(),
                    session.changedAt().toEpochMilli(),
                    session.attempts(),
                    image.fence(),
                    image.inboxHead(),
                    image.head().seq(),
                    image.head().event());
        }

        SessionInfo session(SessionId as) {
            return new SessionInfo(
                    as,
                    agent,
                    status,
                    labels,
                    Instant.ofEpochMilli(openedAt),
                    Instant.ofEpochMilli(changedAt),
                    null,
                    null,
                    attempts);
        }

        Position head() {
            return new Position(events, last);
        }
    }

    /** An item of the inbox; {@code item} is its position. */
    record Item(
            long item,
            String key,
            Event.InputKind kind,
            Actor from,
            long at,
            long consumed,
            @Nullable Json body,
            @Nullable String digest) {
        static Item of(Image.Item item) {
            return new Item(
                    item.position(),
                    item.key(),
                    item.kind(),
                    item.from(),
                    item.at().toEpochMilli(),
                    item.consumed(),
                    item.body(),
                    item.digest());
        }

        /** A missing body is read as the JSON value null. */
        Image.Item restored() {
            if (digest != null && !digest.matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException("not a SHA-256 in hexadecimal: \"" + digest + "\"");
            }
            Json open = consumed == 0 ? body : null;
            return new Image.Item(item, key, kind, from, Instant.ofEpochMilli(at), consumed, open, digest);
        }
    }

    /** An open question; {@code question} is its key. */
    record Asked(
            String question, Question.Kind kind, CallId call, String tool, String arguments, String text, long at) {
        static Asked of(Question asked) {
            return new Asked(
                    asked.id().key(),
                    asked.kind(),
                    asked.call(),
                    asked.tool(),
                    asked.arguments(),
                    asked.text(),
                    asked.askedAt().toEpochMilli());
        }

        Question question(SessionId session) {
            return new Question(
                    new QuestionId(session, question), kind, call, tool, arguments, text, Instant.ofEpochMilli(at));
        }
    }

    /**
     * An event; {@code event} is its number.
     *
     * @param body its stored form, when that is as this library writes JSON
     * @param text its stored form otherwise, so that it stays the same byte for byte
     */
    record Happened(
            long event,
            EventId id,
            int turn,
            long fence,
            long at,
            @Nullable Json body,
            @Nullable String text) {
        static Happened of(Recorded event) {
            Json body = Json.parse(event.json());
            boolean ours = body.text().equals(event.json());
            return new Happened(
                    event.seq(),
                    event.id(),
                    event.turn(),
                    event.fence(),
                    event.at().toEpochMilli(),
                    ours ? body : null,
                    ours ? null : event.json());
        }

        Json json() {
            return body != null ? body : Json.parse(Objects.requireNonNull(text));
        }

        Recorded recorded() {
            String stored =
                    text != null ? text : Objects.requireNonNull(body, "body").text();
            return Recorded.of(event, id, turn, fence, Instant.ofEpochMilli(at), stored);
        }
    }

    /**
     * Some bytes of a blob.
     *
     * @param blob SHA-256 of all its bytes, in hexadecimal
     * @param size of the blob in bytes
     * @param from place of the first of these in it
     * @param data in Base64
     */
    record Chunk(String blob, long size, long from, String data) {}

    /**
     * The last line.
     *
     * @param end how many lines there are before it
     * @param sha256 of all bytes before it
     */
    record Trailer(long end, String sha256) {}
}

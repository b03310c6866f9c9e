package dev.perdure.spi;

import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Position;
import dev.perdure.session.Question;
import dev.perdure.session.SessionId;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Where a body stands: what an encrypted one is bound to, so that it can be read nowhere else. Immutable. */
public final class BodyPlace {
    private final SessionId session;
    private final String name;
    private final List<String> bound;

    private BodyPlace(SessionId session, String name, String... bound) {
        this.session = session;
        this.name = name;
        this.bound = List.of(bound);
    }

    /**
     * The body of an event.
     *
     * @param type as it stands beside the body
     */
    public static BodyPlace event(SessionId session, long seq, EventId id, int turn, String type) {
        return new BodyPlace(
                session,
                "event " + seq,
                "event",
                Long.toString(seq),
                id.value().toString(),
                Integer.toString(turn),
                type);
    }

    /** The body of an inbox item; its position is not known before it is stored, and is not bound. */
    public static BodyPlace item(SessionId session, String key, Event.InputKind kind, Actor from) {
        return new BodyPlace(
                session,
                "inbox item " + key,
                "item",
                key,
                kind.name(),
                from.kind().name(),
                from.name());
    }

    /** {@link Question#arguments}. */
    public static BodyPlace arguments(Question question) {
        return of(question, "arguments");
    }

    /** {@link Question#text}. */
    public static BodyPlace text(Question question) {
        return of(question, "text");
    }

    private static BodyPlace of(Question question, String part) {
        String key = question.id().key();
        return new BodyPlace(
                question.id().session(),
                "question " + key,
                part,
                key,
                question.kind().name(),
                question.call().value(),
                question.tool());
    }

    /** A blob. */
    public static BodyPlace blob(SessionId session, BlobRef blob) {
        return new BodyPlace(session, "blob " + blob.sha256(), "blob", blob.sha256(), Long.toString(blob.size()));
    }

    /** The body of a {@link SessionStore.Snapshot}. */
    public static BodyPlace snapshot(SessionId session, Position at) {
        return new BodyPlace(
                session,
                "snapshot after event " + at.seq(),
                "snapshot",
                Long.toString(at.seq()),
                at.event().value().toString());
    }

    SessionId session() {
        return session;
    }

    /** Each text with its length, so that no two places have the same bytes. */
    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        add(out, session.tenant().value());
        add(out, session.name());
        bound.forEach(text -> add(out, text));
        return out.toByteArray();
    }

    private static void add(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeBytes(ByteBuffer.allocate(4).putInt(bytes.length).array());
        out.writeBytes(bytes);
    }

    /** For people: what it is, and of which session. */
    @Override
    public String toString() {
        return name + " of " + session;
    }
}
